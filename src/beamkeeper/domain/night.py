"""What one night did, patient by patient: the facts a report is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from beamkeeper.domain.audit import AuditHead
from beamkeeper.domain.census import CensusReason, SourceReport
from beamkeeper.domain.change import DOCUMENT, SEVERITY, Grade, ObjectComparison
from beamkeeper.domain.position import CoursePosition
from beamkeeper.domain.readiness import Readiness


class NightOutcome(StrEnum):
    """How a night ended."""

    COMPLETE = "complete"
    """Every patient on the list is kept whole."""
    INCOMPLETE = "incomplete"
    """Something named in the report could not be kept; everything else is."""
    STOPPED = "stopped"
    """A mass change: nothing new was sealed, the last good copies stay."""
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKept:
    """One object that should have come and did not, or came and cannot be read.

    Attributes
    ----------
    what
        Its modality and kind in words.
    reason
        "refused by the archive", "no answer", or why the bytes cannot be read.
    title
        What people call a document: it may name somebody, so it stands on the page and never in a mail.
    """

    sop_instance_uid: str
    what: str
    reason: str
    title: str = ""

    @property
    def shown(self) -> str:
        """What it is and what people call it, for the page."""
        return f"{self.what} {self.title}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientNight:
    """One patient in one night.

    Attributes
    ----------
    pseudonym
        The folder name in the vault.
    comparisons
        Every object that is not identical to the copy before, and what the OIS orders otherwise than then.
    identical_count
        Objects whose bytes did not change.
    document_count
        Documents that the shares hold of the patient and that are kept.
    identity
        What is doubtful about who this patient is, in words that name nobody: a Patient ID that two
        persons share, a name or birth date that changed, objects that another patient has too.
    unsent
        Approved plans that the planning system could not send to a place, as its receipts say.
    stored
        True when tonight's state of this patient is in the vault, read back and named in signed
        metadata.
    error
        Why the patient could not be processed at all; "" otherwise.
    """

    pseudonym: str
    patient_id: str
    patient_name: str
    reasons: tuple[CensusReason, ...] = ()
    finished: bool = False
    expected_count: int = 0
    received_count: int = 0
    identical_count: int = 0
    document_count: int = 0
    not_kept: tuple[NotKept, ...] = ()
    comparisons: tuple[ObjectComparison, ...] = ()
    disagreements: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
    position: CoursePosition | None = None
    readiness: tuple[Readiness, ...] = ()
    parcel: str = ""
    parcel_bytes: int = 0
    stored: bool = False
    error: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether everything of this patient is kept."""
        return self.stored and not self.not_kept and not self.error

    @property
    def eyes(self) -> tuple[ObjectComparison, ...]:
        """The changes a person must look at, worst first."""
        needing = [item for item in self.comparisons if item.needs_eyes]
        return tuple(sorted(needing, key=lambda item: -SEVERITY[item.grade]))

    @property
    def needs_a_word(self) -> bool:
        """Whether people have to say something: a change to look at, a loss, a doubt about who it is."""
        return bool(self.eyes or self.identity) or not self.is_whole

    @property
    def expected_changes(self) -> tuple[ObjectComparison, ...]:
        """Changes that have an explanation."""
        return tuple(item for item in self.comparisons if item.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightReport:
    """One night, whole.

    Attributes
    ----------
    run_on
        The local date the night belongs to.
    compared_with
        The night before, None for the first.
    alarm
        Why the night was stopped, in words; "" otherwise.
    stale_census
        True when no source of the list answered and the last list was used.
    warnings
        What should have been kept and could not be given to any patient, and what is odd about the list.
    remarks
        What is worth a line and is no loss.
    page_only
        The names of files behind warnings and remarks: a file may be called after its patient, so they
        stand on the page, never in the mail.
    audit_head
        Where the audit log ended when the report was made: whoever keeps the report can prove by it that
        no line before was changed.
    """

    run_on: date
    site_name: str
    time_zone: str
    started_at: datetime
    finished_at: datetime
    outcome: NightOutcome
    sources: tuple[SourceReport, ...]
    patients: tuple[PatientNight, ...]
    compared_with: date | None = None
    stale_census: bool = False
    alarm: str = ""
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    page_only: tuple[str, ...] = ()
    vault_directory: str = ""
    vault_parcels: int = 0
    vault_bytes: int = 0
    audit_head: AuditHead | None = None

    def count(self, grade: Grade) -> int:
        """Return how many objects and documents got this grade; of documents only what changed is graded."""
        if grade is Grade.IDENTICAL:
            return sum(patient.identical_count for patient in self.patients)
        return sum(item.grade is grade for patient in self.patients for item in patient.comparisons)

    def documents(self, grade: Grade) -> int:
        """Return how many of these are documents."""
        items = (item for patient in self.patients for item in patient.comparisons)
        return sum(item.grade is grade and item.kind == DOCUMENT for item in items)

    @property
    def eyes_count(self) -> int:
        """How many changes need a person's eyes."""
        return sum(len(patient.eyes) for patient in self.patients)

    @property
    def identity_count(self) -> int:
        """How many patients there is a doubt about, whether they are who their Patient ID says."""
        return sum(bool(patient.identity) for patient in self.patients)

    @property
    def unsent_count(self) -> int:
        """How many exports of approved plans failed."""
        return sum(len(patient.unsent) for patient in self.patients)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing needs eyes and everything is kept: never true for an empty list."""
        whole = bool(self.patients) and self.outcome is NightOutcome.COMPLETE
        return whole and not any(patient.needs_a_word for patient in self.patients)
