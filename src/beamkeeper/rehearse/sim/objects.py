"""What every synthetic object has in common, and how it becomes bytes."""

from __future__ import annotations

import struct
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

from pydicom import dcmwrite
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from beamkeeper.rehearse.sim.treatments import SimPatient

CT = UID("1.2.840.10008.5.1.4.1.1.2")
RT_STRUCTURE_SET = UID("1.2.840.10008.5.1.4.1.1.481.3")
RT_PLAN = UID("1.2.840.10008.5.1.4.1.1.481.5")
RT_ION_PLAN = UID("1.2.840.10008.5.1.4.1.1.481.8")
RT_DOSE = UID("1.2.840.10008.5.1.4.1.1.481.2")
RT_BEAMS_RECORD = UID("1.2.840.10008.5.1.4.1.1.481.4")
RT_ION_BEAMS_RECORD = UID("1.2.840.10008.5.1.4.1.1.481.9")
REGISTRATION = UID("1.2.840.10008.5.1.4.1.1.66.1")

Elements: TypeAlias = "Mapping[str, object]"
"""Elements of one item by DICOM keyword."""

IMPLEMENTATION = UID("2.25.113059749145936325402354257176981405696")
"""Implementation Class UID in the file meta group of everything made here."""


def item(**elements: object) -> Dataset:
    """Return a data set (or sequence item) with these elements, by DICOM keyword.

    Plain ASCII text, and lists of it, is encoded at once: pydicom would check and convert every value
    of what is formatted already, which is more than half of the time it takes to make a department.
    """
    dataset = Dataset()
    for keyword, value in elements.items():
        text = _plain_text(value)
        tag, vr = _tag_and_vr(keyword)
        if text is None or vr not in _TEXT_VR:
            setattr(dataset, keyword, value)
        else:
            dataset[tag] = _raw(tag, vr, text)
    return dataset


def put_items(dataset: Dataset, keyword: str, items: Iterable[Elements]) -> None:
    """Set a sequence; its items, and sequences in them, are encoded at once as `item` says of texts.

    Their values are ASCII text, lists of it, numbers where the VR is FL or FD, and lists of items.
    """
    tag, vr = _tag_and_vr(keyword)
    dataset[tag] = _element(tag, vr, _joined(items))


def _joined(items: Iterable[Elements]) -> bytes:
    bodies = (b"".join(map(_explicit_element, _elements(one))) for one in items)
    return b"".join(map(_delimited, bodies))


def _elements(of: Elements) -> list[RawDataElement]:
    found = []
    for keyword, value in of.items():
        tag, vr = _tag_and_vr(keyword)
        if vr == "SQ":
            data = _joined(value)  # type: ignore[arg-type]
        elif vr in _NUMBER_VR:
            numbers = value if isinstance(value, list) else [value]
            data = struct.pack(f"<{len(numbers)}{_NUMBER_VR[vr]}", *numbers)
        else:
            text = _plain_text(value)
            if text is None:
                raise ValueError(f"{keyword}: only ASCII text is encoded at once, not {value!r}")
            data = _padded(vr, text)
        found.append(_element(tag, vr, data))
    return sorted(found)


def put_decimals(dataset: Dataset, keyword: str, values: Iterable[float], decimals: int = 2) -> None:
    """Set a long Decimal String element from numbers."""
    tag, _ = _tag_and_vr(keyword)
    dataset[tag] = _raw(tag, "DS", "\\".join([ds(value, decimals) for value in values]))


_NUMBER_VR = {"FL": "f", "FD": "d"}
_TEXT_VR = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "SH", "ST", "TM", "UI"})


@cache
def _tag_and_vr(keyword: str) -> tuple[BaseTag, str]:
    tag = Tag(keyword)
    return tag, dictionary_VR(tag)


def _plain_text(value: object) -> str | None:
    """Return a value as DICOM text; None when it is not ASCII text or a list of it."""
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        value = "\\".join(value)
    return value if isinstance(value, str) and value.isascii() else None


def _raw(tag: BaseTag, vr: str, text: str) -> RawDataElement:
    return _element(tag, vr, _padded(vr, text))


def _padded(vr: str, text: str) -> bytes:
    """Return text padded to even length as its VR asks."""
    data = text.encode("ascii")
    return data + (b"\0" if vr == "UI" else b" ") if len(data) % 2 else data


def _element(tag: BaseTag, vr: str, data: bytes) -> RawDataElement:
    return RawDataElement(tag, vr, len(data), data, 0, is_implicit_VR=False, is_little_endian=True)


