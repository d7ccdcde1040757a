"""What every kind of database says of a department: one truth, whichever tables it is written into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.patients import at, treatment_time, working_day
from beamkeeper.rehearse.sim.state import current_treatments, fractions_given

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from zoneinfo import ZoneInfo

    from beamkeeper.rehearse.sim.records import Session
    from beamkeeper.rehearse.sim.state import PatientState
    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

BOOKED_AHEAD = 8
"""Appointments are booked for so many coming working days."""

DIAGNOSES = {
    "prostate": ("C61", "Malignant neoplasm of prostate"),
    "head and neck": ("C10.9", "Malignant neoplasm of oropharynx"),
    "breast": ("C50.9", "Malignant neoplasm of breast"),
    "brain": ("C71.9", "Malignant neoplasm of brain"),
    "lung": ("C34.9", "Malignant neoplasm of bronchus or lung"),
    "skin": ("C44.5", "Malignant neoplasm of skin of trunk"),
}
TRIAGE_CODES = {"head and neck": "1", "lung": "1", "brain": "2", "breast": "3", "prostate": "4", "skin": "5"}
"""What the department's physicians say of each site: 1 urgent … 5 alternatives available."""
SEX = {"F": "Female", "M": "Male"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One appointment: past or coming.

    Attributes
    ----------
    technique
        How the patient is treated; "" for the simulation.
    """

    starts_at: datetime
    machine: str
    technique: str = ""
    is_past: bool = False
    is_cancelled: bool = False


def midnight(day: date) -> datetime:
    """Return a day as a database without a date type keeps it: midnight, naive."""
    return datetime.combine(day, time())


def local(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the wall clock of the server at an instant: naive, as such databases keep it."""
    return instant.astimezone(zone).replace(tzinfo=None)


def sessions_of(member: PatientState, treatment: Treatment) -> list[Session]:
    """Return the sessions in which one version of one treatment was given, oldest first."""
    name = (treatment.key, treatment.version)
    return [one for one in member.sessions if (one.treatment_key, one.version) == name]


def fractions_complete(member: PatientState, treatment: Treatment) -> int:
    """Return how many fractions of exactly this version are complete; a continuation completes one."""
    return len({s.fraction_number for s in sessions_of(member, treatment) if s.part != "first"})


def bookings(
    patient: SimPatient, member: PatientState, *, last_day: date, zone: ZoneInfo
) -> Iterator[Booking]:
    """Yield past and coming sessions; the first patient's session two days ahead was cancelled."""
    yield Booking(starts_at=at(patient.simulated_on, 8, 0, zone), machine="CT1", is_past=True)
    for treatment in patient.treatments:
        for session in sessions_of(member, treatment):
            yield Booking(
                starts_at=treatment_time(patient, treatment.key, session.on, zone),
                machine=treatment.machine,
                technique=treatment.technique.value,
                is_past=True,
            )
    if member.finished_on:
        return
    for treatment in current_treatments(patient):
        left = treatment.fractions - fractions_given(member, treatment)
        for ahead in range(1, min(left, BOOKED_AHEAD) + 1):
            yield Booking(
                starts_at=treatment_time(patient, treatment.key, working_day(last_day, ahead), zone),
                machine=treatment.machine,
                technique=treatment.technique.value,
                is_cancelled=patient.index == 0 and ahead == 2,  # noqa: PLR2004 - as said above
            )
