"""The picture of the dose-volume histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.picture import Picture, PictureKind
from beamkeeper.protect.dossier.svg import LETTER_WIDTH, TEXT_MM, Paper, shortened

if TYPE_CHECKING:
    from beamkeeper.domain.imaging import DoseVolume, Points

CURVES_MAX: Final = 14
PAPER_WIDTH_MM: Final = 180.0
PLOT_MM: Final = (96.0, 72.0)
_LEFT, _TOP = 11.0, 4.0
TAG_APART_MM: Final = 3.0
TAG_FROM_MM: Final = 4.0
"""Numbers stand no nearer to the volume axis."""
_DASHES: Final = ("", "2.6 0.9", "0.7 0.7", "3 0.8 0.7 0.8", "5 1.2", "1.4 0.7")
OUTSIDE_PERCENT: Final = 0.1
"""From there it is said that a part of a region lies outside the dose grid."""


@dataclass(frozen=True, eq=False, slots=True)
class Curve:
    """One histogram with the name and colour of its region."""

    name: str
    colour: str
    histogram: DoseVolume


def draw_curves(
    drawn: tuple[Curve, ...],
    *,
    others: tuple[str, ...],
    title: str,
    words: tuple[str, ...],
    prescription_gy: float | None,
) -> Picture | None:
    """Return the picture of the histograms; None without any.

    Parameters
    ----------
    drawn
        At most `CURVES_MAX`, the most important first.
    others
        Regions that are not among them for want of room.
    """
    if not drawn:
        return None
    unit = drawn[0].histogram.unit
    most = max(_reach(curve.histogram) for curve in drawn) * 1.04 or 1.0
    rows = len(drawn) + 2
    paper = Paper(PAPER_WIDTH_MM, max(_TOP + PLOT_MM[1] + 10, rows * TEXT_MM * 1.5 + 4))
    _axes(paper, most, unit)
    if prescription_gy and unit == "Gy" and prescription_gy < most:
        x = _LEFT + prescription_gy / most * PLOT_MM[0]
        paper.lines([np.array([(x, _TOP), (x, _TOP + PLOT_MM[1])])], width=0.2, dash="0.5 0.9")
    tagged: list[float] = []
    for number, curve in enumerate(drawn, 1):
        _curve(paper, curve, number, most, tagged)
    _table(paper, drawn, unit)
    caption = " ".join([*words, *_reservations(drawn, others)])
    return Picture(
        kind=PictureKind.DVH,
        title=title,
        caption=caption,
        svg=paper.svg(title),
        alternative=f"{title}. {' '.join(_sentence(curve) for curve in drawn)}",
        width_mm=paper.width_mm,
        height_mm=paper.height_mm,
    )


def _reach(histogram: DoseVolume) -> float:
    above = histogram.dose[histogram.volume_percent > 0.05]  # noqa: PLR2004 - seen as nothing on paper
    return float(above[-1]) if len(above) else 0.0


def _axes(paper: Paper, most: float, unit: str) -> None:
    width, height = PLOT_MM
    paper.box(_LEFT, _TOP, width, height, line=0.25)
    for percent in range(0, 101, 20):
        y = _TOP + height * (1 - percent / 100)
        paper.lines([np.array([(_LEFT, y), (_LEFT + width, y)])], width=0.08, colour="#777777")
        paper.text(_LEFT - 1, y + TEXT_MM * 0.35, str(percent), anchor="end")
    step = _step(most)
    for count in range(int(most / step + 1e-9) + 1):
        x = _LEFT + count * step / most * width
        paper.lines([np.array([(x, _TOP), (x, _TOP + height)])], width=0.08, colour="#777777")
        paper.text(x, _TOP + height + TEXT_MM + 0.6, f"{count * step:g}", anchor="middle")
    paper.text(_LEFT + width / 2, _TOP + height + 2 * TEXT_MM + 2, f"Dose ({unit})", anchor="middle")
    paper.turned_text(TEXT_MM, _TOP + height / 2, "Volume (%)")


def _step(most: float) -> float:
    """Return a round distance of the lines of the dose axis, so that there are four to ten."""
    power = 10.0 ** np.floor(np.log10(most / 4))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most / 4))


def _curve(paper: Paper, curve: Curve, number: int, most: float, tagged: list[float]) -> None:
    histogram = curve.histogram
    dose = np.clip(histogram.dose, 0, most)
    run = np.stack(
        [_LEFT + dose / most * PLOT_MM[0], _TOP + PLOT_MM[1] * (1 - histogram.volume_percent / 100)], axis=1
    )
    kept = _simplified(run)
    style = {"colour": curve.colour, "dash": _DASHES[(number - 1) % len(_DASHES)]}
    paper.lines([kept], width=0.45, edge="#ffffff", **style)
    share = 92 - 13.0 * ((number - 1) % 7)
    beyond = run[:, 0] < _LEFT + TAG_FROM_MM
    at = int(np.argmin(np.abs(histogram.volume_percent - share) + beyond * 200.0))
    x, y = float(run[at, 0]), float(run[at, 1])
    while any(
        abs(x - other) < TAG_APART_MM and abs(y - height) < TEXT_MM
        for other, height in zip(tagged[0::2], tagged[1::2], strict=True)
    ):
        y += TEXT_MM
    tagged += [x, y]
    paper.text(x, y + TEXT_MM * 0.35, str(number), anchor="middle", bold=True, edge=True)


def _simplified(run: Points) -> Points:
    """Return a curve without points that lie on the way between others, to the width of a hair."""
    if len(run) < 3:  # noqa: PLR2004 - nothing between
        return run
    grid = np.round(run * 20) / 20
    kept = np.flatnonzero(np.any(np.diff(grid, axis=0) != 0, axis=1)) + 1
    return np.concatenate([run[:1], run[kept], run[-1:]])


def _table(paper: Paper, drawn: tuple[Curve, ...], unit: str) -> None:
    x = _LEFT + PLOT_MM[0] + 4
    columns = (PAPER_WIDTH_MM - 22.5, PAPER_WIDTH_MM - 15, PAPER_WIDTH_MM - 7.5, PAPER_WIDTH_MM - 0.3)
    letters = int((columns[0] - 7 - x - 9) / (TEXT_MM * LETTER_WIDTH))
    y = TEXT_MM + 1
    paper.text(x, y, "Region", bold=True)
    for right, head in zip(columns, ("cm³", "min", "mean", "max"), strict=True):
        paper.text(right, y, head, anchor="end", bold=True)
    for number, curve in enumerate(drawn, 1):
        y += TEXT_MM * 1.5
        line = np.array([(x, y - TEXT_MM * 0.35), (x + 7, y - TEXT_MM * 0.35)])
        paper.lines([line], colour=curve.colour, dash=_DASHES[(number - 1) % len(_DASHES)], width=0.5)
        paper.text(x + 8, y, shortened(f"{number} {curve.name}", letters))
        histogram = curve.histogram
        values = (histogram.volume_cm3, histogram.minimum, histogram.mean, histogram.maximum)
        for right, value in zip(columns, values, strict=True):
            paper.text(right, y, _short(value), anchor="end")
    paper.text(x, y + TEXT_MM * 1.6, f"min, mean, max in {unit}")


def _short(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}"  # noqa: PLR2004 - three digits either way


def _reservations(drawn: tuple[Curve, ...], others: tuple[str, ...]) -> list[str]:
    words = []
    for curve in drawn:
        outside = curve.histogram.outside_percent
        if outside >= OUTSIDE_PERCENT:
            words.append(
                f"{outside:.1f} % of {curve.name} lies outside the dose grid and is counted as without dose."
            )
    if others:
        words.append(f"Not drawn for want of room: {', '.join(others)}.")
    return words


def _sentence(curve: Curve) -> str:
    histogram, unit = curve.histogram, curve.histogram.unit
    parts = [
        f"{word} {value:.2f} {unit}"
        for word, value in (
            ("minimum", histogram.minimum),
            ("mean", histogram.mean),
            ("maximum", histogram.maximum),
        )
        if value is not None
    ]
    if histogram.volume_cm3 is not None:
        parts.insert(0, f"{histogram.volume_cm3:.1f} cm³")
    return f"{curve.name}: {', '.join(parts) or 'drawn, without further numbers'}."
