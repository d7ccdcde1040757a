"""Pictures of beams: what leaves, jaws and blocks leave open, seen from the source, with the target behind.

A beam whose leaves stand still is one aperture. One whose leaves move under a still gantry is a map of how
long each point is open. An arc is that map and, beside it, the leaves at three of its control points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.openings import (
    field_mm,
    is_moving,
    open_area_mm2,
    share_open,
    shares,
    shut_corners,
)
from beamkeeper.protect.dossier.picture import Picture, PictureKind
from beamkeeper.protect.dossier.planes import Raster, contour_lines
from beamkeeper.protect.dossier.source_view import BIN_MM, SOURCE_AXIS_MM, turned
from beamkeeper.protect.dossier.svg import LETTER_WIDTH, TEXT_MM, Paper, shortened

if TYPE_CHECKING:
    from beamkeeper.domain.imaging import Points
    from beamkeeper.domain.plan import Beam, ControlPoint
    from beamkeeper.protect.dossier.source_view import TargetSeen
    from beamkeeper.wire.dicom.shapes import Aperture, Block

PAPER_MM: Final = (58.0, 69.0)
SHOWN_MM: Final = 58.0
ARC_MM: Final = (178.0, 54.0)
ARC_SHOWN_MM: Final = 43.0
ARC_APART_MM: Final = 2.0
AFTER: Final = (1 / 6, 1 / 2, 5 / 6)
"""Of the meterset: where an arc is looked at."""
MARGIN_MM: Final = 15.0
HALF_MM_MIN, HALF_MM_MAX = 30.0, 500.0
"""Half of what a picture shows. No field is wider than a metre: a jaw further out is senseless."""
ARC_DEG_MIN: Final = 1.0
"""A gantry that turns less stands still."""
PIXELS_A_MM: Final = 2.2
DIAGONAL: Final = 2**0.5
DARKEST: Final = 150
"""Of 255: what is never open."""
_SHUT, _EDGE = "#dcdcdc", "#8a8a8a"
_ANY_TIME: Final = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class _Shown:
    """One beam, its control points and apertures one for one."""

    beam: Beam
    points: tuple[ControlPoint, ...]
    apertures: tuple[Aperture, ...]
    blocks: tuple[Block, ...]
    target: TargetSeen | None

    @property
    def title(self) -> str:
        return f"Beam {self.beam.beam_number} {self.beam.beam_name}".strip()

    @property
    def gantry(self) -> tuple[float, ...]:
        """The gantry's angles; the last one stands where a control point states none."""
        return tuple(p.gantry_angle_deg for p in self.points if p.gantry_angle_deg is not None)

    @property
    def collimator_turns(self) -> bool:
        """Whether the collimator does not stand still."""
        angles = [p.collimator_angle_deg or 0.0 for p in self.points]
        return max(angles) - min(angles) > ARC_DEG_MIN

    def outline(self, at: int) -> tuple[Points, ...]:
        """Return the target as seen at a control point."""
        return self.target.outline(self.points[at]) if self.target is not None else ()


@dataclass(frozen=True, slots=True)
class _Frame:
    """A square of paper that shows the isocentre plane, `half_mm` of it to each side of the isocentre."""

    left: float
    size: float
    half_mm: float

    def on_paper(self, run: Points) -> Points:
        """Return points of the plane (X right, Y up) as points of the paper."""
        scale = self.size / (2 * self.half_mm)
        return np.stack(
            [self.left + (run[:, 0] + self.half_mm) * scale, (self.half_mm - run[:, 1]) * scale], axis=1
        )


def draw_beam(
    beam: Beam, apertures: tuple[Aperture, ...], blocks: tuple[Block, ...], target: TargetSeen | None
) -> Picture | None:
    """Return what a beam leaves open; None when nothing is stated, or senseless."""
    count = min(len(apertures), len(beam.control_points))
    apertures = apertures[:count]
    if not any(aperture.devices for aperture in apertures):
        return None
    shown = _Shown(
        beam=beam, points=beam.control_points[:count], apertures=apertures, blocks=blocks, target=target
    )
    if len(shown.gantry) > 1 and max(shown.gantry) - min(shown.gantry) > ARC_DEG_MIN:
        return _arc(shown)
    return _still(shown)


