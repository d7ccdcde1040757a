"""A month of a department, decided beforehand: who was truly treated when, and what people knew of it.

Patients are those of the simulated department. Some stay away for a day, some are late or called in early, a
machine stops in the middle of a fraction, which is finished in the afternoon or on the next day, plans are
replaced, patients join and finish. A pure function of a seed: nothing is written here.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import local_date, local_instant, utc
from beamkeeper.rehearse.sim.ois_kind import OisKind
from beamkeeper.rehearse.sim.patients import at, session_time
from beamkeeper.rehearse.sim.records import Session
from beamkeeper.rehearse.sim.state import (
    DepartmentState,
    PatientState,
    Replan,
    at_first,
    current_treatments,
    fractions_given,
    patient_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

DAYS: Final = 28
SATURDAY: Final = 5
AWAY, STOPS, REPLANNED = 0.05, 0.04, 0.01
"""Shares of sessions that do not take place, that a machine breaks off, after which a new plan is made."""
SAME_DAY: Final = 0.4
"""Share of broken fractions that are finished in the afternoon, the others on the next working day."""
EARLY_MIN, LATE_MIN = -55, 100
"""Nobody is called in a whole hour early."""
REPAIRED_MIN: Final = (185, 300)
"""So long after the first part the rest of a fraction is given on the same day."""
BEAM_TIME: Final = timedelta(minutes=3)
"""As the simulated machines write it; the record is there when the last beam is off."""
JOIN_EVERY: Final = 20
"""One new patient a working day for so many who are there, and one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One session as it truly was.

    Attributes
    ----------
    index
        Whose: the number in the department's cast.
    ended_at
        When the last beam was off, or the machine stopped; the record is exported then.
    """

    index: int
    session: Session
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Everything that happens in a month when nobody attacks.

    Attributes
    ----------
    end
        The department on the last evening.
    visits
        Every session of the month, by the time it began.
    """

    zone: ZoneInfo
    end: DepartmentState
    visits: tuple[Visit, ...]

    @property
    def first_day(self) -> date:
        """Day of the first night."""
        return self.end.first_day

    @property
    def last_day(self) -> date:
        """The last day that is played."""
        return self.end.last_day

    def start_of(self, day: date) -> datetime:
        """Return when a day begins."""
        return local_instant(day, time(), self.zone)

    def visits_of(self, index: int, *, since: datetime, until: datetime) -> tuple[Visit, ...]:
        """Return the sessions of a patient that had not ended at `since` and had begun at `until`."""
        return tuple(
            one
            for one in self.visits
            if one.index == index and one.ended_at > since and one.began_at <= until
        )

    def state_at(self, instant: datetime) -> DepartmentState:
        """Return the department as its own systems know it at an instant: what is exported until then."""
        today = local_date(instant, self.zone)
        unknown = {(one.index, one.session) for one in self.visits if one.ended_at > instant}
        members = tuple(
            replace(
                member,
                sessions=tuple(one for one in member.sessions if (member.index, one) not in unknown),
                replans=tuple(one for one in member.replans if self._approved_at(one.on) <= instant),
                finished_on=member.finished_on if member.finished_on and member.finished_on < today else None,
            )
            for member in self.end.patients
            if member.joined_on is None or self._approved_at(member.joined_on) <= instant
        )
        return replace(self.end, patients=members, last_day=today - timedelta(days=1))

    def _approved_at(self, on: date) -> datetime:
        return utc(at(on, 15, 30, self.zone))


def month_of(
    seed: int,
    *,
    patients: int,
    first_day: date,
    zone: ZoneInfo,
    days: int = DAYS,
    ois: OisKind = OisKind.SMALL,
) -> Month:
    """Return a month from `first_day` on, the same for the same seed."""
    state = at_first(1, patients + 1, first_day, first_day - timedelta(days=1), ois=ois)
    # The first of the cast has a session cancelled on every evening, which is given all the same.
    play = _Play(seed, replace(state, patients=state.patients[1:]), zone)
    for number in range(days):
        play.day(first_day + timedelta(days=number))
    visits = sorted(play.visits, key=lambda one: (one.began_at, one.index))
    return Month(zone=zone, end=play.state, visits=tuple(visits))


