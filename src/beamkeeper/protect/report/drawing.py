"""Old against new, drawn: leaves and jaws from the source's view, contours in their slice.

SVG without scripts, styles or anything from elsewhere, so that it stands on a page with a strict policy
and prints in black and white: what was is a dashed line, what is now a solid one, what moved is hatched.
Each drawing says in words what it shows. It helps the eye; the list of changes is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.wire.dicom.shapes import Aperture, Device, Outline, apertures, outlines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

DRAWN_MAX: Final = 6
"""Drawings of one object: the largest changes."""
MOVED_MM: Final = 0.001
CLOSED_MM: Final = 1.0
"""A leaf pair that is open no further lets nothing through that is worth drawing."""
_MARGIN_MM: Final = 12.0
_NARROWEST: Final = 0.6
"""Of its height, so that the words at the bottom have room."""
_POINTS_COMPARED_MAX: Final = 400
"""Points of a contour used to find the slice that moved most."""
_LINE: Final = 'fill="none" vector-effect="non-scaling-stroke"'
_OLD: Final = f'{_LINE} stroke="#666" stroke-width="1.5" stroke-dasharray="6 4"'
_NEW: Final = f'{_LINE} stroke="#000" stroke-width="1.5"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One drawing.

    Attributes
    ----------
    title
        What is shown, in words; also inside the SVG for screen readers.
    largest_mm
        The largest movement in it.
    svg
        A whole `<svg>` element.
    """

    title: str
    largest_mm: float
    svg: str


def drawn_plans(old: bytes, new: bytes, *, key: str) -> tuple[Drawing, ...]:
    """Return the control points whose apertures moved most, largest first.

    Parameters
    ----------
    key
        Makes the identifiers of this object's drawings differ from others on the page; letters and digits.

    Raises
    ------
    ObjectUnreadable
        One of the two is no whole object.
    """
    before = {(item.beam_number, item.control_point): item for item in apertures(old)}
    moved = []
    for item in apertures(new):
        other = before.get((item.beam_number, item.control_point))
        if other is not None and (distance := _moved_mm(other, item)) > MOVED_MM:
            moved.append((distance, other, item))
    moved.sort(key=lambda one: -one[0])
    return tuple(
        _aperture(was, now, distance, f"{key}-a{index}")
        for index, (distance, was, now) in enumerate(moved[:DRAWN_MAX])
    )


def drawn_structures(old: bytes, new: bytes, *, key: str) -> tuple[Drawing, ...]:
    """Return for each region that changed the slice that changed most, largest first; see `drawn_plans`."""
    before = {roi.roi_number: roi for roi in outlines(old)}
    found = []
    for roi in outlines(new):
        was = before.get(roi.roi_number)
        worst = _worst_slice(was.outlines, roi.outlines) if was is not None else None
        if worst is not None:
            found.append((roi.roi_name or roi.roi_number, worst))
    found.sort(key=lambda one: -one[1].apart_mm)
    return tuple(
        _slice(name, worst, f"{key}-s{index}") for index, (name, worst) in enumerate(found[:DRAWN_MAX])
    )


# Apertures ---------------------------------------------------------------------------------------


def _pairs(was: Aperture, now: Aperture) -> Iterable[tuple[Device, Device]]:
    before = {device.device_type: device for device in was.devices}
    for device in now.devices:
        other = before.get(device.device_type)
        if other is not None and len(other.side_1_mm) == len(device.side_1_mm):
            yield other, device


def _moved_mm(was: Aperture, now: Aperture) -> float:
    return max(
        (
            abs(a - b)
            for old, new in _pairs(was, now)
            for a, b in zip(old.side_1_mm + old.side_2_mm, new.side_1_mm + new.side_2_mm, strict=True)
        ),
        default=0.0,
    )


def _aperture(was: Aperture, now: Aperture, distance: float, key: str) -> Drawing:
    title = f"Beam {now.beam_number} {now.beam_name}, control point {now.control_point}: leaves and jaws"
    shapes: list[str] = []
    labels: list[_Label] = []
    box = _Box()
    pairs = tuple(_pairs(was, now))
    for old, new in pairs:
        if new.is_mlc:
            shapes += _leaves(old, new, key, box, labels)
    shapes += _jaws([pair for pair in pairs if not pair[1].is_mlc], key, box)
    return Drawing(
        title=title, largest_mm=distance, svg=_svg(title, shapes, labels, box, key, beams_eye=True)
    )