def _still(shown: _Shown) -> Picture | None:
    """Return the picture of a beam whose gantry stands still."""
    widest = max(range(len(shown.apertures)), key=lambda at: open_area_mm2(shown.apertures[at]))
    aperture, point = shown.apertures[widest], shown.points[widest]
    moves = is_moving(shown.apertures) and not shown.collimator_turns
    jaws, seen = _jaws(shown, [widest] if not moves else range(len(shown.apertures))), shown.outline(widest)
    half = _half_mm([jaws, *seen])
    if half > HALF_MM_MAX:
        return None
    frame = _Frame(0.0, SHOWN_MM, half)
    paper = Paper(*PAPER_MM)
    _begin(paper, frame)
    if moves:
        _map(paper, frame, shown, point.collimator_angle_deg or 0.0)
    else:
        _leaves(paper, frame, aperture, point)
    _blocks(paper, frame, shown, point)
    _end(paper, frame, jaws, seen)
    _words_under(
        paper,
        frame,
        (shown.title, _short_angles(point), "marks every 10 mm at the isocentre"),
    )
    return _picture(paper, shown, _caption(shown, widest, moves=moves), _words_of_field(aperture))


def _arc(shown: _Shown) -> Picture | None:
    """Return the picture of a beam whose gantry turns: the map, then the leaves on the way."""
    weights = shares(shown.points)
    given = np.cumsum(weights) - weights / 2
    places = [int(np.argmin(np.abs(given - after))) for after in AFTER]
    jaws = [_jaws(shown, [at]) for at in places]
    seen = [shown.outline(at) for at in places]
    everywhere = _jaws(shown, range(len(shown.apertures)), turn=not shown.collimator_turns)
    half = _half_mm([everywhere, *jaws, *(run for runs in seen for run in runs)])
    if half > HALF_MM_MAX:
        return None
    paper = Paper(*ARC_MM)
    first = _Frame(0.0, ARC_SHOWN_MM, half)
    _begin(paper, first)
    angle = 0.0 if shown.collimator_turns else shown.points[0].collimator_angle_deg or 0.0
    _map(paper, first, shown, angle)
    _end(paper, first, everywhere, ())
    turns = "collimator turns" if shown.collimator_turns else f"C {_degrees(angle)}"
    way = f"G {_degrees(shown.gantry[0])} → {_degrees(shown.gantry[-1])}"
    way = " ".join(filter(None, (way, shown.beam.setup.gantry_rotation, turns)))
    _words_under(paper, first, (f"All {len(shown.points)} control points", way, "marks every 10 mm"))
    for number, (at, after) in enumerate(zip(places, AFTER, strict=True), 1):
        frame = _Frame(number * (ARC_SHOWN_MM + ARC_APART_MM), ARC_SHOWN_MM, half)
        _begin(paper, frame)
        _leaves(paper, frame, shown.apertures[at], shown.points[at])
        _blocks(paper, frame, shown, shown.points[at])
        _end(paper, frame, jaws[number - 1], seen[number - 1])
        words = (
            f"Control point {at + 1}",
            _short_angles(shown.points[at]),
            f"at {100 * after:.0f} % of the meterset",
        )
        _words_under(paper, frame, words)
    return _picture(paper, shown, _arc_caption(shown, is_seen=any(seen)), _words_of_arc(shown, places))


def _picture(paper: Paper, shown: _Shown, caption: str, words: str) -> Picture:
    return Picture(
        kind=PictureKind.BEAMS_EYE,
        title=shown.title,
        caption=caption,
        svg=paper.svg(shown.title),
        alternative=f"{shown.title}. {words}",
        width_mm=paper.width_mm,
        height_mm=paper.height_mm,
    )


def _half_mm(runs: list[Points]) -> float:
    return max(HALF_MM_MIN, *(float(np.abs(run).max()) + MARGIN_MM for run in runs))


def _jaws(shown: _Shown, places: range | list[int], *, turn: bool = True) -> Points:
    """Return the border of what the jaws leave open at some control points together, as the gantry sees."""
    fields = np.array([field_mm(shown.apertures[at]) for at in places])
    x_1, y_1 = fields[:, :2].min(axis=0)
    x_2, y_2 = fields[:, 2:].max(axis=0)
    border = np.array([(x_1, y_1), (x_2, y_1), (x_2, y_2), (x_1, y_2), (x_1, y_1)])
    return border @ turned(shown.points[places[0]].collimator_angle_deg or 0.0).T if turn else border


