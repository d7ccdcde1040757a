"""How a target looks from the gantry, and the jaws and leaves that follow it.

Angles are IEC 61217. Seen from gantry angle g the lateral axis of the beam points along
(cos g, sin g) of the patient's (x, y), the other axis along z; a target is an ellipsoid, so its
outline is an ellipse and the leaves can be computed instead of searched for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.rehearse.sim.anatomy import Organ

LEAF_BOUNDARIES_MM = np.concatenate(
    [np.arange(-200, -100, 10), np.arange(-100, 100, 5), np.arange(100, 201, 10)]
).astype(float)
"""Edges of the 60 leaf pairs, mm at the isocentre."""

LEAF_PAIR_COUNT = len(LEAF_BOUNDARIES_MM) - 1
_MARGIN_MM = 6.0
_PARKED_MM = 0.25
"""Half of the gap that closed leaf pairs keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A target in the beam's eye view with its margin: an ellipse around the isocentre.

    Attributes
    ----------
    half_width_mm, half_length_mm
        Semi-axes across and along the patient.
    """

    half_width_mm: float
    half_length_mm: float

    def span(self, y_mm: float, collimator_angle_deg: float) -> tuple[float, float] | None:
        """Return where the outline begins and ends on the turned collimator's line `y_mm`; None outside."""
        turn = math.radians(collimator_angle_deg)
        c, s = math.cos(turn), math.sin(turn)
        w2, l2 = self.half_width_mm**-2, self.half_length_mm**-2
        a = c * c * w2 + s * s * l2
        b = 2 * y_mm * s * c * (l2 - w2)
        d = b * b - 4 * a * (y_mm * y_mm * (s * s * w2 + c * c * l2) - 1)
        if d <= 0:
            return None
        root = math.sqrt(d)
        return (-b - root) / (2 * a), (-b + root) / (2 * a)

    def jaws_mm(self) -> tuple[float, float]:
        """Return half openings (x, y) of jaws that hold the outline at any collimator angle."""
        largest = math.ceil(max(self.half_width_mm, self.half_length_mm) + 4)
        return float(largest), float(largest)


def outline(target: Organ, gantry_angle_deg: float) -> Outline:
    """Return the outline of the target, margin included, seen from that gantry angle."""
    a, b, c = target.semi_axes_mm
    turn = math.radians(gantry_angle_deg)
    width = math.hypot(a * math.cos(turn), b * math.sin(turn))
    return Outline(half_width_mm=width + _MARGIN_MM, half_length_mm=c + _MARGIN_MM)


def leaves(
    seen: Outline, collimator_angle_deg: float, covered: tuple[float, float] = (0.0, 1.0)
) -> NDArray[np.float64]:
    """Return leaf positions, mm, first bank then second bank.

    Parameters
    ----------
    covered
        The part of each span that is open, from 0 (left edge) to 1 (right edge): a modulated field
        opens less than the whole.
    """
    first = np.full(LEAF_PAIR_COUNT, -_PARKED_MM)
    second = np.full(LEAF_PAIR_COUNT, _PARKED_MM)
    middles = (LEAF_BOUNDARIES_MM[1:] + LEAF_BOUNDARIES_MM[:-1]) / 2
    for pair in range(LEAF_PAIR_COUNT):
        span = seen.span(float(middles[pair]), collimator_angle_deg)
        if span is not None:
            left, width = span[0], span[1] - span[0]
            first[pair] = round(left + covered[0] * width, 1)
            second[pair] = round(left + covered[1] * width, 1)
    return np.concatenate([first, second])
