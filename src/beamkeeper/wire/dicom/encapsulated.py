"""A PDF as a DICOM object, Encapsulated PDF Storage (PS3.3 A.45.1; `protocols` 5).

The UIDs are made of what the document is of and says: the same document is the same object, so that a
second run sends no duplicate, and an archive is not filled with one study a document.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EncapsulatedPDFStorage

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.own_object import put_patient, reference, uid_of, whole_file

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.domain.patient import Patient

_TITLE_MAX = 1024
"""Characters of ST (PS3.5 6.2)."""


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
        item.SourceInstanceSequence = Items(reference(*source) for source in document.source_instances)
    return whole_file(item)


def _identified(document: EncapsulatedDocument, digest: str) -> Dataset:
    patient, uids = document.patient, uids_of(document, digest)
    item = Dataset()
    put_patient(item, patient, site_name=document.site_name)
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
    item.SeriesNumber, item.InstanceNumber = 1, document.instance_number
    return item
