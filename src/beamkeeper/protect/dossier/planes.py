"""The planes a picture shows, and what of images and doses lies in them.

A plane is a point and two directions on the paper, all in the patient frame, mm; so it does not matter
whether the patient lay head or feet first, on the back, the face or a side. Images that were taken
obliquely keep their own planes: nothing is turned to look straight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import contourpy
import numpy as np
from contourpy import LineType

from beamkeeper.protect.dossier.picture import PictureKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import DoseGrid, ImageSlice, Points

STRAIGHT: Final = 0.9998
"""Cosine of one degree: directions closer than that are called the same."""
OBLIQUE_LETTER: Final = 0.2588
"""Sine of 15 degrees: from there a second letter tells that a direction leans."""
GAP: Final = 1.75
"""Slices further apart than this many usual distances have others missing between them."""
SAME_PLANE_MM: Final = 0.01
_AXES: Final = (("L", "R"), ("P", "A"), ("H", "F"))


@dataclass(frozen=True, eq=False, kw_only=True)
class Plane:
    """Where a picture lies in the patient.

    Attributes
    ----------
    centre_mm
        The point at (0, 0) of the picture.
    right, down
        Unit vectors at a right angle: where the paper's right and lower edge are.
    """

    kind: PictureKind
    centre_mm: Points
    right: Points
    down: Points

    @cached_property
    def normal(self) -> Points:
        """Right times down."""
        return np.cross(self.right, self.down)

    @cached_property
    def letters(self) -> tuple[str, str, str, str]:
        """What is at the left, right, upper and lower edge: L, R, A, P, H, F, two where it leans."""
        return tuple(_letters(v) for v in (-self.right, self.right, -self.down, self.down))  # type: ignore[return-value]

    @property
    def is_straight(self) -> bool:
        """Whether it lies straight in the patient."""
        return bool(np.abs(self.normal).max() >= STRAIGHT)

    def placed(self, points_mm: Points) -> Points:
        """Return (right, down) in mm of points, projected."""
        away = points_mm - self.centre_mm
        return np.stack([away @ self.right, away @ self.down], axis=-1)

    def moved_to(self, point_mm: Points) -> Plane:
        """Return the parallel plane through a point; its (0, 0) stays as near as can be."""
        along = float((point_mm - self.centre_mm) @ self.normal)
        return Plane(
            kind=self.kind, centre_mm=self.centre_mm + along * self.normal, right=self.right, down=self.down
        )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Raster:
    """Values on a lattice in a plane, NaN where there is nothing.

    Attributes
    ----------
    right_mm, down_mm
        Of the centres of its columns and rows, growing.
    values
        (down, right).
    """

    right_mm: Points
    down_mm: Points
    values: Points


def patient_axes() -> NDArray[np.float64]:
    """Return left, posterior, head as rows."""
    return np.eye(3)


def axes_of(image: ImageSlice) -> NDArray[np.float64]:
    """Return the image's own directions as rows, those nearest to left, posterior and head in this order."""
    own = [image.row_direction, image.column_direction, image.normal]
    order = max(
        ((a, b, c) for a in range(3) for b in range(3) for c in range(3) if {a, b, c} == {0, 1, 2}),
        key=lambda order: sum(abs(float(own[at][axis])) for axis, at in enumerate(order)),
    )
    return np.array([own[at] * (1 if own[at][axis] >= 0 else -1) for axis, at in enumerate(order)])


def plane_through(point_mm: Points, kind: PictureKind, axes: NDArray[np.float64]) -> Plane:
    """Return the axial, coronal or sagittal plane through a point, seen from feet, front or left."""
    left, posterior, head = axes
    right, down = {
        PictureKind.AXIAL: (left, posterior),
        PictureKind.CORONAL: (left, -head),
        PictureKind.SAGITTAL: (posterior, -head),
    }[kind]
    return Plane(kind=kind, centre_mm=np.asarray(point_mm, dtype=np.float64), right=right, down=down)


def contour_lines(raster: Raster, levels: tuple[float, ...]) -> tuple[tuple[Points, ...], ...]:
    """Return for each level the lines along which the values have it, each (point, 2)."""
    if np.isnan(raster.values).all() or min(raster.values.shape) < 2:  # noqa: PLR2004 - a line has no inside
        return tuple(() for _ in levels)
    generator = contourpy.contour_generator(
        raster.right_mm, raster.down_mm, np.ma.masked_invalid(raster.values), line_type=LineType.Separate
    )
    return tuple(
        tuple(np.asarray(run, dtype=np.float64) for run in generator.lines(level)) for level in levels
    )


