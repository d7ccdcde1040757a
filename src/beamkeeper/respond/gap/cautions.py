"""What speaks against an option, in sentences; the bounds come from the rules of the parameters file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.respond.gap.calendar_days import short_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from beamkeeper.respond.gap.course import Course
    from beamkeeper.respond.gap.outcome import Outcome
    from beamkeeper.respond.gap.parameters import Model

SEEN_GY: Final = 0.005
"""A difference of BED that two decimals do not show is none."""
FAST, SLOW = 1, 2
WEEK = 7


@dataclass(frozen=True, slots=True)
class Caution:
    """One thing to know before an option is taken.

    Attributes
    ----------
    code
        Steady, for programs.
    source
        Tag of where the bound comes from; "" where none is involved.
    """

    code: str
    text: str
    source: str = ""


def cautions_of(
    course: Course,
    model: Model,
    outcome: Outcome,
    *,
    prescribed: Outcome,
    nothing: Outcome,
    one_less: Outcome | None,
) -> tuple[Caution, ...]:
    """Return what speaks against one option.

    Parameters
    ----------
    one_less
        The option with one extra fraction less; None for any other option.
    """
    return (
        *_of_tumour(course, outcome, nothing=nothing, one_less=one_less or nothing),
        *_of_late(model, outcome),
        *_of_size(course, model, outcome),
        *_of_two_a_day(course, model, outcome),
        *_of_two_a_day_size(course, model, outcome),
        *_of_load(course, model, outcome),
        *_of_end(model, outcome, prescribed),
    )


def general_cautions(course: Course, model: Model, nothing: Outcome) -> tuple[Caution, ...]:
    """Return what has to be known about every option."""
    found: list[Caution] = []
    if course.with_chemotherapy:
        text = "Chemotherapy runs beside it: the model has no term for it, neither for tumour nor for tissue."
        found.append(Caution("chemotherapy", text))
    years = {course.resume_on.year, nothing.last_on.year} - {on.year for on in course.calendar.holidays}
    for year in sorted(years):
        text = f"The calendar names no public holiday in {year}: look whether a day of these plans is one."
        found.append(Caution("no-holidays", text))
    odd = [
        fraction for fraction in course.given if abs(fraction.dose_gy - course.dose_per_fraction_gy) > SEEN_GY
    ]
    if odd:
        text = (
            f"{len(odd)} of the fractions given had another dose than prescribed: each counts as one "
            "fraction with its own dose."
        )
        found.append(Caution("partial-dose", text))
    if model.tumour.rcr_category is None:
        found.append(Caution("no-category", "No RCR category is known for this tumour."))
    return tuple(found)


def _of_tumour(course: Course, outcome: Outcome, *, nothing: Outcome, one_less: Outcome) -> Iterator[Caution]:
    tumour = outcome.tumour
    if tumour.bed_gy < nothing.tumour.bed_gy - SEEN_GY:
        yield Caution(
            "worse-than-nothing",
            f"The tumour gets less than without compensation ({tumour.bed_gy:.2f} against "
            f"{nothing.tumour.bed_gy:.2f} Gy): the time until {short_day(outcome.last_on)} costs more than "
            "the fractions give.",
        )
    elif tumour.bed_gy < one_less.tumour.bed_gy - SEEN_GY:
        yield Caution(
            "worse-than-one-less",
            f"The last extra fraction takes from the tumour ({tumour.bed_gy:.2f} after "
            f"{one_less.tumour.bed_gy:.2f} Gy with one less): the days before it cost more than it gives.",
        )
    short = course.tumour_aim_percent - 100 - tumour.vs_prescribed_percent
    if short > 0.005:  # noqa: PLR2004 - two decimals
        yield Caution(
            "below-aim", f"The tumour's effect stays {short:.1f} % of the prescribed one below the aim."
        )


def _of_late(model: Model, outcome: Outcome) -> Iterator[Caution]:
    most = model.rules.late_rise_percent_max
    for effect in outcome.late:
        if effect.vs_prescribed_percent > most.value:
            yield Caution(
                "late-rise",
                f"{effect.title}: BED rises by {effect.vs_prescribed_percent:.1f} %, more than the bound of "
                f"{most.value:g} %.",
                most.source,
            )


def _of_size(course: Course, model: Model, outcome: Outcome) -> Iterator[Caution]:
    low, high = model.rules.dose_per_fraction_low_gy, model.rules.dose_per_fraction_high_gy
    size = outcome.dose_per_fraction_gy
    if not low.value <= size <= high.value:
        yield Caution(
            "outside-model",
            f"{size:.2f} Gy a fraction is outside {low.value:g} to {high.value:g} Gy, where the model is "
            "believed.",
            high.source,
        )
    if abs(size - course.dose_per_fraction_gy) > SEEN_GY:
        yield Caution("new-plan", "Another fraction size: it needs a plan of its own, checked and approved.")


def _of_two_a_day(course: Course, model: Model, outcome: Outcome) -> Iterator[Caution]:
    days = sum(day.fractions > course.fractions_per_day for day in outcome.schedule)
    if not days:
        return
    interval = model.rules.interval_h
    shares = ", ".join(f"{tissue.title.lower()} {100 * model.late_h(tissue):.0f} %" for tissue in model.late)
    yield Caution(
        "two-a-day",
        f"At least {interval.value:g} h between the two fractions of a day. Damage not yet repaired "
        f"then, and counted in: {shares}.",
        interval.source,
    )
    slow = model.rules.cord_half_time_h
    if model.tumour.cord_near or any(tissue.is_cord for tissue in model.late):
        yield Caution(
            "cord",
            f"Spinal cord repairs slowly (half time over {slow.value:g} h): two a day costs it more than "
            "other tissue, and its tolerance has to be looked at by itself.",
            slow.source,
        )


def _of_two_a_day_size(course: Course, model: Model, outcome: Outcome) -> Iterator[Caution]:
    most, size = model.rules.two_a_day_dose_gy_max, outcome.dose_per_fraction_gy
    twice = any(day.fractions > 1 for day in outcome.schedule)
    prescribed_so = course.fractions_per_day > 1 and size <= course.dose_per_fraction_gy + SEEN_GY
    if twice and size > most.value and not prescribed_so:
        yield Caution(
            "two-a-day-dose",
            f"{size:.2f} Gy twice a day is more than the {most.value:g} Gy a fraction "
            "up to which it is done.",
            most.source,
        )


def _of_load(course: Course, model: Model, outcome: Outcome) -> Iterator[Caution]:
    begins_on = outcome.schedule[0].on
    on = [fraction.on for fraction in course.given if begins_on - fraction.on < timedelta(days=WEEK)]
    on += [day.on for day in outcome.schedule for _ in range(day.fractions)]
    most, first_on = _fullest_week(on)
    bound = model.rules.fractions_a_week_max
    usual = max(bound.value, course.fractions_per_day * len(course.calendar.treatment_weekdays))
    if most > usual:
        yield Caution(
            "week-load",
            f"{most} fractions in the seven days from {short_day(first_on)}, more than {usual:g}: "
            "acute reactions.",
            bound.source,
        )


def _fullest_week(days: list[date]) -> tuple[int, date]:
    """Return the most fractions in any seven days, and the first of these days."""
    best, best_on, first = 0, days[0], 0
    for last, on in enumerate(days):
        while on - days[first] >= timedelta(days=WEEK):
            first += 1
        if last - first + 1 > best:
            best, best_on = last - first + 1, days[first]
    return best, best_on


def _of_end(model: Model, outcome: Outcome, prescribed: Outcome) -> Iterator[Caution]:
    late = outcome.overall_days - prescribed.overall_days
    rules = model.rules
    tolerated = {FAST: rules.tolerated_days_category_1, SLOW: rules.tolerated_days_category_2}.get(
        model.tumour.rcr_category or 0
    )
    if tolerated is not None and late > tolerated.value:
        yield Caution(
            "ends-later",
            f"Ends {late} days after the planned day; for category {model.tumour.rcr_category}, "
            f"{tolerated.value:g} are tolerated.",
            tolerated.source,
        )
