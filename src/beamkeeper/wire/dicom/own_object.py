"""What every DICOM object of our own making shares: names for UIDs, whose it is, and the file around it."""

from __future__ import annotations

import io
import uuid
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from beamkeeper.wire.dicom.part10 import MANUFACTURER, file_header

if TYPE_CHECKING:
    from beamkeeper.domain.patient import Patient

_NAMESPACE = uuid.UUID("6b9ee38a-5c1c-5f0e-9f64-3d4f5c0f2a11")
"""Of names that become UIDs (RFC 4122, version 5)."""
_PERSON_MAX, LONG_MAX = 64, 64
"""Characters of a component group of PN, and of LO (PS3.5 6.2)."""


def uid_of(*parts: str) -> str:
    """Return a UID made of names, always the same for the same ones (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(31).join(parts)).int}"


def put_patient(item: Dataset, patient: Patient, *, site_name: str) -> None:
    """Put the elements that say whose it is and who made it, in UTF-8."""
    item.SpecificCharacterSet = "ISO_IR 192"
    item.Manufacturer = MANUFACTURER
    item.InstitutionName = plain(site_name, LONG_MAX)
    item.PatientName = _person(patient.name)
    item.PatientID = plain(patient.patient_id, LONG_MAX)
    if patient.issuer_of_patient_id:
        item.IssuerOfPatientID = plain(patient.issuer_of_patient_id, LONG_MAX)
    item.PatientBirthDate = f"{patient.birth_on:%Y%m%d}" if patient.birth_on else ""
    item.PatientSex = patient.sex if patient.sex in {"F", "M", "O"} else ""


def reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    """Return an item that points to an object."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
    return item


def whole_file(item: Dataset) -> bytes:
    """Return the object as a file, explicit VR little endian."""
    header = file_header(
        sop_class_uid=str(item.SOPClassUID),
        sop_instance_uid=str(item.SOPInstanceUID),
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    return header + bare(item)


def bare(item: Dataset) -> bytes:
    """Return the data set alone."""
    body = io.BytesIO()
    item.save_as(body, implicit_vr=False, little_endian=True)
    return body.getvalue()


def plain(text: str, longest: int) -> str:
    """Return text without what a value may not hold: control characters and the backslash."""
    return "".join(sign for sign in text if sign.isprintable() and sign != "\\")[:longest]


def _person(name: str) -> str:
    """Return a PN of at most three groups of five components, none longer than PS3.5 6.2 allows."""
    groups = ("^".join(group.split("^")[:5]) for group in name.split("=")[:3])
    return "=".join(plain(group, _PERSON_MAX) for group in groups)