def dose_in(plane: Plane, dose: DoseGrid, right_mm: Points, down_mm: Points) -> Raster:
    """Return the dose at the points of a lattice in the plane, by trilinear interpolation."""
    values = dose.on_lattice(plane.centre_mm, plane.right, right_mm, plane.down, down_mm)
    return Raster(right_mm=right_mm, down_mm=down_mm, values=values)


@dataclass(slots=True)
class _Line:
    """What one slice gives to a plane that crosses it."""

    height_mm: float
    along_mm: Points
    values: Points


@dataclass(eq=False, kw_only=True)
class CutImages:
    """One stack of slices, cut by planes while its slices pass one by one.

    Of a slice parallel to a plane only the nearest is held, of one that crosses it a line of pixels.

    Attributes
    ----------
    planes
        To be cut, in directions of the stack (`axes_of`).
    heights_mm
        Of every slice that passed, along `up`.
    """

    planes: tuple[Plane, ...]
    up: Points
    heights_mm: list[float] = field(default_factory=list)
    _nearest: dict[int, tuple[float, ImageSlice]] = field(default_factory=dict)
    _lines: dict[int, list[_Line]] = field(default_factory=dict)

    def add(self, image: ImageSlice) -> None:
        """Let one slice pass."""
        height = float(image.position_mm @ self.up)
        self.heights_mm.append(height)
        for index, plane in enumerate(self.planes):
            if abs(float(plane.normal @ self.up)) >= STRAIGHT:
                away = abs(height - float(plane.centre_mm @ self.up))
                held = self._nearest.get(index)
                if held is None or (away, height) < (held[0], float(held[1].position_mm @ self.up)):
                    self._nearest[index] = (away, image)
            elif (line := _line_of(image, plane, height)) is not None:
                self._lines.setdefault(index, []).append(line)

    def nearest(self, index: int) -> ImageSlice | None:
        """Return the slice nearest to a parallel plane; None when the plane crosses the slices."""
        held = self._nearest.get(index)
        return None if held is None else held[1]

    @property
    def usual_distance_mm(self) -> float | None:
        """The median distance of neighbouring slices; None of fewer than two."""
        steps = _steps(self.heights_mm)
        return float(np.median(steps)) if len(steps) else None

    @property
    def gaps_mm(self) -> tuple[tuple[float, float], ...]:
        """Heights between which slices are missing."""
        heights = _different(self.heights_mm)
        usual = self.usual_distance_mm
        if usual is None:
            return ()
        return tuple((float(a), float(b)) for a, b in pairwise(heights) if b - a > usual * GAP)

    def raster(self, index: int, step_mm: float) -> Raster | None:
        """Return what the images show in a plane; None when they show nothing there."""
        plane = self.planes[index]
        image = self.nearest(index)
        if image is not None:
            return _whole_slice(image, plane)
        lines = self._lines.get(index, [])
        found = _from_lines(plane, lines, self.up, step_mm, self.usual_distance_mm) if lines else None
        return None if found is None or min(found.values.shape) == 1 else found


def _line_of(image: ImageSlice, plane: Plane, height: float) -> _Line | None:
    """Return the pixels of a slice that lie in a plane at a right angle to it, along rows or columns."""
    if abs(float(plane.normal @ image.column_direction)) >= STRAIGHT:
        stored, across, along = image.stored, image.column_direction, image.row_direction
        across_mm, along_mm = image.row_spacing_mm, image.column_spacing_mm
    else:
        stored, across, along = image.stored.T, image.row_direction, image.column_direction
        across_mm, along_mm = image.column_spacing_mm, image.row_spacing_mm
    at = float((plane.centre_mm - image.position_mm) @ across) / across_mm
    if not 0 <= at <= len(stored) - 1:
        return None
    low = min(int(at), len(stored) - 2) if len(stored) > 1 else 0
    part = at - low
    values = stored[low].astype(np.float64) * (1 - part)
    if part:
        values += stored[low + 1].astype(np.float64) * part
    direction = plane.right if abs(float(plane.right @ along)) >= STRAIGHT else plane.down
    start = float((image.position_mm - plane.centre_mm) @ direction)
    step = along_mm * (1 if float(along @ direction) > 0 else -1)
    where = start + step * np.arange(len(values), dtype=np.float64)
    values = values * image.slope + image.intercept
    return _Line(height, where, values) if step > 0 else _Line(height, where[::-1], values[::-1])


