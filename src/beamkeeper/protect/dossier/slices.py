"""Pictures of slices: what the images show in one plane, with contours and isodose lines over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.picture import Picture
from beamkeeper.protect.dossier.planes import Raster, contour_lines, dose_in
from beamkeeper.protect.dossier.regions import cut
from beamkeeper.protect.dossier.svg import BLACK, LETTER_WIDTH, TEXT_MM, Paper, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import DoseGrid, Points
    from beamkeeper.protect.dossier.planes import Plane
    from beamkeeper.protect.dossier.regions import Region

PAPER_MM: Final = (180.0, 100.0)
"""Width of a picture with its legend, and the most its height may be."""
SHOWN_MM: Final = (122.0, 100.0)
"""The most of it the plane itself takes."""
LEGEND_LETTERS: Final = 30
REGIONS_MAX: Final = 14
DOSE_STEP_MM: Final = 1.0
RUNS_MAX: Final = 20
"""Lines of one dose level, from which on specks are left out."""
SPECK_MM: Final = 15.0
LATTICE_MAX: Final = 420
MARGIN_MM: Final = 12.0
LEAST_SHOWN_MM: Final = 60.0
BRIGHT_MAX: Final = 140.0
"""Of 255: a line brighter than that is hardly seen on white."""
SMALL_MM: Final = 45.0
"""Lines shorter than that on paper are named beside them, not on them."""
POINTER_MM: Final = 4.0
PIXELS_ON_PAPER: Final = 6.0
"""Pixels of the image in a mm of paper, at most."""


@dataclass(frozen=True, slots=True)
class Isodose:
    """One dose level: how large, and how its line looks."""

    label: str
    dose: float
    colour: str
    dash: str


@dataclass(frozen=True, slots=True)
class Window:
    """Which stored values are black and white."""

    low: float
    high: float
    words: str


STYLES: Final = (
    ("#b2182b", ""),
    ("#d55e00", "2.4 0.8"),
    ("#8a5a00", "1.2 0.8"),
    ("#007a5e", "3 0.7 0.6 0.7"),
    ("#0072b2", "0.6 0.6"),
    ("#5e4fa2", "4 1.2"),
)
"""Colour and dashes of dose levels, from the highest; told apart by people who see no red or green."""


def isodoses(dose: DoseGrid, prescription_gy: float | None) -> tuple[tuple[Isodose, ...], str]:
    """Return the levels that are drawn, highest first, and what their percents are of."""
    if dose.unit == "%":
        whole, words = 100.0, "in percent, as the planning system wrote it"
    elif prescription_gy:
        whole, words = prescription_gy, f"100 % = {prescription_gy:.2f} Gy, the prescription of the plan"
    else:
        whole = dose.maximum
        words = f"100 % = {whole:.2f} Gy, the largest dose: the plan states no prescription"
    percents = (107, 100, 95, 80, 50, 20) if prescription_gy or dose.unit == "%" else (95, 80, 65, 50, 30, 10)
    found = []
    for percent, (colour, dash) in zip(percents, STYLES, strict=True):
        level = whole * percent / 100
        label = f"{percent} %" if dose.unit == "%" else f"{percent} % = {level:.2f} Gy"
        found.append(Isodose(label, level, colour, dash))
    return tuple(found), words


@dataclass(frozen=True, eq=False, kw_only=True)
class Slice:
    """Everything that is seen in one plane.

    Attributes
    ----------
    image, window
        None when there is no image.
    regions
        In the order in which they are drawn and listed; the most important first.
    levels
        Highest first; none without dose.
    words
        Where the plane lies, and every reservation, for the caption.
    """

    title: str
    plane: Plane
    image: Raster | None
    window: Window | None
    regions: tuple[Region, ...]
    dose: DoseGrid | None
    levels: tuple[Isodose, ...]
    has_isocentre: bool
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Outlines and lines in the plane, mm from its centre."""

    outlines: tuple[tuple[Region, tuple[Points, ...]], ...]
    others: tuple[str, ...]
    lines: tuple[tuple[Isodose, tuple[Points, ...]], ...]
    is_grainy: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """The part of the plane on paper: its left and upper end, its size, and mm of paper for a mm."""

    left: float
    top: float
    width: float
    height: float
    scale: float

    def on_paper(self, run: Points) -> Points:
        """Return points of the plane as points of the paper."""
        corner: Points = np.array([self.left, self.top])
        return (run - corner) * self.scale


