"""What leaves and jaws leave open: at one control point, and for which share of the meterset over a beam.

References
----------
DICOM PS3.3 C.8.8.14 (RT Beams): leaves of MLCX and jaws of X move along X, those of MLCY and Y along Y.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import Points
    from beamkeeper.domain.plan import ControlPoint
    from beamkeeper.wire.dicom.shapes import Aperture, Device

CLOSED_MM: Final = 0.5
"""A leaf pair open no further than this counts as shut."""
FAR_MM: Final = 200.0
"""How far a field reaches where nothing limits it."""


def is_along_y(device: Device) -> bool:
    """Whether leaves or jaws move along Y."""
    return device.device_type.rstrip("12").endswith("Y")


def field_mm(aperture: Aperture) -> tuple[float, float, float, float]:
    """Return x 1, y 1, x 2, y 2 of what the jaws leave open; where one is missing, what the leaves reach."""
    reach = {"X": (-FAR_MM, FAR_MM), "Y": (-FAR_MM, FAR_MM)}
    jaws = {
        device.device_type[-1:] for device in aperture.devices if not device.device_type.startswith("MLC")
    }
    for device in sorted(aperture.devices, key=lambda device: not device.is_mlc):
        own = device.device_type[-1:]
        if device.is_mlc:
            if jaws >= {"X", "Y"}:
                continue
            own, other = ("Y", "X") if is_along_y(device) else ("X", "Y")
            first, second = np.array(device.side_1_mm), np.array(device.side_2_mm)
            pairs = np.flatnonzero(second - first > CLOSED_MM)
            if len(pairs):
                reach[own] = float(first[pairs].min()), float(second[pairs].max())
                borders = np.array(device.boundaries_mm)
                reach[other] = float(borders[pairs].min()), float(borders[pairs + 1].max())
        elif own in reach and not device.device_type.startswith("MLC"):
            reach[own] = device.side_1_mm[0], device.side_2_mm[0]
    return reach["X"][0], reach["Y"][0], reach["X"][1], reach["Y"][1]


def open_area_mm2(aperture: Aperture) -> float:
    """Return what leaves and jaws leave open together."""
    x_1, y_1, x_2, y_2 = field_mm(aperture)
    layers = [device for device in aperture.devices if device.is_mlc]
    if not layers:
        return max(x_2 - x_1, 0.0) * max(y_2 - y_1, 0.0)
    areas = []
    for device in layers:
        low, high, side_low, side_high = (y_1, y_2, x_1, x_2) if is_along_y(device) else (x_1, x_2, y_1, y_2)
        areas.append(
            sum(
                max(min(b, high) - max(a, low), 0.0) * max(min(d, side_high) - max(c, side_low), 0.0)
                for a, b, c, d in _open_pairs(device)
            )
        )
    return min(areas)


def shut_corners(device: Device) -> Iterator[list[tuple[float, float]]]:
    """Yield the corners of the leaves that stand in the field; nothing for jaws."""
    if not device.is_mlc:
        return
    for (a, b), (c, d) in zip(
        zip(device.side_1_mm, device.side_2_mm, strict=True), pairwise(device.boundaries_mm), strict=True
    ):
        for tip, far in ((a, min(a, -FAR_MM)), (b, max(b, FAR_MM))):
            corners = [(far, c), (tip, c), (tip, d), (far, d), (far, c)]
            yield [(y, x) for x, y in corners] if is_along_y(device) else corners


def is_moving(apertures: Sequence[Aperture]) -> bool:
    """Whether leaves or jaws stand otherwise at some control point than at the first."""
    return any(aperture.devices != apertures[0].devices for aperture in apertures[1:])


def shares(points: Sequence[ControlPoint]) -> Points:
    """Return for each control point the share of the meterset that is given around it; together 1."""
    stated = [point.cumulative_meterset_weight for point in points]
    given = np.array([0.0 if weight is None else weight for weight in stated])
    if len(given) < 2 or None in stated or not given[-1] > given[0] or (np.diff(given) < 0).any():  # noqa: PLR2004
        return np.full(len(given), 1.0 / max(len(given), 1))
    halves: Points = np.diff(given) / (given[-1] - given[0]) / 2
    nothing = np.zeros(1)
    both: Points = np.concatenate([halves, nothing]) + np.concatenate([nothing, halves])
    return both


def share_open(apertures: Sequence[Aperture], weights: Points, x_mm: Points, y_mm: Points) -> Points:
    """Return for which share of the meterset each point of a lattice is open, 0 to 1, (y, x).

    Parameters
    ----------
    x_mm, y_mm
        Where its columns and rows lie, in collimator coordinates.
    """
    found = np.zeros((len(y_mm), len(x_mm)))
    pairs: dict[tuple[bool, tuple[float, ...]], NDArray[np.intp]] = {}
    for aperture, weight in zip(apertures, weights.tolist(), strict=True):
        if weight <= 0:
            continue
        is_open: NDArray[np.bool_] | None = None
        for device in aperture.devices:
            along, across = (y_mm, x_mm) if is_along_y(device) else (x_mm, y_mm)
            if device.is_mlc:
                key = is_along_y(device), device.boundaries_mm
                if key not in pairs:
                    pairs[key] = np.searchsorted(device.boundaries_mm, across)
                # Beyond the outermost leaves nothing passes: a pair on either side that is shut.
                first = np.array([np.inf, *device.side_1_mm, np.inf])[pairs[key], None]
                second = np.array([-np.inf, *device.side_2_mm, -np.inf])[pairs[key], None]
            elif device.device_type.startswith("MLC"):  # its leaves' boundaries are not stated
                continue
            else:
                first, second = np.array([[device.side_1_mm[0]]]), np.array([[device.side_2_mm[0]]])
            inside = (along > first) & (along < second)
            inside = inside.T if is_along_y(device) else inside
            is_open = inside if is_open is None else is_open & inside
        found += weight if is_open is None else weight * is_open
    return found


def _open_pairs(device: Device) -> list[tuple[float, float, float, float]]:
    """Return (from, to, along the leaves; from, to, across them) of each pair that is open."""
    return [
        (a, b, c, d)
        for a, b, (c, d) in zip(
            device.side_1_mm, device.side_2_mm, pairwise(device.boundaries_mm), strict=True
        )
        if b - a > CLOSED_MM
    ]
