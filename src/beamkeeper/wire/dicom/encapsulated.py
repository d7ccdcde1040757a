"""A PDF as a DICOM object, Encapsulated PDF Storage (PS3.3 A.45.1; `protocols` 5).

The UIDs are made of what the document is of and says: the same document is the same object, so that a
second run sends no duplicate, and an archive is not filled with one study a document.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.part10 import file_header

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.domain.patient import Patient

_NAMESPACE = uuid.UUID("6b9ee38a-5c1c-5f0e-9f64-3d4f5c0f2a11")
"""Of names that become UIDs (RFC 4122, version 5)."""
_TITLE_MAX, _PERSON_MAX, _LONG_MAX = 1024, 64, 64
"""Characters of ST, of a component group of PN, and of LO (PS3.5 6.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncapsulatedDocument:
    """What is put into the object besides the PDF.

    Attributes
    ----------
    site_name
        Becomes Institution Name, and part of what the UIDs are made of.
    study_instance_uid
        The study it belongs to, the plan's; "" makes one study a patient for all our documents.
    source_instances
        (SOP Class UID, SOP Instance UID) of what the document is made from.
    made_at
        Content Date and Time, on the clock it carries.
    instance_number
        By what a viewer puts the instances of one series in order.
    """

    site_name: str
    patient: Patient
    title: str
    kind: str
    made_at: datetime
    study_instance_uid: str = ""
    source_instances: tuple[tuple[str, str], ...] = ()
    instance_number: int = 1


@dataclass(frozen=True, slots=True)
class DocumentUids:
    """By what a document is known in DICOM; told before it is made."""

    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str


def uids_of(document: EncapsulatedDocument, pdf_sha256: str) -> DocumentUids:
    """Return the UIDs of the object that a document becomes with the PDF of this digest."""
    patient = document.patient
    whose = (document.site_name, patient.issuer_of_patient_id, patient.patient_id)
    study = document.study_instance_uid or uid_of(*whose, "study")
    return DocumentUids(
        sop_instance_uid=uid_of(*whose, document.kind, "instance", pdf_sha256),
        study_instance_uid=study,
        series_instance_uid=uid_of(*whose, document.kind, "series", study),
    )


def encapsulated_pdf(document: EncapsulatedDocument, pdf: bytes) -> bytes:
    """Return a whole DICOM file; the same document and bytes give the same file.

    Raises
    ------
    ObjectUnreadable
        The bytes are no PDF: dciodvfy would not notice, so we look.
    """
    if not pdf.startswith(b"%PDF-") or b"%%EOF" not in pdf[-1024:]:
        raise ObjectUnreadable("These bytes are not a whole PDF; they were not put into a DICOM object.")
    item = _identified(document, hashlib.sha256(pdf).hexdigest())
    item.BurnedInAnnotation = "YES"
    item.DocumentTitle = document.title[:_TITLE_MAX]
    item.ConceptNameCodeSequence = Items()
    item.MIMETypeOfEncapsulatedDocument = "application/pdf"
    item.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    item.EncapsulatedDocumentLength = len(pdf)
    if document.source_instances:
        item.SourceInstanceSequence = Items(map(_reference, document.source_instances))
    header = file_header(
        sop_class_uid=EncapsulatedPDFStorage,
        sop_instance_uid=str(item.SOPInstanceUID),
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    body = io.BytesIO()
    item.save_as(body, implicit_vr=False, little_endian=True)
    return header + body.getvalue()


def _identified(document: EncapsulatedDocument, digest: str) -> Dataset:
    patient, uids = document.patient, uids_of(document, digest)
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 192"
    item.SOPClassUID = EncapsulatedPDFStorage
    item.SOPInstanceUID = uids.sop_instance_uid
    item.StudyInstanceUID = uids.study_instance_uid
    item.SeriesInstanceUID = uids.series_instance_uid
    day, time = f"{document.made_at:%Y%m%d}", f"{document.made_at:%H%M%S}"
    item.StudyDate = item.StudyTime = ""
    item.ContentDate, item.ContentTime = day, time
    item.AcquisitionDateTime = f"{document.made_at:%Y%m%d%H%M%S%z}"
    item.AccessionNumber = item.ReferringPhysicianName = item.StudyID = ""
    item.Modality = "DOC"
    item.ConversionType = "WSD"
    item.Manufacturer = "Beamkeeper"
    item.InstitutionName = _plain(document.site_name, _LONG_MAX)
    item.PatientName = _person(patient.name)
    item.PatientID = _plain(patient.patient_id, _LONG_MAX)
    if patient.issuer_of_patient_id:
        item.IssuerOfPatientID = _plain(patient.issuer_of_patient_id, _LONG_MAX)
    item.PatientBirthDate = f"{patient.birth_on:%Y%m%d}" if patient.birth_on else ""
    item.PatientSex = patient.sex if patient.sex in {"F", "M", "O"} else ""
    item.SeriesNumber, item.InstanceNumber = 1, document.instance_number
    return item


def _reference(source: tuple[str, str]) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source
    return item


def uid_of(*parts: str) -> str:
    """Return a UID made of names, always the same for the same ones (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(31).join(parts)).int}"


def _person(name: str) -> str:
    """Return a PN of at most three groups of five components, none longer than PS3.5 6.2 allows."""
    groups = ("^".join(group.split("^")[:5]) for group in name.split("=")[:3])
    return "=".join(_plain(group, _PERSON_MAX) for group in groups)


def _plain(text: str, longest: int) -> str:
    """Return text without what a value may not hold: control characters and the backslash."""
    return "".join(sign for sign in text if sign.isprintable() and sign != "\\")[:longest]