def draw_slice(what: Slice) -> Picture | None:
    """Return the picture of one plane; None when nothing at all is in it."""
    outlines, others = _outlines(what)
    around = _reach(what.image, outlines)
    if around is None:
        around = _dose_reach(what)
    every = _isodose_lines(what, around)
    lines = tuple((level, _without_specks(runs)) for level, runs in every)
    is_grainy = any(len(runs) < len(all_) for (_, runs), (_, all_) in zip(lines, every, strict=True))
    drawn = _Drawn(outlines, others, lines, is_grainy)
    if what.image is None and not outlines and not any(runs for _, runs in lines):
        return None
    shown = _shown(around)
    legend = _legend(drawn)
    height = max(shown.height * shown.scale, min(PAPER_MM[1], len(legend) * TEXT_MM * 1.5 + 4))
    paper = Paper(PAPER_MM[0], round(height + 0.5, 1))
    _image(paper, what, shown)
    paper.begin_clip(0, 0, shown.width * shown.scale, shown.height * shown.scale)
    _draw(paper, drawn, shown, on_image=what.image is not None)
    if what.has_isocentre:
        _cross(paper, shown)
    paper.end_clip()
    _frame(paper, what, shown)
    _write_legend(paper, legend, shown.width * shown.scale + 3)
    caption = _caption(what, drawn)
    return Picture(
        kind=what.plane.kind,
        title=what.title,
        caption=caption,
        svg=paper.svg(what.title),
        alternative=f"{what.title}. {_words_of_place(what, drawn)}",
        width_mm=paper.width_mm,
        height_mm=paper.height_mm,
    )


def _outlines(what: Slice) -> tuple[tuple[tuple[Region, tuple[Points, ...]], ...], tuple[str, ...]]:
    found: list[tuple[Region, tuple[Points, ...]]] = []
    others: list[str] = []
    for region in what.regions:
        runs = cut(region, what.plane)
        if runs and len(found) < REGIONS_MAX:
            found.append((region, runs))
        elif runs is None or runs:
            others.append(region.roi.roi_name or f"ROI {region.roi.roi_number}")
    return tuple(found), tuple(others)


def _reach(
    image: Raster | None, outlines: tuple[tuple[Region, tuple[Points, ...]], ...]
) -> tuple[float, float, float, float] | None:
    """Return left, top, right, bottom of what is worth seeing; None without image and outline."""
    boxes = [(run.min(axis=0), run.max(axis=0)) for _, runs in outlines for run in runs]
    whole = None
    if image is not None:
        whole = (image.right_mm[0], image.down_mm[0], image.right_mm[-1], image.down_mm[-1])
    if not boxes:
        if whole is None:
            return None
        across, down = _at_least(whole[0], whole[2]), _at_least(whole[1], whole[3])
        return across[0], down[0], across[1], down[1]
    low, high = np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0)
    grown = []
    for axis in (0, 1):
        more = max(MARGIN_MM, (LEAST_SHOWN_MM - (high[axis] - low[axis])) / 2)
        grown.append((min(low[axis] - more, -MARGIN_MM), max(high[axis] + more, MARGIN_MM)))
    left, right, top, bottom = grown[0][0], grown[0][1], grown[1][0], grown[1][1]
    if whole is None:
        return left, top, right, bottom
    across, down = (
        _at_least(max(low, whole[axis]), min(high, whole[axis + 2])) for axis, (low, high) in enumerate(grown)
    )
    return across[0], down[0], across[1], down[1]


def _at_least(low: float, high: float) -> tuple[float, float]:
    """Return a stretch with the same middle that is at least `LEAST_SHOWN_MM` long."""
    more = max(LEAST_SHOWN_MM - (high - low), 0.0) / 2
    return low - more, high + more


