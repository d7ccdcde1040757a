"""Numbers and days as every paper of a gap shows them, so that none says it differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.words import line, plural
from beamkeeper.respond.gap.calendar_days import short_day

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.respond.gap.course import Person
    from beamkeeper.respond.gap.options import Option, Options
    from beamkeeper.respond.gap.outcome import Outcome, TissueEffect
    from beamkeeper.respond.gap.parameters import Parameter

FORMULA = "BED = Σd + Σd²/(α/β) − K · max(0, T − Td)"
SIGN_HERE = "Decided by (physician): name, signature, date and time"
MARKS = {"": "", "tumour": "°", "late": "°°"}
MARKS_SAID = "° fraction size found for the aimed tumour effect, °° for the prescribed late effect"
UNSEEN = 0.05
"""A difference that one decimal does not show has no sign."""


def signed(percent: float) -> str:
    """Return a difference: +2.9 %."""
    if abs(percent) < UNSEEN:
        return "0.0 %"
    return f"{percent:+.1f} %".replace("-", "−")


def long_day(on: date) -> str:
    """Return a day in full: Fri 23 Oct 2026."""
    return f"{on:%a} {on.day} {on:%b %Y}"


def number(parameter: Parameter) -> str:
    """Return a parameter with its unit and its range: 0.9 Gy/d (0.6 to 1.32)."""
    unit = f" {parameter.unit}" if parameter.unit else ""
    shown = f"{parameter.value:.4g}{unit}"
    if parameter.low is None or parameter.high is None:
        return shown
    high = "no end" if parameter.high == float("inf") else f"{parameter.high:.4g}"
    return f"{shown} ({parameter.low:.4g} to {high})"


def course_lines(options: Options) -> list[tuple[str, str]]:
    """Return what the course is: (what, value)."""
    course, model = options.course, options.model
    a_day = "one a day" if course.fractions_per_day == 1 else "two a day"
    total = options.prescribed.tumour.dose_gy
    given = sum(fraction.dose_gy for fraction in course.given)
    missed = len(course.days_missed)
    category = model.tumour.rcr_category
    prescribed = (
        f"{total:.2f} Gy in {course.fractions_planned} fractions of {course.dose_per_fraction_gy:.3f} Gy, "
        f"{a_day}"
    )
    delivered = (
        f"{plural(len(course.given), 'fraction')}, {given:.2f} Gy, {long_day(course.first_on)} to "
        f"{long_day(course.last_given_on)}"
    )
    gap = f"{plural(missed, 'planned day')} missed; goes on {long_day(course.resume_on)}"
    left = (
        f"{plural(course.fractions_left, 'fraction')}; planned to end on {long_day(course.planned_last_on)}"
    )
    return [
        ("Prescribed", prescribed),
        ("Tumour", f"{model.tumour.title}, RCR category {category or 'not known'}"),
        ("Given", delivered),
        ("Gap", gap),
        ("Left", left),
        ("Day count", model.day_count.words),
    ]


def person_words(person: Person) -> str:
    """Return whose sheet it is; "" where nobody says."""
    born = f"born {person.birth_on}" if person.birth_on else ""
    patient_id = f"ID {person.patient_id}" if person.patient_id else ""
    return line(", ".join(filter(None, (person.name, patient_id, born))))


def parameters_words(options: Options) -> str:
    """Return which parameters file it was."""
    model = options.model
    return f"Parameters: {model.parameters_title}, SHA-256 {model.parameters_sha256[:16]}."


def parameter_lines(options: Options) -> list[tuple[str, str, str, str]]:
    """Return what is believed: (of what, which, value, source)."""
    tumour = options.model.tumour
    repopulation = tumour.repopulation
    rows = [
        ("Tumour", "α/β", tumour.alpha_beta_gy),
        ("", "K", repopulation.k_gy_per_day),
        ("", "Td", repopulation.delay_days),
        ("", "repair T½", tumour.repair_half_time_h),
    ]
    for tissue in options.model.late:
        share = "" if tissue.dose_percent == 100 else f", gets {tissue.dose_percent:g} %"  # noqa: PLR2004 - all
        rows.append((f"{tissue.title}{share}", "α/β", tissue.alpha_beta_gy))
        rows.append(("", "repair T½", tissue.repair_half_time_h))
    return [(of, which, number(parameter), parameter.source) for of, which, parameter in rows]


def effect_words(effect: TissueEffect) -> str:
    """Return what a tissue gets, in a sentence without its name."""
    text = (
        f"BED {effect.bed_gy:.2f} Gy, {signed(effect.vs_prescribed_percent)} of prescribed, "
        f"{signed(effect.vs_nothing_percent)} of no compensation; EQD2 {effect.eqd2_gy:.2f} Gy"
    )
    if effect.range_percent is None:
        return text
    low, high = effect.range_percent
    return f"{text}; {signed(low)} to {signed(high)} of prescribed over the ranges above"


def slots_words(option: Option) -> str:
    """Return what an option asks of the machine."""
    slots = option.slots
    parts = [f"{slots.total} slots"]
    parts += [
        f"{count} {what}"
        for count, what in (
            (slots.make_up, "at weekends or on holidays"),
            (slots.second, "second of a day"),
            (slots.after_end, "after the planned end"),
        )
        if count
    ]
    return ", ".join(parts)


def weeks(outcome: Outcome) -> list[tuple[str, str]]:
    """Return the date plan week by week: (its Monday, fractions of Monday to Sunday, "." for none)."""
    by_week: dict[tuple[int, int], list[str]] = {}
    mondays: dict[tuple[int, int], str] = {}
    for day in outcome.schedule:
        year, week, weekday = day.on.isocalendar()
        row = by_week.setdefault((year, week), ["."] * 7)
        row[weekday - 1] = str(day.fractions)
        mondays.setdefault((year, week), short_day(day.on.fromisocalendar(year, week, 1))[4:])
    return [(mondays[key], "".join(row)) for key, row in by_week.items()]