def _from_lines(
    plane: Plane, lines: list[_Line], up: Points, step_mm: float, usual_mm: float | None
) -> Raster:
    """Return the picture between the lines, by linear interpolation; nothing where slices are missing."""
    lines = sorted(lines, key=lambda line: line.height_mm)
    lines = [
        a
        for a, b in zip(lines, [*lines[1:], None], strict=True)
        if b is None or a.height_mm < b.height_mm - SAME_PLANE_MM
    ]
    along = lines[0].along_mm
    rows = np.array([_on(along, line) for line in lines])
    is_down = abs(float(plane.down @ up)) >= STRAIGHT
    direction = plane.down if is_down else plane.right
    sign = 1.0 if float(direction @ up) > 0 else -1.0
    heights = np.array([line.height_mm for line in lines])
    half = (usual_mm or step_mm) / 2
    wanted = np.arange(heights[0] - half + step_mm / 2, heights[-1] + half, step_mm)
    values = np.array([_between(heights, rows, height, usual_mm) for height in wanted])
    where = (wanted - float(plane.centre_mm @ up)) * sign
    if sign < 0:
        where, values = where[::-1], values[::-1]
    if is_down:
        return Raster(right_mm=along, down_mm=where, values=values)
    return Raster(right_mm=where, down_mm=along, values=values.T)


def _on(along: Points, line: _Line) -> Points:
    if len(line.along_mm) == len(along) and np.allclose(line.along_mm, along, atol=SAME_PLANE_MM):
        return line.values
    return np.interp(along, line.along_mm, line.values, left=np.nan, right=np.nan)


def _between(heights: Points, rows: Points, wanted: float, usual_mm: float | None) -> Points:
    above = int(np.searchsorted(heights, wanted))
    if above in {0, len(heights)}:
        return rows[min(above, len(heights) - 1)]  # type: ignore[no-any-return]
    low, high = heights[above - 1], heights[above]
    part = (wanted - low) / (high - low)
    if usual_mm is None or high - low <= usual_mm * GAP:
        return rows[above - 1] * (1 - part) + rows[above] * part  # type: ignore[no-any-return]
    if wanted - low <= usual_mm / 2:
        return rows[above - 1]  # type: ignore[no-any-return]
    return rows[above] if high - wanted <= usual_mm / 2 else np.full(rows.shape[1], np.nan)


def _whole_slice(image: ImageSlice, plane: Plane) -> Raster:
    """Return a slice as it lies in a parallel plane."""
    values = image.stored
    first = image.position_mm - plane.centre_mm
    if abs(float(plane.right @ image.row_direction)) >= STRAIGHT:
        along, down = image.row_direction, image.column_direction
        steps = image.column_spacing_mm, image.row_spacing_mm
    else:
        values = values.T
        along, down = image.column_direction, image.row_direction
        steps = image.row_spacing_mm, image.column_spacing_mm
    axes = []
    for axis, (direction, on_paper, step) in enumerate(
        ((down, plane.down, steps[1]), (along, plane.right, steps[0]))
    ):
        sign = 1.0 if float(direction @ on_paper) > 0 else -1.0
        where = float(first @ on_paper) + sign * step * np.arange(values.shape[axis], dtype=np.float64)
        axes.append(where if sign > 0 else where[::-1])
        if sign < 0:
            values = np.flip(values, axis)
    return Raster(
        right_mm=axes[1], down_mm=axes[0], values=values.astype(np.float64) * image.slope + image.intercept
    )


def _different(heights_mm: list[float]) -> Points:
    ordered = np.sort(np.array(heights_mm))
    return ordered[np.concatenate([[True], np.diff(ordered) > SAME_PLANE_MM])] if len(ordered) else ordered


def _steps(heights_mm: list[float]) -> Points:
    return np.diff(_different(heights_mm))


def _letters(direction: Points) -> str:
    parts = sorted(((abs(float(v)), axis) for axis, v in enumerate(direction)), key=lambda part: -part[0])
    return "".join(
        _AXES[axis][0 if direction[axis] > 0 else 1]
        for at, (size, axis) in enumerate(parts)
        if at == 0 or size > OBLIQUE_LETTER
    )