def _begin(paper: Paper, frame: _Frame) -> None:
    paper.begin_clip(frame.left, 0, frame.size, frame.size)
    paper.box(frame.left, 0, frame.size, frame.size, fill="#ffffff")


def _leaves(paper: Paper, frame: _Frame, aperture: Aperture, point: ControlPoint) -> None:
    turn = turned(point.collimator_angle_deg or 0.0)
    leaves = [np.array(corners) @ turn.T for device in aperture.devices for corners in shut_corners(device)]
    paper.lines([frame.on_paper(leaf) for leaf in leaves], colour=_EDGE, width=0.08, fill=_SHUT)


def _map(paper: Paper, frame: _Frame, shown: _Shown, collimator_deg: float) -> None:
    """Draw how long each point is open, as grey, and a line around what is open at any time."""
    count = int(frame.size * PIXELS_A_MM)
    step = 2 * frame.half_mm / count
    axis: Points = (np.arange(count, dtype=np.float64) + 0.5) * step - frame.half_mm
    # The lattice of the collimator holds the square also when it is turned.
    half = int(count * DIAGONAL / 2) + 1
    own: Points = (np.arange(2 * half, dtype=np.float64) + 0.5 - half) * step
    lattice = share_open(shown.apertures, shares(shown.points), own, own)
    x, y = np.meshgrid(axis, -axis)
    placed = np.stack([x, y], axis=-1) @ turned(collimator_deg)
    index = np.clip(np.round(placed / step + half - 0.5), 0, 2 * half - 1).astype(np.intp)
    share = lattice[index[..., 1], index[..., 0]]
    grey = DARKEST + (255 - DARKEST) * np.clip(share, 0.0, 1.0)
    paper.image(grey.round().astype(np.uint8), frame.left, 0, frame.size, frame.size)
    ever = Raster(right_mm=axis, down_mm=axis, values=(share[::-1] > _ANY_TIME).astype(np.float64))
    paper.lines([frame.on_paper(run) for run in contour_lines(ever, (0.5,))[0]], width=0.15)


def _blocks(paper: Paper, frame: _Frame, shown: _Shown, point: ControlPoint) -> None:
    """Draw the blocks: what they shut grey, hatched by their edge."""
    turn = turned(point.collimator_angle_deg or 0.0)
    far = 2 * frame.half_mm
    around = np.array([(-far, -far), (far, -far), (far, far), (-far, far), (-far, -far)])
    for block in shown.blocks:
        edge = np.array([*block.edge_mm, block.edge_mm[0]]) @ turn.T
        shut = [around, edge] if block.is_aperture else [edge]
        paper.lines([frame.on_paper(run) for run in shut], colour="#444444", width=0.35, fill="#c4c4c4")


