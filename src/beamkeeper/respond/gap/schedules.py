"""Date plans for the fractions that are left; which of them is taken, people decide."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError
from beamkeeper.respond.gap.calendar_days import HORIZON_DAYS, days_from
from beamkeeper.respond.gap.course import TreatmentDay

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from beamkeeper.respond.gap.calendar_days import Calendar
    from beamkeeper.respond.gap.course import Course, Schedule

TWO = 2
EXTRA_MAX: Final = 20
"""No rule may ask for more extra fractions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What there is between the day treatment goes on and the day it was to end.

    Attributes
    ----------
    regular
        Treatment days up to the planned last day.
    make_up
        Other days on which a fraction can be made up, up to the planned last day.
    missing
        Fractions for which the regular days have no room.
    all_regular, all_days
        Treatment days, and these with the days to make up on, as far ahead as any option needs.
    """

    regular: tuple[date, ...]
    make_up: tuple[date, ...]
    missing: int
    all_regular: tuple[date, ...]
    all_days: tuple[date, ...]


def planned_course(calendar: Calendar, first_on: date, fractions: int, *, a_day: int) -> Schedule:
    """Return the course as it is planned from the day of its first fraction on, around holidays.

    Raises
    ------
    ValueError
        The calendar has not so many days.
    """
    return one_after_another(calendar.planned_days(first_on, ceil(fractions / a_day)), fractions, a_day=a_day)


def window_of(course: Course) -> Window:
    """Return the days a course has left.

    Raises
    ------
    ConfigError
        The calendar has no room for the fractions that are left.
    """
    calendar, end, left = course.calendar, course.planned_last_on, course.fractions_left
    regular: list[date] = []
    make_up: list[date] = []
    for on in days_from(course.resume_on):
        if on > end and len(regular) >= left + EXTRA_MAX:
            break
        if calendar.is_treatment_day(on):
            regular.append(on)
        elif calendar.is_make_up_day(on):
            make_up.append(on)
    if len(regular) * course.fractions_per_day < left:
        raise ConfigError(
            f"The calendar has {len(regular)} treatment days in {HORIZON_DAYS} days; "
            f"{left} fractions are left.",
            do_next="Look at treatment days, holidays and service days, of the course and of the site.",
        )
    within = tuple(on for on in regular if on <= end)
    return Window(
        regular=within,
        make_up=tuple(on for on in make_up if on <= end),
        missing=max(0, left - len(within) * course.fractions_per_day),
        all_regular=tuple(regular),
        all_days=tuple(sorted({*regular, *make_up})),
    )


def one_after_another(days: Iterable[date], fractions: int, *, a_day: int) -> Schedule:
    """Return so many fractions on the first of the days."""
    made: list[TreatmentDay] = []
    for on in days:
        if fractions <= 0:
            break
        made.append(TreatmentDay(on, min(a_day, fractions)))
        fractions -= a_day
    return tuple(made)


def at_weekends(course: Course, window: Window) -> Schedule:
    """Return regular days, and as many days to make up on as are needed, spread evenly; all, if too few."""
    a_day = course.fractions_per_day
    if not is_enough(course, window):
        return one_after_another(window.all_days, course.fractions_left, a_day=a_day)
    needed = ceil(window.missing / a_day)
    days = sorted({*window.regular, *_spread(window.make_up, needed)})
    return one_after_another(days, course.fractions_left, a_day=a_day)


def is_enough(course: Course, window: Window) -> bool:
    """Whether treatment days and days to make up on have room for everything that is left."""
    return window.missing <= len(window.make_up) * course.fractions_per_day


def fill_up(course: Course, days: Sequence[date]) -> Schedule:
    """Return the usual number of fractions on each of the days."""
    return tuple(TreatmentDay(on, course.fractions_per_day) for on in days)


def two_a_day(course: Course, window: Window) -> Schedule:
    """Return regular days, as many with two fractions as are needed, spread evenly; all, if too few."""
    if window.missing > len(window.regular):
        return one_after_another(window.all_regular, course.fractions_left, a_day=TWO)
    return _doubled(window.regular, _spread(window.regular, window.missing))


def weekends_and_two_a_day(course: Course, window: Window) -> Schedule:
    """Return every day there is up to the planned end, as many regular ones with two as are needed."""
    days = sorted({*window.regular, *window.make_up})
    missing = course.fractions_left - len(days)
    if missing > len(window.regular):
        return one_after_another(window.all_days, course.fractions_left, a_day=TWO)
    return _doubled(days, _spread(window.regular, missing))


def longer(course: Course, window: Window, fractions: int) -> Schedule:
    """Return so many fractions on regular days, however late they end."""
    return one_after_another(window.all_regular, fractions, a_day=course.fractions_per_day)


def _spread(days: Sequence[date], count: int) -> tuple[date, ...]:
    """Return so many of the days, with even distances."""
    return tuple(days[(2 * number + 1) * len(days) // (2 * count)] for number in range(count))


def _doubled(days: Sequence[date], doubled: Iterable[date]) -> Schedule:
    twice = set(doubled)
    return tuple(TreatmentDay(on, TWO if on in twice else 1) for on in days)
