"""A dossier in a parcel, and the DICOM object it becomes: always the same of the same dossier."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from beamkeeper.app.jobs.dossiers import DOSSIER_NAME
from beamkeeper.domain.patient import Patient
from beamkeeper.vault import StoredObject
from beamkeeper.wire.dicom.encapsulated import EncapsulatedDocument, encapsulated_pdf, uids_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

TITLE: Final = "Dossier for treating on, night of {night}"
KIND: Final = "dossier"
MODALITY: Final = "DOC"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDossier:
    """A dossier in a parcel, and what its DICOM object says besides.

    Attributes
    ----------
    sha256, size_bytes
        Of the PDF.
    sources
        (SOP Class UID, SOP Instance UID) of plans and records it was made from.
    """

    parcel: str
    sha256: str
    size_bytes: int
    night: date
    site_name: str
    patient: Patient
    study_instance_uid: str
    sources: tuple[tuple[str, str], ...]

    def document(self, made_at: datetime) -> EncapsulatedDocument:
        """Return what is put around the PDF."""
        return EncapsulatedDocument(
            site_name=self.site_name,
            patient=self.patient,
            title=TITLE.format(night=self.night),
            kind=KIND,
            made_at=made_at,
            study_instance_uid=self.study_instance_uid,
            source_instances=self.sources,
            instance_number=int(f"{self.night:%Y%m%d}"),
        )

    def as_object(self) -> StoredObject:
        """Return the object it becomes; digest and size are the PDF's, which is what the vault holds."""
        uids = uids_of(self.document(datetime.combine(self.night, time(), tzinfo=UTC)), self.sha256)
        return StoredObject(
            sop_class_uid=EncapsulatedPDFStorage,
            sop_instance_uid=uids.sop_instance_uid,
            study_instance_uid=uids.study_instance_uid,
            series_instance_uid=uids.series_instance_uid,
            patient_id=self.patient.patient_id,
            modality=MODALITY,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            parcel=self.parcel,
            member=DOSSIER_NAME,
            first_seen_on=self.night,
            last_seen_on=self.night,
        )

    def wrapped(self, pdf: bytes, zone: ZoneInfo) -> bytes:
        """Return the DICOM file of the PDF; Content Date and Time are when that was made."""
        made_at = _made_at(pdf) or datetime.combine(self.night, time(), tzinfo=zone)
        return encapsulated_pdf(self.document(made_at.astimezone(zone)), pdf)


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierNote:
    """The newest dossier of a patient among the parcels up to one.

    Attributes
    ----------
    through
        Path of the newest parcel that was looked into.
    dossier
        None where none of them holds one.
    """

    through: str
    dossier: SealedDossier | None


def _made_at(pdf: bytes) -> datetime | None:
    """Return when a PDF says that it was made; None when it does not, or on no clock."""
    import pypdf  # noqa: PLC0415 - takes a fifth of a second, and only what goes elsewhere needs it
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        said = pypdf.PdfReader(io.BytesIO(pdf)).metadata
        made_at = said.creation_date if said is not None else None
    except (PyPdfError, ValueError):
        return None
    return made_at if made_at is not None and made_at.tzinfo is not None else None
