"""Which technique a beam is, in a physicist's words, from what its control points do."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from beamkeeper.domain.plan import DeliveryType, RadiationType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.domain.plan import ControlPoint

GANTRY_STEP_DEG = 0.05
"""Rotation below this is rounding."""
LEAF_STEP_MM = 0.05
WEIGHT_STEP = 1e-9
CONSTANT_RATE_SPREAD = 0.05
"""Largest relative spread of meterset per degree that still counts as an arc at constant rate."""

_SCAN_MODES = {
    "MODULATED": "spot scanning",
    "MODULATED_SPEC": "spot scanning",
    "UNIFORM": "uniform scanning",
    "NONE": "passive scattering",
}


def photon_technique(points: Sequence[ControlPoint], *, delivery_type: DeliveryType) -> str:
    """Return "VMAT", "DCAT", "arc", "IMRT step-and-shoot", "IMRT sliding window", "3D" or "setup"."""
    if delivery_type in {DeliveryType.SETUP, DeliveryType.OPEN_PORTFILM}:
        return "setup"
    turns = leaves_move = leaves_move_with_beam_on = False
    for before, after in pairwise(points):
        beam_on = _delivered(before, after) > WEIGHT_STEP
        moved = _leaves_moved(before, after)
        turns = turns or (beam_on and _turned_deg(before, after) > GANTRY_STEP_DEG)
        leaves_move = leaves_move or moved
        leaves_move_with_beam_on = leaves_move_with_beam_on or (moved and beam_on)
    if turns:
        if not leaves_move:
            return "arc"
        return "DCAT" if _constant_rate(points) else "VMAT"
    if leaves_move:
        return "IMRT sliding window" if leaves_move_with_beam_on else "IMRT step-and-shoot"
    return "3D"


def ion_technique(radiation_type: RadiationType, scan_mode: str) -> str:
    """Return "proton spot scanning" and the like."""
    particle = {RadiationType.PROTON: "proton", RadiationType.ION: "ion"}.get(radiation_type, "particle")
    return f"{particle} {_SCAN_MODES.get(scan_mode, '')}".strip()


def brachy_technique(treatment_type: str) -> str:
    """Return "brachy HDR" and the like from Brachy Treatment Type (300A,0202)."""
    return f"brachy {treatment_type}".strip()


def _delivered(before: ControlPoint, after: ControlPoint) -> float:
    first, second = before.cumulative_meterset_weight, after.cumulative_meterset_weight
    return 0.0 if first is None or second is None else second - first


def _turned_deg(before: ControlPoint, after: ControlPoint) -> float:
    if before.gantry_angle_deg is None or after.gantry_angle_deg is None:
        return 0.0
    turned = abs(after.gantry_angle_deg - before.gantry_angle_deg) % 360
    return min(turned, 360 - turned)


def _leaves_moved(before: ControlPoint, after: ControlPoint) -> bool:
    first, second = before.leaf_positions_mm, after.leaf_positions_mm
    if first is second or len(first) != len(second):
        return False
    return any(abs(b - a) > LEAF_STEP_MM for a, b in zip(first, second, strict=True))


def _constant_rate(points: Sequence[ControlPoint]) -> bool:
    """Whether every degree gets the same meterset: a conformal arc rather than a modulated one."""
    rates = [
        _delivered(before, after) / _turned_deg(before, after)
        for before, after in pairwise(points)
        if _turned_deg(before, after) > GANTRY_STEP_DEG
    ]
    return bool(rates) and max(rates) - min(rates) <= CONSTANT_RATE_SPREAD * max(rates)
