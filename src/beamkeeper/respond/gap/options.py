"""What can be done about a gap: schedules with their effects, their price and what speaks against each.

Nothing here chooses: the order is fixed, no option is marked, and those that cannot be made say why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.respond.gap.cautions import Caution, cautions_of, general_cautions
from beamkeeper.respond.gap.outcome import Outcome, Reckoner
from beamkeeper.respond.gap.schedules import (
    at_weekends,
    fill_up,
    is_enough,
    longer,
    two_a_day,
    weekends_and_two_a_day,
    window_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.respond.gap.course import Course, Schedule
    from beamkeeper.respond.gap.parameters import Model
    from beamkeeper.respond.gap.schedules import Window

DECIDES = "Decision support: a physician decides."
ORDER = "The order is fixed and says nothing about which option is better."
SAME_GY = 0.0005
"""Fraction sizes nearer than half of the last digit shown are the same."""
LARGER_EXTRA_MAX = 2
"""So many extra fractions are also looked at with a larger size."""


class Family(StrEnum):
    """The kinds of options, in the order they are listed."""

    SAME_TIME = "more fractions a week, same fraction size"
    FEWER_LARGER = "same overall time, fewer and larger fractions"
    LATER_LARGER = "later end, larger fractions"
    EXTRA = "later end, extra fractions of the same size"
    CONSIDERED = "considered by the department"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What an option asks of the machine.

    Attributes
    ----------
    make_up
        On days without regular treatment: weekends, holidays.
    second
        Beyond the usual number of a day.
    after_end
        After the day on which the prescribed course would have ended.
    more_than_nothing
        More than going on without compensation takes; negative when fewer.
    """

    total: int
    make_up: int
    second: int
    after_end: int
    more_than_nothing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to go on.

    Attributes
    ----------
    id
        Steady: the same way has the same id for every patient.
    sized_for
        "" where the fraction size is the prescribed one or given; "tumour" where it was found for the aimed
        tumour effect, "late" where for the prescribed late effect.
    """

    id: str
    family: Family
    title: str
    sized_for: str
    outcome: Outcome
    slots: Slots
    cautions: tuple[Caution, ...]


@dataclass(frozen=True, slots=True)
class NotPossible:
    """A way that this course does not have, and why."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything computed for one course.

    Attributes
    ----------
    prescribed, nothing
        The course as it was prescribed, and going on with what is left without any compensation.
    cautions
        What has to be known about all of them.
    """

    course: Course
    model: Model
    prescribed: Outcome
    nothing: Outcome
    options: tuple[Option, ...]
    not_possible: tuple[NotPossible, ...]
    cautions: tuple[Caution, ...]
    decides: str = DECIDES
    order: str = ORDER


@dataclass(frozen=True, slots=True)
class _Draft:
    id: str
    family: Family
    title: str
    schedule: Schedule
    dose_gy: float
    sized_for: str = ""


TUMOUR, LATE = "tumour", "late"
NOT_NEEDED = "by this model the aim is reached without any compensation"


def options_for(course: Course, model: Model) -> Options:
    """Return every way to go on that the facts allow, with its effects.

    Raises
    ------
    ConfigError
        The calendar has no room for the fractions that are left; or by the parameters the prescribed course
        has no effect.
    """
    window = window_of(course)
    nothing = longer(course, window, course.fractions_left)
    reckoner = Reckoner(course, model, nothing)
    absent: list[NotPossible] = []
    drafts = [
        *_same_time(course, window, reckoner, absent),
        *_fewer_larger(course, window, reckoner, absent),
        *_later_larger(course, window, reckoner, absent),
        *_extra(course, window, reckoner, model, absent),
        *_considered(course, reckoner),
    ]
    kinds = list(Family)
    drafts.sort(key=lambda draft: kinds.index(draft.family))
    outcomes = [reckoner.of(draft.schedule, draft.dose_gy) for draft in drafts]
    made = []
    for number, (draft, outcome) in enumerate(zip(drafts, outcomes, strict=True)):
        before = (
            outcomes[number - 1] if draft.family is Family.EXTRA and _is_extra(drafts, number - 1) else None
        )
        made.append(
            Option(
                id=draft.id,
                family=draft.family,
                title=draft.title,
                sized_for=draft.sized_for,
                outcome=outcome,
                slots=_slots(course, outcome, reckoner.nothing),
                cautions=cautions_of(
                    course,
                    model,
                    outcome,
                    prescribed=reckoner.prescribed,
                    nothing=reckoner.nothing,
                    one_less=before,
                ),
            )
        )
    return Options(
        course=course,
        model=model,
        prescribed=reckoner.prescribed,
        nothing=reckoner.nothing,
        options=tuple(made),
        not_possible=tuple(absent),
        cautions=general_cautions(course, model, reckoner.nothing),
    )


def _is_extra(drafts: list[_Draft], number: int) -> bool:
    return number >= 0 and drafts[number].family is Family.EXTRA


def _same_time(
    course: Course, window: Window, reckoner: Reckoner, absent: list[NotPossible]
) -> Iterator[_Draft]:
    dose = course.dose_per_fraction_gy
    title = "More fractions a week"
    if not window.missing:
        absent.append(
            NotPossible(title, "the fractions left end on the planned day or before without any compensation")
        )
        return
    made: list[tuple[str, str, Schedule]] = []
    weekends = at_weekends(course, window)
    if any(course.calendar.is_make_up_day(day.on) for day in weekends):
        made.append(("weekends", "At weekends", weekends))
    else:
        absent.append(NotPossible("At weekends", "no day to make up on lies before they end"))
    if course.fractions_per_day == 1:
        doubled = two_a_day(course, window)
        made.append(("two-a-day", "Two a day", doubled))
        if min(weekends[-1].on, doubled[-1].on) > course.planned_last_on:
            both = weekends_and_two_a_day(course, window)
            if both not in {weekends, doubled}:
                made.append(("weekends-two-a-day", "Weekends and two a day", both))
    else:
        absent.append(NotPossible("Two a day", "the course has two fractions a day already"))
    for id_, said, schedule in made:
        yield _Draft(id_, Family.SAME_TIME, said, schedule, dose)
        if schedule[-1].on > course.planned_last_on:
            larger = reckoner.dose_for_tumour(schedule)
            if larger > dose + SAME_GY:
                yield _Draft(
                    f"{id_}-larger", Family.LATER_LARGER, f"{said}, larger", schedule, larger, TUMOUR
                )


def _fewer_larger(
    course: Course, window: Window, reckoner: Reckoner, absent: list[NotPossible]
) -> Iterator[_Draft]:
    title = "Fewer, larger"
    if not window.missing:
        absent.append(NotPossible(title, "there is room for all the fractions that are left"))
        return
    if not window.regular:
        absent.append(NotPossible(title, "no treatment day is left before the planned end"))
        return
    plans = [("fewer", title, fill_up(course, window.regular))]
    if window.make_up and not is_enough(course, window):
        days = sorted({*window.regular, *window.make_up})
        plans.append(("fewer-weekends", "Larger, with weekends", fill_up(course, days)))
    for id_, said, schedule in plans:
        for sized_for, dose in (
            (TUMOUR, reckoner.dose_for_tumour(schedule)),
            (LATE, reckoner.dose_for_late(schedule)),
        ):
            yield _Draft(f"{id_}-{sized_for}", Family.FEWER_LARGER, said, schedule, dose, sized_for)


def _later_larger(
    course: Course, window: Window, reckoner: Reckoner, absent: list[NotPossible]
) -> Iterator[_Draft]:
    left, dose = course.fractions_left, course.dose_per_fraction_gy
    if reckoner.reaches_aim:
        absent.append(NotPossible("All fractions larger", NOT_NEEDED))
        return
    for extra in range(LARGER_EXTRA_MAX + 1):
        schedule = longer(course, window, left + extra)
        larger = reckoner.dose_for_tumour(schedule)
        if sum(day.fractions for day in schedule) < left + extra or larger <= dose + SAME_GY:
            continue
        said = "Same number, larger" if not extra else f"All larger, extra: {extra}"
        yield _Draft(f"later-{extra}-larger", Family.LATER_LARGER, said, schedule, larger, TUMOUR)


def _extra(
    course: Course, window: Window, reckoner: Reckoner, model: Model, absent: list[NotPossible]
) -> Iterator[_Draft]:
    dose, left = course.dose_per_fraction_gy, course.fractions_left
    if reckoner.reaches_aim:
        absent.append(NotPossible("Extra fractions", NOT_NEEDED))
        return
    for extra in range(1, int(model.rules.extra_fractions_max.value) + 1):
        schedule = longer(course, window, left + extra)
        if sum(day.fractions for day in schedule) < left + extra:
            return
        yield _Draft(f"extra-{extra}", Family.EXTRA, f"Extra fractions: {extra}", schedule, dose)
        if reckoner.tumour_bed(schedule, dose) >= reckoner.aim_bed_gy:
            return


def _considered(course: Course, reckoner: Reckoner) -> Iterator[_Draft]:
    for number, item in enumerate(course.considered, 1):
        dose = item.dose_per_fraction_gy
        yield _Draft(
            f"considered-{number}",
            Family.CONSIDERED,
            item.title,
            item.schedule,
            reckoner.dose_for_tumour(item.schedule) if dose is None else dose,
            TUMOUR if dose is None else "",
        )


def _slots(course: Course, outcome: Outcome, nothing: Outcome) -> Slots:
    schedule = outcome.schedule
    return Slots(
        total=outcome.fractions,
        make_up=sum(day.fractions for day in schedule if not course.calendar.is_treatment_day(day.on)),
        second=sum(max(0, day.fractions - course.fractions_per_day) for day in schedule),
        after_end=sum(day.fractions for day in schedule if day.on > course.planned_last_on),
        more_than_nothing=outcome.fractions - nothing.fractions,
    )