def _end(paper: Paper, frame: _Frame, jaws: Points, seen: tuple[Points, ...]) -> None:
    half = frame.half_mm
    paper.lines(
        [frame.on_paper(run) for run in seen], colour="#b2182b", width=0.45, dash="1.4 0.7", edge="#ffffff"
    )
    paper.lines([frame.on_paper(jaws)], width=0.5)
    arms = [[(0.0, -half), (0.0, half)], [(-half, 0.0), (half, 0.0)]]
    paper.lines([frame.on_paper(np.array(arm)) for arm in arms], width=0.12, dash="0.8 0.8")
    ticks = [
        line
        for at in range(-int(half // 10) * 10, int(half) + 1, 10)
        for size in (2.0 if at % 50 else 4.0,)
        for line in ([(at, -size / 2), (at, size / 2)], [(-size / 2, at), (size / 2, at)])
    ]
    paper.lines([frame.on_paper(np.array(tick, dtype=np.float64)) for tick in ticks], width=0.12)
    paper.end_clip()
    paper.box(frame.left + 0.1, 0.1, frame.size - 0.2, frame.size - 0.2, line=0.2)


def _words_under(paper: Paper, frame: _Frame, words: tuple[str, str, str]) -> None:
    letters = int(frame.size / (TEXT_MM * LETTER_WIDTH))
    for line, text in enumerate(words):
        y = frame.size + (1 + 1.4 * line) * TEXT_MM + 1
        paper.text(frame.left + 0.5, y, shortened(text, letters), bold=line == 0)
    middle = frame.left + frame.size / 2
    paper.text(frame.left + frame.size - 1, frame.size / 2 - 0.8, "X", anchor="end", edge=True)
    paper.text(middle + 0.8, TEXT_MM + 0.6, "Y", edge=True)


def _short_angles(point: ControlPoint) -> str:
    return (
        f"G {_degrees(point.gantry_angle_deg)}  C {_degrees(point.collimator_angle_deg)}"
        f"  T {_degrees(point.couch_angle_deg)}"
    )


def _degrees(angle: float | None) -> str:
    return "?" if angle is None else f"{angle:.1f}°"


def _words_of_field(aperture: Aperture) -> str:
    x_1, y_1, x_2, y_2 = field_mm(aperture)
    return (
        f"The field is open from {x_1:.1f} to {x_2:.1f} mm along X and from {y_1:.1f} to {y_2:.1f} mm along Y"
        f" of the collimator; {open_area_mm2(aperture) / 100:.1f} cm² are open."
    )


def _words_of_arc(shown: _Shown, places: list[int]) -> str:
    words = [f"The gantry turns from {_degrees(shown.gantry[0])} to {_degrees(shown.gantry[-1])}."]
    words += [f"At control point {at + 1}: {_words_of_field(shown.apertures[at])}" for at in places]
    return " ".join(words)


_SEEN: Final = (
    "Seen from the source at the isocentre plane, X of the gantry to the right, Y towards the gantry up."
)
_MAP: Final = "white is open all the time, dark never, a thin line surrounds what is open at any time"


def _caption(shown: _Shown, widest: int, *, moves: bool) -> str:
    point, count = shown.points[widest], len(shown.apertures)
    words = [_SEEN]
    if moves:
        words.append(f"The leaves move, {count} control points: {_MAP}.")
        words.append("Thick line: what the jaws leave open at any time.")
    else:
        where = f"Control point {widest + 1} of {count}"
        if count > 1:
            first = open_area_mm2(shown.apertures[0]) < open_area_mm2(shown.apertures[widest])
            where += ", the one open widest" if first else ", the first"
        has_leaves = any(device.is_mlc for device in shown.apertures[widest].devices)
        words.append(f"{where}.")
        words.append("Thick line: jaws." + (" Grey: leaves." if has_leaves else ""))
    words.insert(
        2,
        f"Gantry {_degrees(point.gantry_angle_deg)}, collimator {_degrees(point.collimator_angle_deg)},"
        f" couch {_degrees(point.couch_angle_deg)} (IEC 61217).",
    )
    return " ".join([*words, *_more_words(shown, is_seen=bool(shown.outline(widest)))])


def _arc_caption(shown: _Shown, *, is_seen: bool) -> str:
    axes = " in the axes of the collimator, which turns" if shown.collimator_turns else ""
    words = (
        f"Left{axes}: the whole arc; {_MAP}. Then the leaves (grey) at three of"
        f" {len(shown.points)} control points. Thick lines: jaws. Angles are IEC 61217."
    )
    return " ".join([_SEEN, words, *_more_words(shown, is_seen=is_seen)])


def _more_words(shown: _Shown, *, is_seen: bool) -> list[str]:
    words = []
    if is_seen and shown.target is not None:
        words.append(
            f"Dashed: {shown.target.name}, to about {BIN_MM:.0f} mm, patient {shown.target.patient_position},"
            f" source at {SOURCE_AXIS_MM:.0f} mm."
        )
    for is_aperture, what in ((True, "passes"), (False, "does not pass")):
        names = [block.name or "without name" for block in shown.blocks if block.is_aperture is is_aperture]
        if names:
            words.append(f"Darker grey: block {', '.join(names)}; the beam {what} inside the line.")
    not_drawn = [text for text in shown.beam.accessories if not (shown.blocks and text.startswith("block"))]
    if not_drawn:
        words.append(f"Not drawn: {', '.join(not_drawn)}.")
    return words
