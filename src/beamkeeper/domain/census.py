"""Who must be kept: the list every night starts from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from beamkeeper.domain.chart import Chart
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import Course


class CensusReason(StrEnum):
    """Why a patient is on the list."""

    TREATED_RECENTLY = "treated in the last days"
    SCHEDULED_SOON = "has appointments in the coming days"
    PLANNED_NOT_STARTED = "plan approved, not started"
    BEGUN_NOT_FINISHED = "treatment begun, sessions still open"
    SIMULATED_RECENTLY = "simulated lately"
    KEPT_BEFORE = "was on the last list and is not known to have finished"
    ASKED_FOR = "asked for by name"
    SHARES_AN_ID = "has objects under the Patient ID of somebody on the list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One source saying one reason for one patient."""

    source: str
    reason: CensusReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One booked session."""

    starts_at: datetime
    activity: str
    machine: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OisCount:
    """What the OIS database itself counts for one plan: a second opinion on our own count.

    Attributes
    ----------
    source
        Which OIS; where it knows several ways to count, each is a source of its own: "aria, beam history".
    """

    plan_uid: str
    source: str
    fractions_planned: int | None
    fractions_done: int | None
    fractions_partial: int | None = None
    last_treated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusEntry:
    """One patient on the list, with everything that put them there.

    Attributes
    ----------
    disagreements
        What the sources say differently, in words ("ois: birth date 1960-01-02, dicom: 1960-02-01").
    finished
        True when a source says the course is complete: kept for the retention time, then purged.
    charts
        What each OIS says besides: physicians, notes, triage code, its own list of plans and fields.
    """

    patient: Patient
    claims: tuple[Claim, ...]
    courses: tuple[Course, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    counts: tuple[OisCount, ...] = ()
    disagreements: tuple[str, ...] = ()
    finished: bool = False
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """How asking one source went.

    Attributes
    ----------
    error
        Why it gave no answer, in a plain sentence; "" when it answered.
    """

    source: str
    answered: bool
    patient_count: int
    warnings: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Tonight's list.

    Attributes
    ----------
    stale
        True when no source answered and the list is the last one known: said on every page.
    """

    taken_at: datetime
    entries: tuple[CensusEntry, ...]
    sources: tuple[SourceReport, ...]
    stale: bool = False