def reference(sop_class: str, sop_instance: str) -> Dataset:
    """Return an item that points at one instance."""
    return item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=sop_instance)


def da(day: date) -> str:
    """Return a day as DICOM writes it."""
    return day.strftime("%Y%m%d")


def tm(instant: datetime) -> str:
    """Return a wall-clock time as DICOM writes it."""
    return instant.strftime("%H%M%S")


def ds(value: float, decimals: int = 2) -> str:
    """Return a Decimal String of at most `decimals` decimals, without needless zeros."""
    text = f"{value:.{decimals}f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def header(
    patient: SimPatient,
    sop_class: UID,
    sop_instance: str,
    modality: str,
    *,
    made_at: datetime,
    series: str,
    study: str = "",
    series_number: int = 1,
) -> Dataset:
    """Return a data set with patient, study, series, equipment and SOP common filled.

    Parameters
    ----------
    made_at
        When it was made: aware, in the department's zone (its wall clock is what DICOM writes).
    study
        Its study; "" for the study of the planning objects.
    """
    person = patient.person
    charset = list(person.character_set)
    return item(
        SpecificCharacterSet=charset if len(charset) > 1 else charset[0],
        InstanceCreationDate=da(made_at),
        InstanceCreationTime=tm(made_at),
        SOPClassUID=sop_class,
        SOPInstanceUID=sop_instance,
        StudyDate=da(patient.simulated_on if not study else made_at),
        StudyTime="081500" if not study else tm(made_at),
        AccessionNumber="",
        Modality=modality,
        Manufacturer="Beamkeeper simulated department",
        InstitutionName="Simulated Hospital",
        ReferringPhysicianName="Referrer^Simulated",
        StationName="SIM",
        ManufacturerModelName="Synthetic",
        SoftwareVersions="1",
        DeviceSerialNumber="SIM-1",
        PatientName=person.name,
        PatientID=person.patient_id,
        PatientBirthDate=da(person.birth_on),
        PatientSex=person.sex,
        StudyInstanceUID=study or patient.study_uid,
        SeriesInstanceUID=series,
        StudyID="1",
        SeriesNumber=str(series_number),
        OperatorsName="Operator^Simulated",
    )


def encode(dataset: Dataset, transfer_syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """Return the object as a DICOM file: preamble, file meta group, data set."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = transfer_syntax
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = "BEAMKEEPER_SIM"
    dataset.file_meta = meta
    if transfer_syntax == ExplicitVRLittleEndian:
        head = DicomBytesIO()
        head.is_little_endian, head.is_implicit_VR = True, False
        head.write(b"\0" * 128 + b"DICM")
        write_file_meta_info(head, meta, enforce_standard=True)
        return head.getvalue() + _explicit(dataset, convert_encodings(dataset.get("SpecificCharacterSet")))
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _explicit(dataset: Dataset, encodings: list[str]) -> bytes:
    """Return a data set in explicit VR little endian, sequences and items of defined length.

    Elements that are encoded already are copied, everything else is left to pydicom (DICOM PS3.5 7.1).
    """
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, False
    for tag in sorted(dataset.keys()):
        element: Any = dataset.get_item(tag)
        if element.is_raw and (element.VR == "SQ" or element.VR not in EXPLICIT_VR_LENGTH_32):
            out.write(_explicit_element(element))
        elif element.VR == "SQ":
            items = b"".join(_item(one, encodings) for one in dataset[tag].value or [])
            out.write(struct.pack("<HH2sHI", tag.group, tag.element, b"SQ", 0, len(items)) + items)
        else:
            write_data_element(out, element, encodings)
    return out.getvalue()


def _item(dataset: Dataset, encodings: list[str]) -> bytes:
    """Return one sequence item with its tag (FFFE,E000) and length."""
    return _delimited(_explicit(dataset, encodings))


def _delimited(body: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(body)) + body


def _explicit_element(element: RawDataElement) -> bytes:
    tag, vr, data = element.tag, (element.VR or "UN").encode(), element.value or b""
    if vr == b"SQ":
        return struct.pack("<HH2sHI", tag.group, tag.element, vr, 0, len(data)) + data
    return struct.pack("<HH2sH", tag.group, tag.element, vr, len(data)) + data


def approval(made_at: datetime) -> dict[str, str]:
    """Return the Approval module of an approved object."""
    return {
        "ApprovalStatus": "APPROVED",
        "ReviewDate": da(made_at),
        "ReviewTime": tm(made_at),
        "ReviewerName": "Physician^Simulated",
    }
