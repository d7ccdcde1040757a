"""Which object some bytes are: UIDs, Patient ID, modality, digest; fast, and only for whole objects."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.domain.objects import ObjectRef
from beamkeeper.errors import NotAStoredObject, ObjectUnreadable
from beamkeeper.wire.dicom.reader_bytes import OpenedObject, open_object
from beamkeeper.wire.dicom.values import DataSet, data_set_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

PATIENT_ID_CHARACTERS_MAX = 256
"""LO holds 64; some systems write more, none writes a page."""
DIRECTORY_RECORDS = 0x00041220
_NOT_STORED_PREFIXES = ("1.2.840.10008.5.1.4.34.6", "1.2.840.10008.3.1.2.3", "1.2.840.10008.5.1.4.31")
"""Worklist and procedure step services: their data sets travel and are not objects of an archive."""
_UTC = ZoneInfo("UTC")


def identify(data: Buffer) -> ObjectRef:
    """Return what the object is, after walking its top level from end to end.

    Raises
    ------
    ObjectUnreadable
        Not DICOM; truncated; damaged by line-ending conversion; a DICOM message rather than a
        stored object; no SOP Instance UID.
    """
    opened = open_object(data)
    return identify_opened(opened, data_set_of(opened, _UTC))


def identify_opened(opened: OpenedObject, top: DataSet) -> ObjectRef:
    """Return what an opened object is; see `identify`."""
    sop_class_uid, modality = top.uid("SOPClassUID"), top.code("Modality")
    if DIRECTORY_RECORDS in opened.elements:
        raise NotAStoredObject("A DICOM directory (DICOMDIR): it lists objects and is none.")
    if not sop_class_uid and not modality:
        raise NotAStoredObject(
            "A DICOM message, not a stored object: it has neither SOP class nor modality.",
            size_bytes=len(opened.data),
        )
    sop_instance_uid = top.uid("SOPInstanceUID")
    if not sop_instance_uid:
        raise ObjectUnreadable(
            "The object has no valid SOP Instance UID (0008,0018): nothing can refer to it.",
            sop_class_uid=sop_class_uid,
        )
    patient_id = top.identifier("PatientID")
    if len(patient_id) > PATIENT_ID_CHARACTERS_MAX:
        raise ObjectUnreadable(
            f"The Patient ID has {len(patient_id)} characters, at most {PATIENT_ID_CHARACTERS_MAX} are read.",
            sop_instance_uid=sop_instance_uid,
        )
    _verify_pixels_whole(top)
    return ObjectRef(
        sop_class_uid=sop_class_uid,
        sop_instance_uid=sop_instance_uid,
        study_instance_uid=top.uid("StudyInstanceUID"),
        series_instance_uid=top.uid("SeriesInstanceUID"),
        patient_id=patient_id,
        modality=modality,
        transfer_syntax_uid=opened.transfer_syntax_uid,
        sha256=sha256(opened.data).hexdigest(),
        size_bytes=len(opened.data),
    )


def is_storage_object(ref: ObjectRef) -> bool:
    """Whether an archive stores such objects; False for worklist and procedure step data sets."""
    return bool(ref.sop_class_uid or ref.modality) and not ref.sop_class_uid.startswith(_NOT_STORED_PREFIXES)


def native_pixel_bytes(top: DataSet) -> int | None:
    """Return how many bytes uncompressed pixel data must have; None when the object does not say."""
    rows, columns, bits = (top.integer(k) for k in ("Rows", "Columns", "BitsAllocated"))
    if rows is None or columns is None or bits is None:
        return None
    samples, frames = top.integer("SamplesPerPixel"), top.integer("NumberOfFrames")
    pixels = rows * columns * (1 if samples is None else samples) * (frames or 1)
    if pixels < 0 or bits < 0:
        return None
    if "422" in top.code("PhotometricInterpretation"):
        pixels = pixels * 2 // 3
    return (pixels * bits + 7) // 8


def _verify_pixels_whole(top: DataSet) -> None:
    found = top.raw("PixelData")
    if found is None or found[0].undefined_length:
        return
    needed, there = native_pixel_bytes(top), found[0].end - found[0].start
    if not there and needed:
        top.context.warn("pixel data are empty: the writer or a publisher left them out")
    elif needed is not None and there < needed:
        raise ObjectUnreadable(
            f"Truncated: the pixel data hold {there} bytes, rows, columns and frames need {needed}.",
            stated_bytes=needed,
            left_bytes=there,
        )
