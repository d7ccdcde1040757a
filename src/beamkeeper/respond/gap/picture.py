"""The tumour's BED over time as prescribed, without compensation, and with one option; black on white."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.svg import LETTER_WIDTH, TEXT_MM, Paper
from beamkeeper.respond.gap.effect import quadratic_weight, repopulation_loss

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from beamkeeper.domain.imaging import Points
    from beamkeeper.respond.gap.options import Options
    from beamkeeper.respond.gap.outcome import Outcome

WIDTH_MM: Final = 88.0
PLOT_MM: Final = (74.0, 42.0)
_LEFT, _TOP = 11.0, 2.0
_STEPS: Final = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500)
_TICKS_MAX: Final = 6

Curve = list[tuple[float, float]]


def draw_course(options: Options, outcome: Outcome) -> bytes:
    """Return the picture of one outcome beside the prescribed course and going on without compensation."""
    prescribed = _planned_curve(options)
    nothing, drawn = _left_curve(options, options.nothing), _left_curve(options, outcome)
    end = max(curve[-1][0] for curve in (prescribed, nothing, drawn)) * 1.03
    top = max(value for curve in (prescribed, nothing, drawn) for _, value in curve) * 1.05
    paper = Paper(WIDTH_MM, _TOP + PLOT_MM[1] + 14)
    _axes(paper, end, top)
    scale = np.array([PLOT_MM[0] / (end + 1), -PLOT_MM[1] / top])
    origin = np.array([_LEFT + PLOT_MM[0] / (end + 1), _TOP + PLOT_MM[1]])

    def on_paper(curve: Curve) -> Points:
        points: Points = origin + np.array(curve) * scale
        return points

    aim = options.prescribed.tumour.bed_gy
    paper.lines([on_paper([(-1, aim), (end, aim)])], width=0.12, colour="#555555")
    paper.lines([on_paper(prescribed)], width=0.3, dash="0.5 0.9")
    paper.lines([on_paper(nothing)], width=0.3, dash="2.2 0.9")
    paper.lines([on_paper(drawn)], width=0.55)
    _legend(paper)
    return paper.svg("Tumour BED over time")


def alternative(options: Options, outcome: Outcome) -> str:
    """Return what the picture shows, in words."""
    return (
        f"Tumour BED over time. Prescribed: {options.prescribed.tumour.bed_gy:.2f} Gy after "
        f"{options.prescribed.overall_days} days. Without compensation: {options.nothing.tumour.bed_gy:.2f} "
        f"Gy after {options.nothing.overall_days} days. This option: {outcome.tumour.bed_gy:.2f} Gy after "
        f"{outcome.overall_days} days."
    )


def _planned_curve(options: Options) -> Curve:
    size = options.course.dose_per_fraction_gy
    return _curve(options, [(day.on, (size,) * day.fractions) for day in options.prescribed.schedule])


def _left_curve(options: Options, outcome: Outcome) -> Curve:
    days: dict[date, tuple[float, ...]] = {}
    for fraction in options.course.given:
        days[fraction.on] = (*days.get(fraction.on, ()), fraction.dose_gy)
    for day in outcome.schedule:
        days[day.on] = (outcome.dose_per_fraction_gy,) * day.fractions
    return _curve(options, list(days.items()))


def _curve(options: Options, days: Sequence[tuple[date, tuple[float, ...]]]) -> Curve:
    """Return (day, BED after its fractions): up with treatment, down with repopulation in between."""
    course, model = options.course, options.model
    repopulation, h = model.tumour.repopulation, model.tumour_h
    k, delay = repopulation.k_gy_per_day.value, repopulation.delay_days.value
    alpha_beta = model.tumour.alpha_beta_gy.value
    points: Curve = [(model.day_count.first - 1.0, 0.0)]
    bed, before = 0.0, model.day_count.first - 1.0
    for on, doses in days:
        at = float((on - course.first_on).days + model.day_count.first)
        if before < delay < at - 1:
            points.append((delay, bed))
        if at - before > 1:
            points.append((at - 1, bed - repopulation_loss(at - 1, k, delay)))
        bed += sum(doses) + quadratic_weight(doses, h) / alpha_beta
        points.append((at, bed - repopulation_loss(at, k, delay)))
        before = at
    return points


def _axes(paper: Paper, end: float, top: float) -> None:
    width, height = PLOT_MM
    paper.box(_LEFT, _TOP, width, height, line=0.25)
    step = _step(top)
    for count in range(int(top / step) + 1):
        y = _TOP + height * (1 - count * step / top)
        paper.lines([np.array([(_LEFT, y), (_LEFT + width, y)])], width=0.06, colour="#999999")
        paper.text(_LEFT - 1, y + TEXT_MM * 0.35, str(count * step), anchor="end")
    step = 7 * max(1, round(end / 7 / _TICKS_MAX))
    for day in range(0, int(end) + 1, step):
        x = _LEFT + width * (day + 1) / (end + 1)
        paper.lines([np.array([(x, _TOP + height), (x, _TOP + height + 0.8)])], width=0.2)
        paper.text(x, _TOP + height + TEXT_MM + 1.0, str(day), anchor="middle")
    paper.text(_LEFT + width, _TOP + height + 2 * TEXT_MM + 2.0, "day of the course", anchor="end")
    paper.turned_text(TEXT_MM, _TOP + height / 2, "Tumour BED (Gy)")


def _step(top: float) -> int:
    return next((step for step in _STEPS if top / step <= _TICKS_MAX), _STEPS[-1])


def _legend(paper: Paper) -> None:
    y = _TOP + PLOT_MM[1] + 3 * TEXT_MM + 4.0
    x = 1.0
    for name, dash, width in (
        ("prescribed", "0.5 0.9", 0.3),
        ("no compensation", "2.2 0.9", 0.3),
        ("this option", "", 0.55),
    ):
        paper.lines([np.array([(x, y - 0.8), (x + 6, y - 0.8)])], width=width, dash=dash)
        paper.text(x + 7, y, name)
        x += 9 + len(name) * TEXT_MM * LETTER_WIDTH