def _leaves(old: Device, new: Device, key: str, box: _Box, labels: list[_Label]) -> list[str]:
    """Return the leaf tips of both sides as stepped lines, what moved hatched between them."""
    shapes: list[str] = []
    paths: dict[tuple[int, str], list[str]] = {(side, line): [] for side in (0, 1) for line in (_OLD, _NEW)}
    for at, (low, high) in enumerate(zip(new.boundaries_mm, new.boundaries_mm[1:], strict=False)):
        sides = ((old.side_1_mm[at], new.side_1_mm[at]), (old.side_2_mm[at], new.side_2_mm[at]))
        moved = any(abs(was - now) > MOVED_MM for was, now in sides)
        if not moved and sides[1][1] - sides[0][1] <= CLOSED_MM:
            for path in paths.values():
                path.append("")
            continue
        for side, (was, now) in enumerate(sides):
            if abs(was - now) > MOVED_MM:
                shapes.append(_between(new, (was, now), (low, high), f'fill="url(#{key}-h)"'))
            for line, position in ((_OLD, was), (_NEW, now)):
                ends = _placed(new, position, low), _placed(new, position, high)
                paths[side, line].append(" ".join(f"{x_mm:.2f},{y_mm:.2f}" for x_mm, y_mm in ends))
                box.add(*ends[0], *ends[1])
        if moved:
            x_mm, y_mm = _placed(new, max(max(side) for side in sides), (low + high) / 2)
            labels.append(_Label(x_mm + 3, y_mm + 1.5, str(at + 1)))
    runs = [(run, line) for (_, line), path in paths.items() for run in _runs(path)]
    return shapes + [f'<polyline points="{run}" {line}/>' for run, line in runs]


def _runs(path: list[str]) -> Iterable[str]:
    """Yield the stretches of neighbouring leaves that are drawn."""
    for drawn, parts in groupby(path, key=bool):
        if drawn:
            yield " ".join(parts)


def _jaws(pairs: list[tuple[Device, Device]], key: str, box: _Box) -> list[str]:
    """Return the edges of the field, within what is seen, hatched where they moved.

    Leaves say what is seen; a jaw that moved always is, and all of them are where there is no leaf.
    """
    has_leaves = not box.is_empty
    for old, new in pairs:
        for value, other in zip(_edges(old), _edges(new), strict=True):
            if not has_leaves or abs(value - other) > MOVED_MM:
                box.add(*_placed(new, value, 0.0), *_placed(new, other, 0.0))
    shapes = []
    for old, new in pairs:
        across = [box.across(device, [pair[at] for pair in pairs]) for at, device in enumerate((old, new))]
        for value, other in zip(_edges(old), _edges(new), strict=True):
            if abs(value - other) > MOVED_MM:
                shapes.append(_between(new, (value, other), across[1], f'fill="url(#{key}-h)"'))
            for position, span, line in ((value, across[0], _OLD), (other, across[1], _NEW)):
                if box.holds(*_placed(new, position, sum(span) / 2)):
                    shapes.append(_tip(new, position, *span, line))
    return shapes


def _edges(device: Device) -> tuple[float, ...]:
    return (*device.side_1_mm, *device.side_2_mm)


def _is_y(device: Device) -> bool:
    return device.device_type.endswith("Y")


def _placed(device: Device, position: float, across: float) -> tuple[float, float]:
    """Return (x, y) on paper: y grows upwards in the beam's eye, downwards in SVG."""
    return (across, -position) if _is_y(device) else (position, -across)


def _tip(device: Device, position: float, low: float, high: float, line: str) -> str:
    x_1, y_1 = _placed(device, position, low)
    x_2, y_2 = _placed(device, position, high)
    return f'<line x1="{x_1:.2f}" y1="{y_1:.2f}" x2="{x_2:.2f}" y2="{y_2:.2f}" {line}/>'


def _between(device: Device, moved: tuple[float, float], leaf: tuple[float, float], fill: str) -> str:
    x_1, y_1 = _placed(device, moved[0], leaf[0])
    x_2, y_2 = _placed(device, moved[1], leaf[1])
    return (
        f'<rect x="{min(x_1, x_2):.2f}" y="{min(y_1, y_2):.2f}" width="{abs(x_1 - x_2):.2f}"'
        f' height="{abs(y_1 - y_2):.2f}" {fill}/>'
    )


# Contours ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Slice:
    apart_mm: float
    z_mm: float
    was: tuple[Outline, ...]
    now: tuple[Outline, ...]


def _worst_slice(old: tuple[Outline, ...], new: tuple[Outline, ...]) -> _Slice | None:
    """Return the slice that changed most; None when none did."""
    worst: _Slice | None = None
    by_z: dict[float, tuple[list[Outline], list[Outline]]] = {}
    for side, contours in enumerate((old, new)):
        for contour in contours:
            by_z.setdefault(contour.z_mm, ([], []))[side].append(contour)
    for z_mm, (was, now) in by_z.items():
        if [c.points_mm for c in was] == [c.points_mm for c in now]:
            continue
        apart_mm = _apart_mm(was, now)
        if worst is None or apart_mm > worst.apart_mm:
            worst = _Slice(apart_mm, z_mm, tuple(was), tuple(now))
    return worst