def _dose_reach(what: Slice) -> tuple[float, float, float, float]:
    """Return the corners of the dose grid in the plane."""
    dose = what.dose
    if dose is None:
        return -LEAST_SHOWN_MM, -LEAST_SHOWN_MM, LEAST_SHOWN_MM, LEAST_SHOWN_MM
    frames, rows, columns = dose.stored.shape
    corners = np.array(
        [
            dose.position_mm
            + dose.normal * dose.offsets_mm[f]
            + dose.column_direction * dose.row_spacing_mm * r
            + dose.row_direction * dose.column_spacing_mm * c
            for f in (0, frames - 1)
            for r in (0, rows - 1)
            for c in (0, columns - 1)
        ]
    )
    placed = what.plane.placed(corners)
    low, high = placed.min(axis=0), placed.max(axis=0)
    return low[0], low[1], high[0], high[1]


def _isodose_lines(
    what: Slice, around: tuple[float, float, float, float]
) -> tuple[tuple[Isodose, tuple[Points, ...]], ...]:
    if what.dose is None:
        return ()
    left, top, right, bottom = around
    axes = [
        np.linspace(low, high, int(np.clip((high - low) / DOSE_STEP_MM, 2, LATTICE_MAX)))
        for low, high in ((left, right), (top, bottom))
    ]
    raster = dose_in(what.plane, what.dose, axes[0], axes[1])
    runs = contour_lines(raster, tuple(level.dose for level in what.levels))
    return tuple(zip(what.levels, runs, strict=True))


def _without_specks(runs: tuple[Points, ...]) -> tuple[Points, ...]:
    """Return the lines of one level; of a grainy dose those that are no specks, at least the largest one."""
    if len(runs) <= RUNS_MAX:
        return runs
    reach = [float(np.ptp(run, axis=0).max()) for run in runs]
    least = min(SPECK_MM, max(reach))
    return tuple(run for run, size in zip(runs, reach, strict=True) if size >= least)


def _shown(around: tuple[float, float, float, float]) -> _Shown:
    left, top, right, bottom = around
    width, height = max(right - left, 1.0), max(bottom - top, 1.0)
    return _Shown(left, top, width, height, min(SHOWN_MM[0] / width, SHOWN_MM[1] / height))


def _image(paper: Paper, what: Slice, shown: _Shown) -> None:
    width, height = shown.width * shown.scale, shown.height * shown.scale
    if what.image is None or what.window is None:
        return
    counts = [
        int(min(size * PIXELS_ON_PAPER, room / step))
        for size, room, step in (
            (width, shown.width, float(np.diff(what.image.right_mm).mean())),
            (height, shown.height, float(np.diff(what.image.down_mm).mean())),
        )
    ]
    counts = [max(count, 2) for count in counts]
    steps = shown.width / counts[0], shown.height / counts[1]
    across = shown.left + steps[0] * (np.arange(counts[0]) + 0.5)
    down = shown.top + steps[1] * (np.arange(counts[1]) + 0.5)
    values = _resampled(what.image, across, down)
    grey = (values - what.window.low) / (what.window.high - what.window.low) * 255
    pixels = np.where(np.isnan(grey), 255, np.clip(grey, 0, 255)).astype(np.uint8)
    paper.image(pixels, 0, 0, width, height)


def _resampled(image: Raster, right_mm: NDArray[Any], down_mm: NDArray[Any]) -> Points:
    values = image.values
    for axis, (wanted, own) in enumerate(((down_mm, image.down_mm), (right_mm, image.right_mm))):
        index = np.clip(np.interp(wanted, own, np.arange(len(own))), 0, len(own) - 1)
        low = np.floor(index).astype(np.intp)
        high = np.minimum(low + 1, len(own) - 1)
        part = (index - low)[:, None] if axis == 0 else (index - low)[None, :]
        values = np.take(values, low, axis) * (1 - part) + np.take(values, high, axis) * part
    return values


