"""From the bytes of one object to our terms; what we do not interpret is kept untouched.

Every failure is `ObjectUnreadable` with a plain reason; what was odd but readable is a warning of
the object that comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.clinical import ClinicalObject, Content
from beamkeeper.domain.objects import ObjectKind, ObjectRef, Reference
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary
from beamkeeper.domain.volume import Dose, Image, StructureSet
from beamkeeper.wire.dicom.identify import identify_opened, is_storage_object
from beamkeeper.wire.dicom.part10 import MANUFACTURER
from beamkeeper.wire.dicom.reader_bytes import open_object
from beamkeeper.wire.dicom.reader_plan import read_plan
from beamkeeper.wire.dicom.reader_record import read_record, read_summary
from beamkeeper.wire.dicom.reader_references import read_references
from beamkeeper.wire.dicom.reader_volume import (
    read_dose,
    read_image,
    read_registration,
    read_structure_set,
)
from beamkeeper.wire.dicom.values import DataSet, clean_uid, data_set_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from typing_extensions import Buffer

    from beamkeeper.wire.dicom.reader_bytes import OpenedObject

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_KINDS = {
    "2": ObjectKind.IMAGE,
    "2.1": ObjectKind.IMAGE,
    "2.2": ObjectKind.IMAGE,
    "4": ObjectKind.IMAGE,
    "4.1": ObjectKind.IMAGE,
    "4.4": ObjectKind.IMAGE,
    "128": ObjectKind.IMAGE,
    "128.1": ObjectKind.IMAGE,
    "130": ObjectKind.IMAGE,
    "66.1": ObjectKind.REGISTRATION,
    "66.3": ObjectKind.REGISTRATION,
    "481.1": ObjectKind.RT_IMAGE,
    "481.2": ObjectKind.DOSE,
    "481.3": ObjectKind.STRUCTURE_SET,
    "481.4": ObjectKind.TREATMENT_RECORD,
    "481.5": ObjectKind.PLAN,
    "481.6": ObjectKind.TREATMENT_RECORD,
    "481.7": ObjectKind.TREATMENT_SUMMARY,
    "481.8": ObjectKind.PLAN,
    "481.9": ObjectKind.TREATMENT_RECORD,
}
_KINDS_BY_MODALITY = {
    "CT": ObjectKind.IMAGE,
    "MR": ObjectKind.IMAGE,
    "PT": ObjectKind.IMAGE,
    "REG": ObjectKind.REGISTRATION,
    "RTIMAGE": ObjectKind.RT_IMAGE,
    "RTDOSE": ObjectKind.DOSE,
    "RTSTRUCT": ObjectKind.STRUCTURE_SET,
    "RTPLAN": ObjectKind.PLAN,
    "RTRECORD": ObjectKind.TREATMENT_RECORD,
}
"""Asked only where an object names no SOP class at all; a foreign SOP class is never guessed at."""
_OTHER_NAMES = {
    "1.2.840.10008.5.1.4.34.7": "beams delivery instruction",
    "1.2.840.10008.5.1.4.34.1": "beams delivery instruction",
    "1.2.840.10008.5.1.4.34.10": "brachytherapy delivery instruction",
    _STORAGE + "104.1": "PDF document",
    _STORAGE + "66.4": "segmentation",
    _STORAGE + "66.2": "fiducials",
}


def read_object(data: Buffer, *, zone: ZoneInfo) -> ClinicalObject:
    """Return what one object says, with its references and what was odd about it.

    Parameters
    ----------
    zone
        Where its dates and times are meant, unless it states Timezone Offset From UTC (0008,0201).

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object, or beyond a named limit; the message says which.
    """
    return _read(data, zone)[0]


def read_patient(data: Buffer, *, zone: ZoneInfo) -> Patient | None:
    """Return whom an object names; None when it has no Patient ID.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object.
    """
    opened = open_object(data)
    top = data_set_of(opened, zone)
    return _patient(top, identify_opened(opened, top).patient_id)


def read_stated_patient(data: Buffer, *, zone: ZoneInfo) -> Patient | None:
    """Return whom an object names, as `read_patient` does, without asking whether it is whole otherwise.

    Nothing of it is hashed, so that it may be asked of every object once more.
    """
    top = data_set_of(open_object(data), zone)
    return _patient(top, top.identifier("PatientID"))


def read_object_and_patient(data: Buffer, *, zone: ZoneInfo) -> tuple[ClinicalObject, Patient | None]:
    """Return what `read_object` and `read_patient` return, in one pass; raises as they do."""
    item, top = _read(data, zone)
    return item, _patient(top, item.ref.patient_id)


def _read(data: Buffer, zone: ZoneInfo) -> tuple[ClinicalObject, DataSet]:
    opened = open_object(data)
    top = data_set_of(opened, zone)
    ref = identify_opened(opened, top)
    _warn_where_meta_differs(opened, top, ref)
    kind = kind_of(ref)
    references = read_references(
        top, images=kind in {ObjectKind.STRUCTURE_SET, ObjectKind.REGISTRATION, ObjectKind.OTHER}
    )
    content = _read_content(kind, top, ref, references)
    item = ClinicalObject(
        ref=ref,
        kind=kind,
        label=_label(ref, kind, content),
        references=references,
        content=content,
        warnings=tuple(top.context.notes),
    )
    return item, top


def _patient(top: DataSet, patient_id: str) -> Patient | None:
    if not patient_id:
        return None
    sex = top.code("PatientSex")
    return Patient(
        patient_id=patient_id,
        name=top.text("PatientName"),
        issuer_of_patient_id=top.identifier("IssuerOfPatientID"),
        birth_on=top.day("PatientBirthDate"),
        sex=sex if sex in {"F", "M", "O"} else "",
    )


def kind_of(ref: ObjectRef) -> ObjectKind:
    """Return what an object is for, by its SOP class, or by its modality where it names no class."""
    if not ref.sop_class_uid:
        return _KINDS_BY_MODALITY.get(ref.modality, ObjectKind.OTHER)
    return _KINDS.get(ref.sop_class_uid.removeprefix(_STORAGE), ObjectKind.OTHER)


def _read_content(
    kind: ObjectKind, top: DataSet, ref: ObjectRef, references: tuple[Reference, ...]
) -> Content | None:
    match kind:
        case ObjectKind.PLAN:
            return read_plan(top, ref, references)
        case ObjectKind.TREATMENT_RECORD:
            return read_record(top, ref, references)
        case ObjectKind.TREATMENT_SUMMARY:
            # One that we computed is our own count of earlier: no second opinion to hold a count against.
            return None if _is_ours(top) else read_summary(top, ref, references)
        case ObjectKind.STRUCTURE_SET:
            return read_structure_set(top, ref, references)
        case ObjectKind.DOSE:
            return read_dose(top, ref, references)
        case ObjectKind.IMAGE | ObjectKind.RT_IMAGE:
            return read_image(top, ref, references)
        case ObjectKind.REGISTRATION:
            return read_registration(top, ref)
        case ObjectKind.OTHER:
            return None


def _is_ours(top: DataSet) -> bool:
    return top.text("Manufacturer") == MANUFACTURER


def _warn_where_meta_differs(opened: OpenedObject, top: DataSet, ref: ObjectRef) -> None:
    element = opened.meta.get(0x00020003)
    if element is None:
        return
    stated = clean_uid(bytes(opened.data[element.start : element.end]))
    if stated != ref.sop_instance_uid:
        top.context.warn("the file meta names another SOP Instance UID than the object: the object's is used")


def _label(ref: ObjectRef, kind: ObjectKind, content: Content | None) -> str:
    match content:
        case Plan():
            return f"plan {content.rt_plan_label or content.rt_plan_name or 'without label'}"
        case TreatmentRecord():
            return _record_label(content)
        case TreatmentSummary():
            return f"summary, {content.current_treatment_status.lower().replace('_', ' ') or 'no status'}"
        case StructureSet():
            return f"structure set {content.structure_set_label}".strip()
        case Dose():
            peak = "" if content.maximum_dose_gy is None else f", maximum {content.maximum_dose_gy:.2f} Gy"
            return f"dose {content.dose_summation_type.lower().replace('_', ' ')}".strip() + peak
        case Image():
            number = "" if content.instance_number is None else f" {content.instance_number}"
            if kind is ObjectKind.RT_IMAGE:
                return f"RT image {content.description or number.strip()}".strip()
            return f"{ref.modality or 'image'} slice{number}"
        case _ if kind is ObjectKind.REGISTRATION:
            return "registration"
        case _ if kind is ObjectKind.TREATMENT_SUMMARY:
            return f"summary, computed by {MANUFACTURER}"
        case _ if not is_storage_object(ref):
            return "worklist step, not a stored object"
        case _:
            return _OTHER_NAMES.get(ref.sop_class_uid, ref.modality or "object of an unknown class")


def _record_label(record: TreatmentRecord) -> str:
    fractions = sorted({d.current_fraction_number for d in record.deliveries} - {None}, key=str)
    count = len(record.deliveries)
    beams = f"{count} beam{'' if count == 1 else 's'}"
    if not fractions:
        return f"record without fraction number, {beams}"
    return f"fraction {', '.join(map(str, fractions))}, {beams}"
