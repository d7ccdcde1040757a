"""Regions filled with dose: the dose-volume histogram where the planning system brought none.

For orientation: each contour is taken to be as thick as the usual distance of its neighbours, is covered by
small cells, each with the part of it that lies inside, and the dose at a cell's centre is interpolated
between the voxels of the dose grid. Planning systems differ in each of these steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.domain.imaging import DoseVolume
from beamkeeper.protect.dossier.planes import GAP
from beamkeeper.protect.dossier.regions import crossings, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.domain.imaging import DoseGrid, Points
    from beamkeeper.protect.dossier.regions import Level, Region

CELLS: Final = 40_000
"""About so many cells cover a region."""
CELL_MM_MIN: Final = 0.2
CELL_MM_MAX: Final = 2.5
LAYER_MM: Final = 1.6
"""A contour thicker than that is filled in several layers."""
LAYERS_MAX: Final = 12
CELLS_ACROSS_MAX: Final = 600
BINS: Final = 1_000
OUTSIDE_MAX: Final = 1e-3
"""Where more than that part of a region lies outside the dose grid, its smallest dose is not known."""
_HALF: Final = 0.5


class _Sums:
    """What is gathered of a region, layer by layer."""

    def __init__(self, maximum: float) -> None:
        self.bins = np.zeros(BINS + 1)
        self.width = maximum / BINS or 1.0
        self.volume = self.outside = self.dose_volume = 0.0
        self.least, self.most = np.inf, -np.inf

    def add(self, dose: Points, volume: Points) -> None:
        """Take one layer: the dose and the volume inside of each cell."""
        beyond = np.isnan(dose)
        self.outside += float(volume[beyond].sum())
        dose = np.where(beyond, 0.0, dose)
        self.volume += float(volume.sum())
        self.dose_volume += float((dose * volume).sum())
        index = np.minimum((dose / self.width).astype(np.intp), BINS)
        self.bins += np.bincount(index.ravel(), volume.ravel(), BINS + 1)
        inside = dose[volume > volume.max() * _HALF] if volume.size else dose
        if inside.size:
            self.least, self.most = min(self.least, float(inside.min())), max(self.most, float(inside.max()))


def dose_volume(region: Region, dose: DoseGrid) -> DoseVolume | None:
    """Return the dose-volume histogram of a region; None when it has no volume."""
    return dose_volumes(region, (dose,))[0]


def dose_volumes(region: Region, doses: Sequence[DoseGrid]) -> tuple[DoseVolume | None, ...]:
    """Return the dose-volume histogram of a region in each of some doses; the region is filled once."""
    sums = [_Sums(dose.maximum) for dose in doses]
    for level, thickness, along, across, covered in _layers(region):
        count = min(max(1, round(thickness / LAYER_MM)), LAYERS_MAX)
        volume = covered * (thickness / count / 1000)
        for layer in range(count):
            origin = (level.height_mm + thickness * ((layer + _HALF) / count - _HALF)) * region.up
            for dose, into in zip(doses, sums, strict=True):
                into.add(dose.on_lattice(origin, region.first, along, region.second, across), volume)
    return tuple(_histogram(region, *pair) for pair in zip(doses, sums, strict=True))


def _histogram(region: Region, dose: DoseGrid, sums: _Sums) -> DoseVolume | None:
    if sums.volume <= 0:
        return None
    above = np.concatenate([np.cumsum(sums.bins[::-1])[::-1], [0.0]])
    return DoseVolume(
        roi_number=region.roi.roi_number,
        unit=dose.unit,
        dose=np.arange(BINS + 2, dtype=np.float64) * sums.width,
        volume_percent=above / sums.volume * 100,
        volume_cm3=sums.volume,
        minimum=None if sums.outside > OUTSIDE_MAX * sums.volume else sums.least,
        maximum=sums.most,
        mean=sums.dose_volume / sums.volume,
        outside_percent=sums.outside / sums.volume * 100,
    )


def inner_points(region: Region, step_mm: float) -> Points:
    """Return points that fill a region, (point, 3), mm, no further apart than about `step_mm`."""
    found = []
    for level, thickness, along, across, covered in _layers(region, step_mm):
        row, column = np.nonzero(covered > 0)
        flat = along[column, None] * region.first + across[row, None] * region.second
        count = min(max(1, int(np.ceil(thickness / step_mm))), LAYERS_MAX)
        for layer in range(count):
            height = level.height_mm + thickness * ((layer + _HALF) / count - _HALF)
            found.append(flat + height * region.up)
    return np.concatenate(found) if found else np.zeros((0, 3))


_Layer = tuple["Level", float, "Points", "Points", "Points"]
"""Level, its thickness, the cells' centres along first and second, mm² inside each cell."""


def _layers(region: Region, step_mm: float | None = None) -> Iterator[_Layer]:
    corners = [joined(level.contours) for level in region.levels]
    boxes = [(np.nanmin(c, axis=0), np.nanmax(c, axis=0)) for c in corners]
    area = sum(float(np.prod(high - low)) for low, high in boxes)
    step = step_mm or float(np.clip(np.sqrt(area / CELLS), CELL_MM_MIN, CELL_MM_MAX))
    for at, level in enumerate(region.levels):
        low, high = boxes[at]
        counts = np.clip(np.ceil((high - low) / step), 1, CELLS_ACROSS_MAX).astype(int)
        steps = np.maximum((high - low) / counts, 1e-6)
        along, across = (low[axis] + steps[axis] * (np.arange(counts[axis]) + _HALF) for axis in (0, 1))
        covered = _covered(corners[at], along, across, steps[0]) * steps[1]
        yield level, _thickness(region, at), along, across, covered


def _covered(corners: Points, along: Points, across: Points, step: float) -> Points:
    """Return how much of each cell's middle line lies inside, mm, (across, along)."""
    line, low, high = crossings(corners[:, 0], corners[:, 1], across)
    shape = len(across), len(along) + 2
    place = (np.concatenate([low, high]) - (along[0] - step / 2)) / step
    sign = np.repeat([1.0, -1.0], len(low))
    cell = np.clip(np.floor(place), 0, len(along) - 1).astype(np.intp)
    index = np.concatenate([line, line]) * shape[1] + cell
    size = shape[0] * shape[1]
    part = np.bincount(index, sign * (cell + 1 - place) * step, size).reshape(shape)
    whole = np.bincount(index + 1, sign * step, size).reshape(shape)
    return np.clip((np.cumsum(whole, axis=1) + part)[:, : len(along)], 0.0, step)


def _thickness(region: Region, at: int) -> float:
    """Return from half way to the level below to half way to the one above; next to a gap the usual half."""
    heights, usual = region.levels, region.thickness_mm
    halves = []
    for other in (at - 1, at + 1):
        away = abs(heights[other].height_mm - heights[at].height_mm) if 0 <= other < len(heights) else usual
        halves.append((away if away <= usual * GAP else usual) / 2)
    return sum(halves)