class _Play:
    """A month being played."""

    def __init__(self, seed: int, state: DepartmentState, zone: ZoneInfo) -> None:
        self.state, self.visits = state, list[Visit]()
        self._seed, self._zone = seed, zone

    def day(self, today: date) -> None:
        """Play one day; nobody is treated on Saturday and Sunday."""
        if today.weekday() < SATURDAY:
            members = tuple(self._member(member, today) for member in self.state.patients)
            new = 1 + len(members) // JOIN_EVERY if self._chance("join", today).random() < SAME_DAY else 0
            joining = (
                PatientState(index=members[-1].index + 1 + number, joined_on=today) for number in range(new)
            )
            self.state = replace(self.state, patients=(*members, *joining))
        self.state = replace(self.state, last_day=today)

    def _member(self, member: PatientState, today: date) -> PatientState:
        if member.finished_on is not None:
            return member
        patient = patient_of(self.state, member)
        chance = self._chance(member.index, today)
        if chance.random() < AWAY:
            return member
        for treatment in current_treatments(patient):
            for session in _sessions(member, treatment, today, chance):
                member = replace(member, sessions=(*member.sessions, session))
                self.visits.append(self._visit(patient, treatment, session))
        open_ones = [one for one in current_treatments(patient) if due(member, one) is not None]
        if not open_ones:
            return replace(member, finished_on=today)
        first = open_ones[0]
        left = first.fractions - fractions_given(member, first)
        # A fraction that was begun is finished with the plan it was begun with.
        if left > 1 and _broken(member, first) is None and chance.random() < REPLANNED:
            replan = Replan(treatment_key=first.key, version=first.version + 1, fractions=left, on=today)
            return replace(member, replans=(*member.replans, replan))
        return member

    def _visit(self, patient: SimPatient, treatment: Treatment, session: Session) -> Visit:
        began_at = utc(session_time(patient, session, self._zone))
        beams = 1 if session.part == "first" else len(treatment.gantry_angles_deg)
        return Visit(
            index=patient.index, session=session, began_at=began_at, ended_at=began_at + beams * BEAM_TIME
        )

    def _chance(self, *name: object) -> random.Random:
        return random.Random("/".join(map(str, (self._seed, *name))))


def due(member: PatientState, treatment: Treatment) -> tuple[int, str] | None:
    """Return the fraction to give next and whether the whole or the rest of it; None when all are given."""
    broken = _broken(member, treatment)
    if broken is not None:
        return broken, "rest"
    number = fractions_given(member, treatment) + 1
    return (number, "whole") if number <= treatment.fractions else None


def sessions_due(patient: SimPatient, member: PatientState, on: date) -> Iterator[Session]:
    """Yield what is given of a patient on a day when all goes well: each open plan's next fraction."""
    for treatment in current_treatments(patient):
        wanted = due(member, treatment)
        if wanted is not None and treatment.approved_on < on:
            number, part = wanted
            key, version = _name(treatment)
            yield Session(treatment_key=key, version=version, fraction_number=number, on=on, part=part)


def _broken(member: PatientState, treatment: Treatment) -> int | None:
    """Return the number of a fraction that was begun and not finished."""
    mine = [one for one in member.sessions if (one.treatment_key, one.version) == _name(treatment)]
    return mine[-1].fraction_number if mine and mine[-1].part == "first" else None


def _name(treatment: Treatment) -> tuple[str, int]:
    return treatment.key, treatment.version


def _sessions(
    member: PatientState, treatment: Treatment, today: date, chance: random.Random
) -> Iterator[Session]:
    """Yield what is given of one plan today: nothing, a fraction, a part of one, or one in two parts."""
    wanted = due(member, treatment)
    if wanted is None or treatment.approved_on >= today:
        return
    number, part = wanted
    late = round(chance.triangular(EARLY_MIN, LATE_MIN, 0))
    stops = part == "whole" and chance.random() < STOPS
    key, version = _name(treatment)
    session = Session(
        treatment_key=key,
        version=version,
        fraction_number=number,
        on=today,
        part="first" if stops else part,
        minutes_late=late,
    )
    yield session
    if stops and chance.random() < SAME_DAY:
        yield replace(session, part="rest", minutes_late=late + chance.randint(*REPAIRED_MIN))
