"""Whether an inventory tells the truth: patient by patient against what was truly given.

What a copy can know is held to be equal. What it cannot know has to be asked, and nobody is asked without
a booked session that may have taken place. The truth is the simulator's; nothing here looks into a vault.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import local_date, utc
from beamkeeper.rehearse.sim.ois_facts import bookings
from beamkeeper.rehearse.sim.state import patient_of
from beamkeeper.respond.incident.inventory import is_asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from beamkeeper.protect.lists import Person
    from beamkeeper.rehearse.attack.moment import Moment
    from beamkeeper.rehearse.attack.month import Month
    from beamkeeper.rehearse.sim.records import Session
    from beamkeeper.rehearse.sim.state import PatientState
    from beamkeeper.rehearse.sim.treatments import SimPatient
    from beamkeeper.respond.incident import Inventory

CALLED_IN: Final = timedelta(hours=1)
"""Nobody of the simulated month is called in earlier."""
NEAR: Final = timedelta(hours=3)
"""A session further from its booking is taken for another one."""
LATELY_DAYS: Final = 14
"""Whoever was treated so recently and has no booking any more is asked."""


class Said(StrEnum):
    """What the inventory said of one patient, against the truth."""

    EQUAL = "as in truth"
    ASKED = "not all in the copy, and asked"
    ASKED_IN_VAIN = "booked and not treated, which nobody can see: asked"
    JOINED_SINCE = "joined after the copy was made"
    MISSING = "MISSING: nobody speaks of the patient"
    COUNTED_WRONGLY = "COUNTED WRONGLY: not what the copy's own records say"
    SILENT = "SILENT: treated since the copy, and nobody asks"
    ASKED_WITHOUT_REASON = "ASKED WITHOUT REASON: no session was booked that the copy does not show"
    UNKNOWN = "UNKNOWN: the department has no such patient"


WRONG: Final = frozenset(
    {Said.MISSING, Said.COUNTED_WRONGLY, Said.SILENT, Said.ASKED_WITHOUT_REASON, Said.UNKNOWN}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """How much of one plan was truly given: whole fractions, and fractions begun and not finished."""

    complete: int
    partial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPatient:
    """One patient's verdict."""

    patient_id: str
    said: Said
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one attack."""

    moment: Moment
    patients: tuple[OfPatient, ...] = field(default=())

    @property
    def wrong(self) -> tuple[OfPatient, ...]:
        """Patients of whom the inventory said something else than the truth, or nothing."""
        return tuple(one for one in self.patients if one.said in WRONG)

    @property
    def counts(self) -> dict[str, int]:
        """How many patients there are of each kind."""
        return dict(Counter(one.said.value for one in self.patients))


def verdict(month: Month, moment: Moment, inventory: Inventory) -> Verdict:
    """Return for everybody of the department whether the inventory tells the truth."""
    persons: dict[str, list[Person]] = {}
    for person in inventory.persons:
        persons.setdefault(person.entry.patient.patient_id, []).append(person)
    return Verdict(moment=moment, patients=tuple(_everybody(month, moment, persons)))


def _everybody(month: Month, moment: Moment, persons: dict[str, list[Person]]) -> Iterator[OfPatient]:
    night = month.state_at(moment.copy.night_at)
    known = {member.index for member in night.patients}
    done = {member.index for member in night.patients if member.finished_on is not None}
    for member in month.state_at(moment.attacked_at).patients:
        patient = patient_of(month.end, month.end.member(member.index))
        mine = persons.pop(patient.patient_id, [])
        if not mine and member.index in done:
            continue  # nobody keeps for ever who has finished
        said, detail = Said.JOINED_SINCE, ""
        if member.index in known and len(mine) != 1:
            said, detail = Said.MISSING, f"{len(mine)} entries"
        elif member.index in known:
            said, detail = _of_one(month, moment, patient, mine[0])
        elif mine:
            said = Said.UNKNOWN
        yield OfPatient(patient_id=patient.patient_id, said=said, detail=detail)
    for patient_id in persons:
        yield OfPatient(patient_id=patient_id, said=Said.UNKNOWN)


def _of_one(month: Month, moment: Moment, patient: SimPatient, person: Person) -> tuple[Said, str]:
    truth = given_until(month, patient, moment.copy.knows_until)
    counted = {
        at.plan_uid: Given(complete=at.fractions_complete, partial=at.fractions_partial)
        for at in (person.position.plans if person.position else ())
    }
    if any(counted.get(uid, Given(complete=0, partial=0)) != given for uid, given in truth.items()):
        return Said.COUNTED_WRONGLY, f"{counted} for {truth}"
    since = month.visits_of(patient.index, since=moment.copy.knows_until, until=moment.attacked_at)
    if since:
        return (Said.ASKED if is_asked(person) else Said.SILENT), f"{len(since)} sessions since"
    if not is_asked(person):
        return Said.EQUAL, ""
    may_have = _may_have_been_treated(month, moment, patient)
    return (Said.ASKED_IN_VAIN if may_have else Said.ASKED_WITHOUT_REASON), ""


def given_until(month: Month, patient: SimPatient, instant: datetime) -> dict[str, Given]:
    """Return what was truly given of each plan until an instant, by UID; a plan not begun is left out."""
    unknown = {one.session for one in month.visits if one.index == patient.index and one.ended_at > instant}
    sessions = month.end.member(patient.index).sessions
    return given_in(patient, [one for one in sessions if one not in unknown])


def given_in(patient: SimPatient, sessions: Iterable[Session]) -> dict[str, Given]:
    """Return what these sessions gave of each plan, by UID."""
    parts: dict[str, dict[int, set[str]]] = {}
    by_name = {(one.key, one.version): patient.plan_uid(one) for one in patient.treatments}
    for one in sessions:
        of_plan = parts.setdefault(by_name[one.treatment_key, one.version], {})
        of_plan.setdefault(one.fraction_number, set()).add(one.part)
    return {
        uid: Given(
            complete=sum(bool(part & {"whole", "rest"}) for part in fractions.values()),
            partial=sum(part == {"first"} for part in fractions.values()),
        )
        for uid, fractions in parts.items()
    }


def _may_have_been_treated(month: Month, moment: Moment, patient: SimPatient) -> bool:
    """Whether a booking known to the copy could have been a session that the copy does not show."""
    state = month.state_at(moment.copy.night_at)
    member = state.member(patient.index)
    day = local_date(moment.copy.knows_until, month.zone)
    booked = [
        utc(one.starts_at)
        for one in bookings(patient_of(state, member), member, last_day=state.last_day, zone=month.zone)
        if not one.is_past and not one.is_cancelled
    ]
    seen = [
        one.began_at
        for one in month.visits
        if one.index == patient.index
        and local_date(one.began_at, month.zone) >= day
        and one.ended_at <= moment.copy.knows_until
    ]
    first = min(local_date(moment.attacked_at, month.zone), day + timedelta(days=1))
    if not any(local_date(one, month.zone) >= first for one in booked):
        return _is_lately_treated(member, moment)
    if _is_broken_off(month.state_at(moment.copy.knows_until).member(patient.index), day):
        return True  # nobody books the rest of a fraction
    open_ones = [at for at in booked if at <= moment.attacked_at + CALLED_IN]
    for at in sorted(seen):  # each shows one booking at most: the rest of a fraction has none
        if near := [one for one in open_ones if abs(at - one) <= NEAR]:
            open_ones.remove(min(near, key=lambda one: abs(at - one)))
    return bool(open_ones)


def _is_broken_off(member: PatientState, day: date) -> bool:
    """Whether a fraction was begun on `day` and is not finished."""
    parts = {
        (one.treatment_key, one.version, one.fraction_number, one.part)
        for one in member.sessions
        if one.on >= day
    }
    return any((*name, "rest") not in parts for *name, part in parts if part == "first")


def _is_lately_treated(member: PatientState, moment: Moment) -> bool:
    days = [(moment.copy.night - one.on).days for one in member.sessions]
    return bool(days) and min(days) <= LATELY_DAYS
