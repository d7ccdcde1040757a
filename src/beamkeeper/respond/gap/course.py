"""The facts of one interrupted course: what was prescribed, what was given, and when it can go on."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from beamkeeper.respond.gap.calendar_days import HORIZON_DAYS, Calendar

if TYPE_CHECKING:
    from datetime import date

FRACTIONS_MAX: Final = 100
DOSE_GY_MAX: Final = 30.0
A_DAY_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Given:
    """One fraction that was delivered."""

    on: date
    dose_gy: float


@dataclass(frozen=True, slots=True)
class TreatmentDay:
    """A day, and how many fractions it has."""

    on: date
    fractions: int


Schedule = tuple[TreatmentDay, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A schedule that somebody thought of, to be computed with the others.

    Attributes
    ----------
    aim
        What its fraction size is: given (a number), or to be found for the same tumour effect.
    """

    title: str
    schedule: Schedule
    dose_per_fraction_gy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose sheet it is; printed on it, and nowhere else."""

    name: str = ""
    patient_id: str = ""
    birth_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One course with a gap; a constructed course is one that can be computed.

    Attributes
    ----------
    planned
        The prescribed course, day by day, from the day of the first fraction.
    given
        What was delivered, in the order of time.
    resume_on
        The first day on which the patient can be treated again.
    tumour_aim_percent
        Of the prescribed tumour effect, what fractions are sized for.
    with_chemotherapy
        Whether chemotherapy runs beside it; None where nobody says.
    """

    tumour_site: str
    dose_per_fraction_gy: float
    fractions_per_day: int
    planned: Schedule
    given: tuple[Given, ...]
    resume_on: date
    calendar: Calendar
    tumour_aim_percent: float = 100.0
    with_chemotherapy: bool | None = None
    considered: tuple[Considered, ...] = ()
    person: Person = Person()

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ValueError(problem)

    @property
    def fractions_planned(self) -> int:
        """How many fractions were prescribed."""
        return sum(day.fractions for day in self.planned)

    @property
    def fractions_left(self) -> int:
        """How many of them were not given."""
        return self.fractions_planned - len(self.given)

    @property
    def first_on(self) -> date:
        """The day of the first fraction."""
        return self.given[0].on

    @property
    def last_given_on(self) -> date:
        """The day of the last fraction before the gap."""
        return self.given[-1].on

    @property
    def planned_last_on(self) -> date:
        """The day on which the prescribed course would have ended."""
        return self.planned[-1].on

    @property
    def days_missed(self) -> tuple[date, ...]:
        """The planned days, before treatment goes on, on which nothing was given."""
        given_on = {fraction.on for fraction in self.given}
        return tuple(day.on for day in self.planned if day.on < self.resume_on and day.on not in given_on)


def _problems(course: Course) -> tuple[str, ...]:
    planned, given = course.fractions_planned, course.given
    found: list[str] = []
    if not 1 <= planned <= FRACTIONS_MAX:
        found.append(f"{planned} fractions are prescribed; from 1 to {FRACTIONS_MAX} can be computed")
    doses = [course.dose_per_fraction_gy, *(fraction.dose_gy for fraction in given)]
    if not all(math.isfinite(dose) and 0 < dose <= DOSE_GY_MAX for dose in doses):
        found.append(f"a dose per fraction is not above 0 and at most {DOSE_GY_MAX:g} Gy")
    if not given:
        found.append("no fraction was given: a course that starts later has no gap")
    elif len(given) > planned:
        found.append(f"{len(given)} fractions were given, more than the {planned} that are prescribed")
    elif len(given) == planned:
        found.append(f"all {planned} prescribed fractions were given: nothing is left to compensate with")
    elif [fraction.on for fraction in given] != sorted(fraction.on for fraction in given):
        found.append("the fractions given are not in the order of their days")
    elif course.planned[0].on != course.first_on:
        found.append(
            f"the planned course begins on {course.planned[0].on}, the first fraction was given on "
            f"{course.first_on}"
        )
    elif course.resume_on <= course.last_given_on:
        found.append(
            f"treatment goes on on {course.resume_on}, which is not after the last fraction, of "
            f"{course.last_given_on}"
        )
    elif (course.resume_on - course.first_on).days > HORIZON_DAYS:
        found.append(f"treatment goes on more than {HORIZON_DAYS} days after the first fraction")
    elif max(Counter(fraction.on for fraction in given).values()) > A_DAY_MAX:
        found.append(f"more than {A_DAY_MAX} fractions were given on one day")
    found += _plan_problems(course)
    return tuple(found)


def _plan_problems(course: Course) -> list[str]:
    found: list[str] = []
    if course.fractions_per_day not in {1, 2}:
        found.append(f"{course.fractions_per_day} fractions a day: one or two can be computed")
    if not 0 < course.tumour_aim_percent <= 100:  # noqa: PLR2004 - percent
        found.append("the aim is not above 0 and at most 100 % of the prescribed tumour effect")
    for name, schedule in [
        ("the planned course", course.planned),
        *((f"considered.{number}", item.schedule) for number, item in enumerate(course.considered)),
    ]:
        days = [day.on for day in schedule]
        if not days or any(later <= earlier for earlier, later in pairwise(days)):
            found.append(f"{name} has no days, or days that are not in order")
        elif any(not 1 <= day.fractions <= A_DAY_MAX for day in schedule):
            found.append(f"{name} has a day with more than {A_DAY_MAX} fractions")
    for number, item in enumerate(course.considered):
        if item.schedule and item.schedule[0].on < course.resume_on:
            found.append(f"considered.{number} begins before treatment can go on")
        if sum(day.fractions for day in item.schedule) > FRACTIONS_MAX:
            found.append(f"considered.{number} has more than {FRACTIONS_MAX} fractions")
        dose = item.dose_per_fraction_gy
        if dose is not None and not (math.isfinite(dose) and 0 < dose <= DOSE_GY_MAX):
            found.append(f"considered.{number}: the dose is not above 0 and at most {DOSE_GY_MAX:g} Gy")
    return found