def _draw(paper: Paper, drawn: _Drawn, shown: _Shown, *, on_image: bool) -> None:
    placed = [(level, [shown.on_paper(run) for run in runs]) for level, runs in drawn.lines]
    for level, runs in placed:
        paper.lines(runs, colour=level.colour, width=0.3, dash=level.dash, edge="#ffffff")
    outlined = [(region, [shown.on_paper(run) for run in runs]) for region, runs in drawn.outlines]
    for region, runs in reversed(outlined):
        colour = region_colour(region) if on_image else legible(region_colour(region))
        paper.lines(runs, colour=colour, width=0.45, edge=_edge(colour) if on_image else "")
    tags = _Tags(paper, shown.width * shown.scale, shown.height * shown.scale)
    for number, (_, runs) in enumerate(outlined, 1):
        tags.add(str(number), runs, bold=True)
    for level, runs in placed:
        if runs:
            tags.add(level.label.split(" = ")[0].replace(" ", ""), runs, bold=False)


class _Tags:
    """Short texts at lines, each where most room is left by the others; beside small ones, with a pointer."""

    def __init__(self, paper: Paper, width: float, height: float) -> None:
        self._paper, self._size = paper, np.array([width, height])
        self._taken: list[Points] = [np.array(at) for at in self._corners()]

    def add(self, text: str, runs: Sequence[Points], *, bold: bool) -> None:
        """Write a text at the longest of some lines."""
        run = max(runs, key=len)
        sampled = run[:: max(1, len(run) // 48)]
        is_small = float(np.abs(np.diff(run, axis=0)).sum()) < SMALL_MM
        away = sampled - run.mean(axis=0)
        length = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
        places = sampled + away / length * POINTER_MM if is_small else sampled
        edge = np.array([len(text) * TEXT_MM * LETTER_WIDTH / 2 + 0.6, TEXT_MM * 0.7])
        fits = np.all((places > edge) & (places < self._size - edge), axis=1)
        if not fits.any():
            return
        apart = (places[:, None, :] - np.array(self._taken)[None, :, :]) * (0.6, 1.0)
        room = np.hypot(apart[..., 0], apart[..., 1]).min(axis=1)
        best = int(np.argmax(np.where(fits, room, -1.0)))
        place = places[best]
        self._taken.append(place)
        if is_small:
            self._paper.lines([np.array([sampled[best], place])], width=0.2, edge="#ffffff")
        self._paper.text(place[0], place[1] + TEXT_MM * 0.35, text, anchor="middle", bold=bold, edge=True)

    def _corners(self) -> tuple[tuple[float, float], ...]:
        """Return where the letters, the scale and the cross stand."""
        width, height = self._size
        middle = width / 2, height / 2
        return (
            (2.0, middle[1]),
            (width - 2, middle[1]),
            (middle[0], 2.5),
            (middle[0], height - 2.5),
            (6.0, height - 4),
        )


def region_colour(region: Region) -> str:
    """Return the colour the planning system gave a region, or black."""
    return BLACK if region.roi.colour is None else "#{:02x}{:02x}{:02x}".format(*region.roi.colour)


def _edge(colour: str) -> str:
    return "#000000" if _brightness(colour) > 110 else "#ffffff"  # noqa: PLR2004 - half way


def legible(colour: str) -> str:
    """Return a colour that is seen on white: a pale one darker."""
    too_bright = _brightness(colour) / BRIGHT_MAX
    if too_bright <= 1:
        return colour
    return "#" + "".join(f"{int(int(colour[at : at + 2], 16) / too_bright):02x}" for at in (1, 3, 5))


def _brightness(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.3 * red + 0.59 * green + 0.11 * blue


def _cross(paper: Paper, shown: _Shown) -> None:
    """Draw the isocentre: a cross with a hole in its middle."""
    x, y = shown.on_paper(np.zeros((1, 2)))[0]
    arms = [[(x + a * s, y + b * s) for s in (1.0, 4.0)] for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    paper.lines([np.array(arm) for arm in arms], width=0.35, edge="#ffffff")


def _frame(paper: Paper, what: Slice, shown: _Shown) -> None:
    width, height = shown.width * shown.scale, shown.height * shown.scale
    paper.box(0.1, 0.1, width - 0.2, height - 0.2, line=0.2)
    left, right, up, down = what.plane.letters
    size = TEXT_MM * 1.5
    paper.text(1.4, height / 2, left, size=size, bold=True, edge=True)
    paper.text(width - 1.4, height / 2, right, size=size, bold=True, edge=True, anchor="end")
    paper.text(width / 2, size + 0.4, up, size=size, bold=True, edge=True, anchor="middle")
    paper.text(width / 2, height - 1.4, down, size=size, bold=True, edge=True, anchor="middle")
    length = 50.0 if shown.width > 150 else 20.0  # noqa: PLR2004 - mm; the longer one where there is room
    x, y = 2.5, height - 3.0
    bar = [(x, y - 1), (x, y), (x + length * shown.scale, y), (x + length * shown.scale, y - 1)]
    paper.lines([np.array(bar)], width=0.4, edge="#ffffff")
    paper.text(x + 0.5, y - 1.4, f"{length:.0f} mm", edge=True)


_Row = tuple[str, str, str, float]
"""Text, colour, dashes, width of the line before it; no line where the colour is empty."""


def _legend(drawn: _Drawn) -> list[_Row]:
    rows: list[_Row] = []
    if drawn.outlines:
        rows.append(("Regions", "", "", 0.0))
        for number, (region, _) in enumerate(drawn.outlines, 1):
            name = region.roi.roi_name or f"ROI {region.roi.roi_number}"
            rows.append((f"{number} {name}", region_colour(region), "", 0.45))
    if drawn.lines:
        rows.append(("Dose", "", "", 0.0))
        for level, runs in drawn.lines:
            rows.append((level.label + ("" if runs else " (not here)"), level.colour, level.dash, 0.4))
    return rows


def _write_legend(paper: Paper, rows: list[_Row], x: float) -> None:
    letters = min(LEGEND_LETTERS, int((paper.width_mm - x - 10) / (TEXT_MM * LETTER_WIDTH)))
    y = TEXT_MM + 0.5
    for text, colour, dash, width in rows:
        if colour:
            line = np.array([(x, y - TEXT_MM * 0.35), (x + 8, y - TEXT_MM * 0.35)])
            paper.lines([line], colour=legible(colour), dash=dash, width=width)
            paper.text(x + 9.5, y, shortened(text, letters))
        else:
            y += 0.5
            paper.text(x, y, text, bold=True)
        y += TEXT_MM * 1.5


def _caption(what: Slice, drawn: _Drawn) -> str:
    words = list(what.words)
    if what.image is not None and what.window is not None:
        words.append(what.window.words)
    if what.has_isocentre:
        words.append("The cross is the isocentre.")
    if drawn.is_grainy:
        words.append(f"The dose is grainy: lines that reach less than {SPECK_MM:.0f} mm are left out.")
    if drawn.others:
        words.append(
            f"Not drawn for want of room or because they lie in other planes: {', '.join(drawn.others)}."
        )
    return " ".join(words)


def _words_of_place(what: Slice, drawn: _Drawn) -> str:
    """Return what the eye would read off: which regions and levels are met and how far they reach."""
    left, right, up, down = what.plane.letters
    words = [f"At the edges: left {left}, right {right}, top {up}, bottom {down}."]
    for region, runs in drawn.outlines:
        points = np.concatenate(runs)
        low, high = points.min(axis=0), points.max(axis=0)
        words.append(
            f"{region.roi.roi_name or region.roi.roi_number} reaches from {low[0]:.0f} to {high[0]:.0f} mm"
            f" towards {right} and from {low[1]:.0f} to {high[1]:.0f} mm towards {down} of the centre."
        )
    met = [level.label for level, runs in drawn.lines if runs]
    if drawn.lines:
        words.append(f"Dose lines met: {', '.join(met) or 'none'}.")
    return " ".join(words)
