"""What the ledger hands out: frozen values, never rows of a database library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003 - the codec reads these hints when it runs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.vault.state import StoredDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRow:
    """One night.

    Attributes
    ----------
    outcome
        A value of `NightOutcome`; "running" until it is finished.
    finished_at
        None while it runs, or when it was interrupted and never resumed.
    summary
        JSON object of numbers for the status page; no names.
    """

    run_on: date
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    summary: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRow:
    """One patient the vault knows."""

    pseudonym: str
    patient: Patient
    first_seen_on: date
    last_seen_on: date
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """One version of a document that the vault holds, and what is known of its file.

    Attributes
    ----------
    kind
        As its source calls it ("setup note"); "" when it does not say.
    place
        Where it lay, as the night writes it; "" when that is not known any more, as after a rebuild.
    stamp
        What the share said of the file when its bytes were last read, on `read_on`.
    """

    stored: StoredDocument
    kind: str = ""
    place: str = ""
    stamp: str = ""
    read_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One verdict of one night on one object of one patient."""

    run_on: date
    pseudonym: str
    comparison: ObjectComparison


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementRow:
    """A change somebody said would come, so that it needs no alarm when it does.

    Attributes
    ----------
    pseudonym
        The patient; "" for every patient (a new machine name, a software upgrade).
    scope
        What may change, as the comparison understands it ("replan", "structure set", …).
    valid_from, valid_until
        When the announcement counts; `valid_until` is excluded.
    """

    pseudonym: str
    scope: str
    reason: str
    announced_by: str
    announced_at: datetime
    valid_from: datetime
    valid_until: datetime

    def __post_init__(self) -> None:
        """Refuse an announcement that never counts."""
        if self.valid_until <= self.valid_from:
            raise ValueError("an announcement must end after it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """Where one patient stood in one night.

    Attributes
    ----------
    as_of
        When the treatment records were last asked for on that date, after the night; None when it is the
        night's own count.
    """

    run_on: date
    pseudonym: str
    position: CoursePosition
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorRow:
    """How the last run over one destination ended.

    Attributes
    ----------
    place
        Fingerprint of where the destination is: proofs of another place do not count.
    state
        A value of `MirrorState`; "" before the first run.
    mirrored_at
        When everything was last proved there; None when it never was.
    waiting_since
        Since when something is waiting; None when nothing is.
    facts
        JSON object: counts, problems and errors in words, no names of patients.
    """

    destination: str
    place: str
    state: str
    tried_at: datetime | None
    mirrored_at: datetime | None
    waiting_since: datetime | None
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRow:
    """One object that was read back from a destination with the right digest."""

    name: str
    sha256: str
    size_bytes: int
    stamp: str
    proved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRow:
    """One patient who was removed by rule, or is about to be.

    Attributes
    ----------
    removal_id
        Pseudonym and date of the decision.
    state
        "decided" (the vault still names the patient), "going" (it does not; some place may still hold
        something), "gone", "dropped" (the decision no longer stood when it was to be carried out).
    patient
        Who it is, for places that know patients by name; None once nothing needs it any more.
    receipt
        JSON object: what was removed where and how it was proved; no names.
    """

    removal_id: str
    pseudonym: str
    decided_on: date
    reason: str
    state: str
    patient: Patient | None
    receipt: Mapping[str, object]
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalPlaceRow:
    """Where one place stands with one removal.

    Attributes
    ----------
    state
        A value of `protect.retain.PlaceState`.
    said, do_next
        Plain sentences of the last try, without names.
    order_number, order_taken, refusals
        What it was told last, whether it accepted that, and how often it refused.
    count
        Objects that went there, over all tries.
    """

    removal_id: str
    place: str
    kind: str
    state: str
    said: str = ""
    do_next: str = ""
    until_on: date | None = None
    order_number: str = ""
    order_taken: bool = False
    refusals: int = 0
    count: int = 0
    tries: int = 0
    tried_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRow:
    """One word of a person about keeping: see `protect.retain.Word`."""

    at: datetime
    person: str
    kind: str
    pseudonym: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRow:
    """What retention found on one local date, as JSON: counts and reasons, no names."""

    run_on: date
    at: datetime
    found: Mapping[str, object]
