"""Images, contours, dose grids and dose-volume curves as numbers, each in the patient frame.

Everything is in mm of the frame of reference it names (DICOM PS3.3 C.7.6.2.1.1: x grows to the patient's
left, y to the back, z to the head), whatever way the patient lay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(point, 3) in mm, or (3,) for one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageSlice:
    """One slice with its pixels.

    Attributes
    ----------
    position_mm
        Centre of the first pixel.
    row_direction, column_direction
        Unit vectors: along a row (growing column number), and along a column (growing row number).
    row_spacing_mm, column_spacing_mm
        Between the centres of neighbouring rows, and of neighbouring columns (Pixel Spacing, in its order).
    stored
        (row, column); `stored * slope + intercept` is HU in a CT.
    patient_position
        Patient Position (0018,5100), such as "HFS"; "" when not stated.
    """

    sop_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    modality: str
    patient_position: str
    position_mm: Points
    row_direction: Points
    column_direction: Points
    row_spacing_mm: float
    column_spacing_mm: float
    stored: NDArray[np.generic]
    slope: float
    intercept: float

    @cached_property
    def normal(self) -> Points:
        """Row direction times column direction."""
        return np.cross(self.row_direction, self.column_direction)


@dataclass(frozen=True, eq=False, kw_only=True)
class Lattice:
    """Where the pixels of one slice, or the voxels of a dose grid, lie: nothing of what they say.

    Attributes
    ----------
    position_mm
        Centre of the first pixel of the first frame.
    offsets_mm
        Of each frame along `normal`; one zero for a slice.
    shape
        (frames, rows, columns).
    patient_position
        Patient Position (0018,5100), such as "HFS"; "" when not stated.
    """

    sop_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    position_mm: Points
    row_direction: Points
    column_direction: Points
    row_spacing_mm: float
    column_spacing_mm: float
    offsets_mm: Points
    shape: tuple[int, int, int]
    patient_position: str = ""

    @cached_property
    def normal(self) -> Points:
        """Row direction times column direction."""
        return np.cross(self.row_direction, self.column_direction)

    def holds(self, points_mm: Points) -> NDArray[np.bool_]:
        """Return which points lie on the lattice, half a pixel and half a frame around it included.

        Parameters
        ----------
        points_mm
            (point, 3).
        """
        away = points_mm - self.position_mm
        _, rows, columns = self.shape
        row, column = away @ self.column_direction, away @ self.row_direction
        along = away @ self.normal
        low, high = float(self.offsets_mm.min()), float(self.offsets_mm.max())
        frames = len(self.offsets_mm)
        margin = (high - low) / (frames - 1) / 2 if frames > 1 else SINGLE_FRAME_MM
        inside = (along >= low - margin) & (along <= high + margin)
        for distance, count, spacing in (
            (row, rows, self.row_spacing_mm),
            (column, columns, self.column_spacing_mm),
        ):
            inside &= (distance >= -spacing / 2) & (distance <= (count - 0.5) * spacing)
        return inside


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RoiContours:
    """The closed planar contours of one region.

    Attributes
    ----------
    contours
        Each (point, 3), in mm; the last point is joined to the first.
    colour
        ROI Display Color (3006,002A), red, green, blue, 0 to 255; None when not stated.
    left_out
        Contours that are no closed plane curves or are senseless, and are not among `contours`.
    """

    roi_number: int
    roi_name: str
    interpreted_type: str
    frame_of_reference_uid: str
    contours: tuple[Points, ...]
    colour: tuple[int, int, int] | None = None
    left_out: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class DoseGrid:
    """The dose of an RT Dose on its own grid.

    Attributes
    ----------
    unit
        "Gy", or "%" where Dose Units is RELATIVE.
    position_mm
        Centre of the first voxel of the first frame.
    offsets_mm
        Of each frame along `normal` from `position_mm`, strictly increasing or decreasing.
    stored
        (frame, row, column); times `scaling` is the dose.
    """

    sop_instance_uid: str
    frame_of_reference_uid: str
    unit: str
    dose_type: str
    summation_type: str
    position_mm: Points
    row_direction: Points
    column_direction: Points
    row_spacing_mm: float
    column_spacing_mm: float
    offsets_mm: Points
    stored: NDArray[np.generic]
    scaling: float

    @cached_property
    def normal(self) -> Points:
        """Row direction times column direction."""
        return np.cross(self.row_direction, self.column_direction)

    @cached_property
    def maximum(self) -> float:
        """The largest dose of the grid."""
        return float(self.stored.max()) * self.scaling if self.stored.size else 0.0

    def at(self, points_mm: Points) -> Points:
        """Return the dose at points by trilinear interpolation; NaN outside the grid.

        Parameters
        ----------
        points_mm
            (point, 3).
        """
        index = np.stack([self._index(axis, points_mm @ way) for axis, way in enumerate(self._ways)], axis=1)
        outside = np.isnan(index).any(axis=1)
        index[outside] = 0
        low = np.floor(index).astype(np.intp)
        high = np.minimum(low + 1, np.array(self.stored.shape) - 1)
        part = index - low
        total = np.zeros(len(index))
        for corner in range(8):
            upper = [bool(corner >> axis & 1) for axis in range(3)]
            weight = np.ones(len(index))
            for axis, is_upper in enumerate(upper):
                weight *= part[:, axis] if is_upper else 1 - part[:, axis]
            frame, row, column = ((high if up else low)[:, axis] for axis, up in enumerate(upper))
            total += weight * self.stored[frame, row, column].astype(np.float64)
        total *= self.scaling
        total[outside] = np.nan
        return total

    def on_lattice(
        self, origin_mm: Points, right: Points, right_mm: Points, down: Points, down_mm: Points
    ) -> Points:
        """Return the dose, (down, right), at `origin + right_mm * right + down_mm * down`; NaN outside.

        Parameters
        ----------
        right, down
            Unit vectors at a right angle.
        """
        across = _at_right_angles(right, down)
        wanted = (
            (across, np.zeros(1)),
            (down, np.asarray(down_mm, dtype=np.float64)),
            (right, np.asarray(right_mm, dtype=np.float64)),
        )
        order: list[int] = []
        indices: list[Points] = []
        for way, along_mm in wanted:
            cosines = [float(own @ way) for own in self._ways]
            axis = max(range(3), key=lambda at: abs(cosines[at]))
            cosine = cosines[axis]
            if abs(cosine) < PARALLEL or axis in order:
                points = origin_mm + right_mm[None, :, None] * right + down_mm[:, None, None] * down
                return self.at(points.reshape(-1, 3)).reshape(points.shape[:2])
            order.append(axis)
            indices.append(self._index(axis, float(origin_mm @ self._ways[axis]) + along_mm * cosine))
        return _separable(self.stored.transpose(order), indices) * self.scaling

    @cached_property
    def _ways(self) -> tuple[Points, Points, Points]:
        return self.normal, self.column_direction, self.row_direction

    def _index(self, axis: int, along_mm: Points) -> Points:
        """Return at which frame, row or column, not rounded, a distance along it lies; outside NaN."""
        away = along_mm - float(self.position_mm @ self._ways[axis])
        if axis == 0:
            return _index_among(self.offsets_mm, away)
        found = away / (self.row_spacing_mm, self.column_spacing_mm)[axis - 1]
        found = np.where(np.abs(found - np.round(found)) < ON_GRID, np.round(found), found)
        return np.where((found >= 0) & (found <= self.stored.shape[axis] - 1), found, np.nan)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DoseVolume:
    """One cumulative dose-volume histogram.

    Attributes
    ----------
    dose, volume_percent
        Volume that gets at least that dose; `dose` in `unit`, growing.
    volume_cm3
        Of the whole region; None when the planning system stated percents only.
    minimum, maximum, mean
        In `unit`; None when not stated.
    outside_percent
        Part of the region's volume that lies outside the dose grid and is counted as without dose.
    from_planning_system
        Whether RT Dose brought the curve; otherwise it was computed here.
    """

    roi_number: int
    unit: str
    dose: Points
    volume_percent: Points
    volume_cm3: float | None
    minimum: float | None
    maximum: float | None
    mean: float | None
    outside_percent: float = 0.0
    from_planning_system: bool = False


ON_GRID = 1e-6
"""Part of a voxel by which a point may miss the outermost voxel centres and still lie on the grid."""


PARALLEL = 1 - 1e-9
"""Cosine from which two directions are one."""


def _separable(stored: NDArray[np.generic], indices: list[Points]) -> Points:
    """Return (axis 1, axis 2) at one index of axis 0, interpolated along one axis after the other."""
    outside = [np.isnan(index) for index in indices]
    between = []
    for axis, beyond in enumerate(outside):
        index = np.where(beyond, 0, indices[axis])
        low = np.floor(index).astype(np.intp)
        high = np.minimum(low + 1, stored.shape[axis] - 1)
        first = int(low.min()) if axis else 0  # of the two planes only what is asked for is interpolated
        between.append((low - first, high - first, index - low, slice(first, int(high.max()) + 1)))
    (low, high, part, _), rows, columns = between
    near = (rows[3], columns[3])
    values: Points = stored[low[0]][near] * (1 - part[0]) + stored[high[0]][near] * part[0]
    low, high, part, _ = rows
    values = values[low] * (1 - part)[:, None] + values[high] * part[:, None]
    low, high, part, _ = columns
    values = values[:, low] * (1 - part) + values[:, high] * part
    values[outside[1], :] = np.nan
    values[:, outside[2]] = np.nan
    if outside[0][0]:
        values[:] = np.nan
    return values


def _at_right_angles(a: Points, b: Points) -> Points:
    """Return the cross product of two vectors: numpy's takes ten times as long."""
    (a_x, a_y, a_z), (b_x, b_y, b_z) = a.tolist(), b.tolist()
    return np.array([a_y * b_z - a_z * b_y, a_z * b_x - a_x * b_z, a_x * b_y - a_y * b_x])


def _index_among(offsets_mm: Points, wanted_mm: Points) -> Points:
    """Return at which (not whole) frame a distance along the normal lies; outside, beyond the ends."""
    if len(offsets_mm) == 1:
        away = wanted_mm - offsets_mm[0]
        return np.where(np.abs(away) <= SINGLE_FRAME_MM, 0.0, np.nan)
    numbers = np.arange(len(offsets_mm), dtype=np.float64)
    ordered = offsets_mm if offsets_mm[-1] > offsets_mm[0] else offsets_mm[::-1]
    ranked = numbers if offsets_mm[-1] > offsets_mm[0] else numbers[::-1]
    tolerance = ON_GRID * float(ordered[-1] - ordered[0])
    inside = (wanted_mm >= ordered[0] - tolerance) & (wanted_mm <= ordered[-1] + tolerance)
    return np.where(inside, np.interp(wanted_mm, ordered, ranked), np.nan)


SINGLE_FRAME_MM = 0.5
"""A dose of one frame says something about points no further than this from its plane."""