def _apart_mm(was: list[Outline], now: list[Outline]) -> float:
    """Return the largest distance of a point to the nearest point of the other side."""
    left, right = _sampled(was), _sampled(now)
    if not len(left) or not len(right):
        points = left if len(left) else right
        return float(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))
    apart = np.linalg.norm(left[:, None, :] - right[None, :, :], axis=2)
    return float(max(apart.min(axis=0).max(), apart.min(axis=1).max()))


def _sampled(contours: list[Outline]) -> NDArray[np.float64]:
    points = np.array([point for contour in contours for point in contour.points_mm], dtype=np.float64)
    return points.reshape(-1, 2)[:: max(1, -(-len(points) // _POINTS_COMPARED_MAX))]


def _slice(name: str, worst: _Slice, key: str) -> Drawing:
    title = f"{name}, slice z = {worst.z_mm:g} mm: contours"
    box = _Box()
    shapes = []
    for contours, line in ((worst.was, _OLD), (worst.now, _NEW)):
        for contour in contours:
            for point in contour.points_mm:
                box.add(*point)
            points = " ".join(f"{x_mm:.2f},{y_mm:.2f}" for x_mm, y_mm in contour.points_mm)
            shapes.append(f'<polygon points="{points}" {line}/>')
    svg = _svg(title, shapes, [], box, key, beams_eye=False)
    return Drawing(title=title, largest_mm=worst.apart_mm, svg=svg)


# Paper -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Label:
    x_mm: float
    y_mm: float
    text: str


class _Box:
    """What must be seen, on paper: a rectangle round everything that was added."""

    def __init__(self) -> None:
        self._xs: list[float] = []
        self._ys: list[float] = []

    @property
    def is_empty(self) -> bool:
        return not self._xs

    def add(self, *xy: float) -> None:
        self._xs += xy[0::2]
        self._ys += xy[1::2]

    def holds(self, x_mm: float, y_mm: float) -> bool:
        return min(self._xs) <= x_mm <= max(self._xs) and min(self._ys) <= y_mm <= max(self._ys)

    def across(self, jaw: Device, jaws: list[Device]) -> tuple[float, float]:
        """Return from where to where a jaw is drawn: between the others, and no further than is seen."""
        low, high = (min(self._xs), max(self._xs)) if _is_y(jaw) else (-max(self._ys), -min(self._ys))
        for other in jaws:
            if _is_y(other) is not _is_y(jaw):
                low, high = max(low, min(_edges(other))), min(high, max(_edges(other)))
        return (low, high) if low < high else (high, low)

    def frame(self) -> tuple[float, float, float, float]:
        x_1, x_2, y_1, y_2 = min(self._xs), max(self._xs), min(self._ys), max(self._ys)
        height = y_2 - y_1 + 2 * _MARGIN_MM + 6
        width = max(x_2 - x_1 + 2 * _MARGIN_MM, height * _NARROWEST)
        return ((x_1 + x_2 - width) / 2, y_1 - _MARGIN_MM, width, height)


def _svg(title: str, shapes: list[str], labels: list[_Label], box: _Box, key: str, *, beams_eye: bool) -> str:
    left, top, width, height = box.frame()
    size = max(width, height) / 40
    text = f'font-size="{size:.2f}" font-family="sans-serif" fill="#000"'
    hatch = (
        f'<pattern id="{key}-h" width="2" height="2" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><path d="M0 0V2" stroke="#000" stroke-width="0.5"/></pattern>'
    )
    marks = [f'<text x="{m.x_mm:.2f}" y="{m.y_mm:.2f}" {text}>{escape(m.text)}</text>' for m in labels]
    if beams_eye:
        marks.append(f'<path d="M-4 0H4M0 -4V4" {_NEW}/>')  # the isocentre
    else:
        middle = top + height / 2
        marks.append(f'<text x="{left + size / 2:.2f}" y="{middle:.2f}" {text}>R</text>')
        marks.append(f'<text x="{left + width - 1.5 * size:.2f}" y="{middle:.2f}" {text}>L</text>')
    bottom = top + height - 2 - size / 3
    marks.append(
        f'<path d="M{left + 3:.2f} {bottom:.2f}h10" {_NEW}/>'
        f'<text x="{left + 15:.2f}" y="{bottom + size / 3:.2f}" {text}>10 mm; dashed before, solid now</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}"'
        f' role="img" aria-labelledby="{key}-t" class="drawing"><title id="{key}-t">{escape(title)}</title>'
        f"<defs>{hatch}</defs>{''.join(shapes)}{''.join(marks)}</svg>"
    )
