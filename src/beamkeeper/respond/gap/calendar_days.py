"""On which days a patient can be treated: weekdays, public holidays, days of machine service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON_DAYS: Final = 400
"""So far ahead a day is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The days of one department and machine.

    Attributes
    ----------
    treatment_weekdays
        On which weekdays patients are treated as a rule; Monday is 0.
    make_up_weekdays
        On which other weekdays a missed fraction can be made up.
    holidays
        Nobody is treated; the course was planned around them.
    service
        The machine is not there; the course was not planned around them.
    make_up_on
        Single days that are no treatment days and on which a fraction can be made up all the same.
    """

    treatment_weekdays: frozenset[int] = frozenset(range(5))
    make_up_weekdays: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()
    service: frozenset[date] = frozenset()
    make_up_on: frozenset[date] = frozenset()

    def is_planned(self, on: date) -> bool:
        """Whether a course is planned to have fractions on that day."""
        return on.weekday() in self.treatment_weekdays and on not in self.holidays

    def is_treatment_day(self, on: date) -> bool:
        """Whether patients are treated as a rule, and the machine is there."""
        return self.is_planned(on) and on not in self.service

    def is_make_up_day(self, on: date) -> bool:
        """Whether a fraction can be made up on a day without regular treatment."""
        if on in self.service or self.is_treatment_day(on):
            return False
        return on in self.make_up_on or (on.weekday() in self.make_up_weekdays and on not in self.holidays)

    def planned_days(self, first_on: date, count: int) -> tuple[date, ...]:
        """Return the first so many planned days, from a day on.

        Raises
        ------
        ValueError
            There are not so many within `HORIZON_DAYS`.
        """
        found = tuple(islice((on for on in days_from(first_on) if self.is_planned(on)), count))
        if len(found) < count:
            raise ValueError(
                f"the calendar has {len(found)} treatment days in {HORIZON_DAYS} days; {count} are needed"
            )
        return found


def days_from(first_on: date) -> Iterator[date]:
    """Yield the day, and those after it up to the horizon."""
    return (first_on + timedelta(days=number) for number in range(HORIZON_DAYS))


def short_day(on: date) -> str:
    """Return a day as it stands in tables: Fri 23 Oct."""
    return f"{on:%a} {on.day:2d} {on:%b}"
