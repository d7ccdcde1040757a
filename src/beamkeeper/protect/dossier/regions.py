"""Regions out of stacks of contours: cut by planes, filled for volumes.

On each level of a stack a point is inside when an odd number of its contours surround it (PS3.3 C.8.8.6.3):
so holes are holes, and a channel that joins an inner to an outer contour encloses nothing. Between two
levels the outline changes steadily; half a distance beyond the first and last level the region ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.planes import GAP, STRAIGHT, Raster, contour_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import Points, RoiContours
    from beamkeeper.protect.dossier.planes import Plane

SAME_LEVEL_MM: Final = 0.1
FLAT_MM: Final = 0.5
"""By which the points of a contour may leave its plane."""
LEVELS_MAX: Final = 3_000
ALONE_MM: Final = 3.0
"""Thickness of a region that has one level only, where nothing else says how thick a slice is."""
_EDGE_STEP_MM: Final = 0.5
_EDGE_STEPS_MAX: Final = 1200
_OUTSIDE: Final = -1e-3


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Level:
    """The contours of one height, each (point, 2) along the region's `first` and `second`."""

    height_mm: float
    contours: tuple[Points, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Region:
    """One region of interest as a stack of levels.

    Attributes
    ----------
    up, first, second
        Unit vectors: at a right angle to every contour; in them.
    thickness_mm
        The usual distance of neighbouring levels.
    left_out
        Contours that could not be used.
    """

    roi: RoiContours
    up: Points
    first: Points
    second: Points
    levels: tuple[Level, ...]
    thickness_mm: float
    left_out: int

    @cached_property
    def corners(self) -> Points:
        """The corners of all contours, level by level, as `joined` gives them."""
        return np.concatenate([joined(level.contours) for level in self.levels])

    @cached_property
    def level_of_corner(self) -> NDArray[np.intp]:
        """At which of `levels` each of `corners` lies."""
        counts = [sum(len(contour) + 2 for contour in level.contours) for level in self.levels]
        return np.repeat(np.arange(len(counts)), counts)

    @property
    def gaps_mm(self) -> tuple[tuple[float, float], ...]:
        """Heights between which levels are missing."""
        heights = [level.height_mm for level in self.levels]
        return tuple((low, high) for low, high in pairwise(heights) if high - low > self.thickness_mm * GAP)

    @property
    def extents_mm(self) -> tuple[float, float]:
        """From where to where it reaches along `up`."""
        half = self.thickness_mm / 2
        return self.levels[0].height_mm - half, self.levels[-1].height_mm + half


def region_of(
    roi: RoiContours, axes: NDArray[np.float64], *, distance_mm: float | None = None
) -> Region | None:
    """Return a region as a stack; None when no contour of it can be used, or it has senselessly many levels.

    Parameters
    ----------
    axes
        Left, posterior, head of the images it was drawn on, as rows.
    distance_mm
        Of the image slices, the thickness of a region that has one level only.
    """
    normals = [_normal(contour) for contour in roi.contours]
    sizes = [float(np.linalg.norm(normal)) for normal in normals]
    if not sizes or max(sizes) == 0:
        return None
    largest = normals[int(np.argmax(sizes))] / max(sizes)
    first, second, up = _directions(largest, axes)
    kept: list[tuple[float, Points]] = []
    for contour in roi.contours:
        heights = contour @ up
        if float(np.ptp(heights)) <= 2 * FLAT_MM:
            kept.append((float(heights.mean()), np.stack([contour @ first, contour @ second], axis=1)))
    levels = tuple(_levels(kept))
    if not 0 < len(levels) <= LEVELS_MAX:
        return None
    steps = np.diff([level.height_mm for level in levels])
    return Region(
        roi=roi,
        up=up,
        first=first,
        second=second,
        levels=levels,
        thickness_mm=float(np.median(steps)) if len(steps) else distance_mm or ALONE_MM,
        left_out=roi.left_out + len(roi.contours) - len(kept),
    )


def cut(region: Region, plane: Plane) -> tuple[Points, ...] | None:
    """Return the outlines of a region in a plane, each (point, 2) in mm from the plane's centre.

    Nothing where the plane does not meet the region; None where its contours lie in planes that are
    neither parallel nor at a right angle to this one.
    """
    cosine = abs(float(region.up @ plane.normal))
    if cosine >= STRAIGHT:
        return _level_outlines(region, plane)
    if cosine > np.sqrt(1 - STRAIGHT**2):
        return None
    return _crossed_outlines(region, plane)


def crossings(along: Points, across: Points, at: Points) -> tuple[NDArray[np.intp], Points, Points]:
    """Return where lines run inside one closed contour after the other, as (line, from, to).

    Parameters
    ----------
    along, across
        Of the corners of all contours, NaN between two contours; each contour is closed (first again last).
    at
        Growing: where the lines lie, across.
    """
    x_1, y_1, x_2, y_2 = along[:-1], across[:-1], along[1:], across[1:]
    low = np.searchsorted(at, np.fmin(y_1, y_2), side="left")
    high = np.searchsorted(at, np.fmax(y_1, y_2), side="left")
    counts = np.where(np.isnan(x_1) | np.isnan(x_2), 0, high - low)
    edge = np.repeat(np.arange(len(counts)), counts)
    line = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + low[edge]
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (x_2 - x_1) / (y_2 - y_1)
    where = x_1[edge] + (at[line] - y_1[edge]) * slope[edge]
    order = np.lexsort((where, line))
    line, where = line[order], where[order]
    return line[0::2], where[0::2], where[1::2]


def _crossed(
    along: Points, across: Points, group: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Points, Points]:
    """Return where the line across = 0 runs inside the contours of each group, as (group, from, to)."""
    with np.errstate(invalid="ignore"):
        edge = np.flatnonzero((across[:-1] <= 0) != (across[1:] <= 0))
    edge = edge[~(np.isnan(along[edge]) | np.isnan(along[edge + 1]))]
    slope = (along[edge + 1] - along[edge]) / (across[edge + 1] - across[edge])
    where = along[edge] + (0.0 - across[edge]) * slope
    own = group[edge]
    order = np.lexsort((where, own))
    return own[order][0::2], where[order][0::2], where[order][1::2]


def joined(contours: tuple[Points, ...]) -> Points:
    """Return contours as `crossings` takes them: closed, one after the other, NaN between."""
    nothing = np.full((1, 2), np.nan)
    return np.concatenate([part for contour in contours for part in (contour, contour[:1], nothing)])


def _normal(contour: Points) -> Points:
    """Return twice the area of a closed contour, as a vector (Newell)."""
    away = contour - contour[0]
    x, y, z = away.T
    following = np.concatenate([away[1:], away[:1]]).T
    return np.array(
        [
            float(y @ following[2] - z @ following[1]),
            float(z @ following[0] - x @ following[2]),
            float(x @ following[1] - y @ following[0]),
        ]
    )


def _directions(normal: Points, axes: NDArray[np.float64]) -> tuple[Points, Points, Points]:
    """Return first, second and up: those of the images where the contour lies along them."""
    cosines = axes @ normal
    at = int(np.argmax(np.abs(cosines)))
    if abs(float(cosines[at])) >= STRAIGHT:
        first, second = (axes[other] for other in range(3) if other != at)
        return first, second, axes[at]
    up = normal if float(cosines[at]) > 0 else -normal
    first = np.cross(axes[(at + 1) % 3], up)
    first = first / np.linalg.norm(first)
    return first, np.cross(up, first), up


def _levels(kept: list[tuple[float, Points]]) -> Iterator[Level]:
    kept.sort(key=lambda one: one[0])
    together: list[tuple[float, Points]] = []
    for height, contour in [*kept, (np.inf, np.zeros((0, 2)))]:
        if together and height - together[0][0] > SAME_LEVEL_MM:
            yield Level(height_mm=together[0][0], contours=tuple(points for _, points in together))
            together = []
        together.append((height, contour))


def _level_outlines(region: Region, plane: Plane) -> tuple[Points, ...]:
    wanted = float(plane.centre_mm @ region.up)
    level = min(region.levels, key=lambda level: abs(level.height_mm - wanted))
    if abs(level.height_mm - wanted) > region.thickness_mm / 2 + SAME_LEVEL_MM:
        return ()
    origin = np.array([plane.centre_mm @ region.first, plane.centre_mm @ region.second])
    turn = np.array(
        [
            [region.first @ plane.right, region.first @ plane.down],
            [region.second @ plane.right, region.second @ plane.down],
        ]
    )
    return tuple((part - origin) @ turn for contour in level.contours for part in _without_channels(contour))


def _without_channels(contour: Points) -> Iterator[Points]:
    """Yield a contour as closed lines without the stretches it runs along twice, there and back."""
    keys = [tuple(point) for point in np.round(contour, 2)]
    edges = list(zip(keys, [*keys[1:], keys[0]], strict=True))
    there = set(edges)
    twice = [(b, a) in there and a != b for a, b in edges]
    if not any(twice):
        yield np.concatenate([contour, contour[:1]])
        return
    start = twice.index(True)
    run: list[Points] = []
    for at in [*range(start, len(edges)), *range(start + 1)]:
        if not twice[at]:
            run.append(contour[at])
        elif run:
            yield np.array([*run, contour[at]])
            run = []


def _crossed_outlines(region: Region, plane: Plane) -> tuple[Points, ...]:
    """Return outlines in a plane at a right angle to the levels: signed distances on each, joined between."""
    is_down = abs(float(plane.down @ region.up)) >= STRAIGHT
    along, upward = (plane.right, plane.down) if is_down else (plane.down, plane.right)
    sign = 1.0 if float(upward @ region.up) > 0 else -1.0
    turn = np.array([[way @ region.first, way @ region.second] for way in (along, plane.normal)])
    origin = np.array([plane.centre_mm @ along, plane.centre_mm @ plane.normal])
    placed = turn @ region.corners.T
    level, low, high = _crossed(placed[0] - origin[0], placed[1] - origin[1], region.level_of_corner)
    borders = np.searchsorted(level, np.arange(len(region.levels) + 1)).tolist()
    rows = [
        (one.height_mm, low[borders[at] : borders[at + 1]], high[borders[at] : borders[at + 1]])
        for at, one in enumerate(region.levels)
    ]
    met = [row for row in rows if len(row[1])]
    if not met:
        return ()
    least, most = min(float(row[1].min()) for row in met), max(float(row[2].max()) for row in met)
    count = int(np.clip((most - least) / _EDGE_STEP_MM, 8, _EDGE_STEPS_MAX))
    margin = (most - least) / count
    where = np.linspace(least - margin, most + margin, count + 3)
    heights, depths = _stacked(rows, where, region.thickness_mm)
    shown = (heights - float(plane.centre_mm @ region.up)) * sign
    order = np.argsort(shown)
    (lines,) = contour_lines(Raster(right_mm=where, down_mm=shown[order], values=depths[order]), (0.0,))
    return tuple(line if is_down else line[:, ::-1] for line in lines)


def _stacked(
    rows: list[tuple[float, Points, Points]], where: Points, thickness_mm: float
) -> tuple[Points, Points]:
    """Return heights and, at each, how deep inside each place lies (outside: less than zero)."""
    half, nothing = thickness_mm / 2, np.full(len(where), _OUTSIDE)
    heights: list[float] = []
    depths: list[Points] = []
    for at, (height, low, high) in enumerate(rows):
        here = _depth(where, low, high)
        before = rows[at - 1][0] if at else -np.inf
        after = rows[at + 1][0] if at + 1 < len(rows) else np.inf
        if height - before > thickness_mm * GAP:
            heights += [height - half - 1e-3, height - half]
            depths += [nothing, here]
        heights.append(height)
        depths.append(here)
        if after - height > thickness_mm * GAP:
            heights += [height + half, height + half + 1e-3]
            depths += [here, nothing]
    return np.array(heights), np.array(depths)


def _depth(where: Points, low: Points, high: Points) -> Points:
    """Return the distance to the nearest edge, positive inside; a long way outside where nothing is."""
    if not len(low):
        return np.full(len(where), -float(np.ptp(where)))
    edges = np.sort(np.concatenate([low, high]))
    above = np.searchsorted(edges, where)
    to_low = where - edges[np.maximum(above - 1, 0)]
    to_high = edges[np.minimum(above, len(edges) - 1)] - where
    distance = np.minimum(np.abs(to_low), np.abs(to_high))
    return np.asarray(np.where(above % 2 == 1, distance, -distance), dtype=np.float64)
