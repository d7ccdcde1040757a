"""The patient as the source of a beam sees them.

References
----------
IEC 61217:2011 (coordinate systems, rotations), DICOM PS3.3 C.8.8.12 (Patient Position), C.8.8.14.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.protect.dossier.planes import Raster, contour_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.domain.imaging import Points
    from beamkeeper.domain.plan import ControlPoint

SOURCE_AXIS_MM: Final = 1000.0
"""Distance from source to isocentre by which the target is enlarged and shrunk."""
BIN_MM: Final = 2.0
"""To which the target's outline is drawn."""
_BINS_MAX: Final = 400
"""80 cm: no target is that large."""
_ON_TABLE: Final[dict[str, tuple[str, str, str]]] = {
    "HFS": ("+x", "+z", "-y"),
    "HFP": ("-x", "+z", "+y"),
    "HFDR": ("+y", "+z", "+x"),
    "HFDL": ("-y", "+z", "-x"),
    "FFS": ("-x", "-z", "-y"),
    "FFP": ("+x", "-z", "+y"),
    "FFDR": ("-y", "-z", "+x"),
    "FFDL": ("+y", "-z", "-x"),
}
"""The patient's axes that point along the table's X, Y (to the gantry) and Z (up), for each position."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetSeen:
    """The target as points in the patient.

    Attributes
    ----------
    points_mm
        That fill it, no further apart than 2 mm.
    patient_position
        "HFS" and so on; when none of the eight, the target is not drawn.
    """

    name: str
    points_mm: Points
    patient_position: str

    def outline(self, point: ControlPoint) -> tuple[Points, ...]:
        """Return the outline of the target's shadow at the isocentre plane; () where it cannot be told."""
        placed = gantry_view(self.points_mm, point, self.patient_position)
        if placed is None or not len(placed):
            return ()
        low = np.floor(placed.min(axis=0) / BIN_MM - 3) * BIN_MM
        counts = (np.ceil((placed.max(axis=0) - low) / BIN_MM) + 3).astype(int)
        if (counts > _BINS_MAX).any():
            return ()
        index = ((placed - low) / BIN_MM).astype(np.intp)
        hit = np.zeros(counts)
        hit[index[:, 0], index[:, 1]] = 1.0
        smooth = np.mean([np.roll(hit, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)], axis=0)
        axes = [low[axis] + BIN_MM * (np.arange(counts[axis]) + 0.5) for axis in (0, 1)]
        return contour_lines(Raster(right_mm=axes[0], down_mm=axes[1], values=smooth.T), (0.5,))[0]


def gantry_view(points_mm: Points, point: ControlPoint, patient_position: str) -> Points | None:
    """Return points of the patient as the source sees them at the isocentre plane: X and Y of the gantry, mm.

    None when the patient's position is none of the eight or the control point has no isocentre.
    """
    axes = _ON_TABLE.get(patient_position)
    if axes is None or point.isocenter_mm is None:
        return None
    rows = np.zeros((3, 3))
    for row, axis in enumerate(axes):
        rows[row, "xyz".index(axis[1])] = 1.0 if axis[0] == "+" else -1.0
    table = (points_mm - np.array(point.isocenter_mm)) @ rows.T
    couch, gantry = (math.radians(angle or 0.0) for angle in (point.couch_angle_deg, point.gantry_angle_deg))
    x = table[:, 0] * math.cos(couch) - table[:, 1] * math.sin(couch)
    y = table[:, 0] * math.sin(couch) + table[:, 1] * math.cos(couch)
    across = x * math.cos(gantry) - table[:, 2] * math.sin(gantry)
    towards = x * math.sin(gantry) + table[:, 2] * math.cos(gantry)
    enlarged = SOURCE_AXIS_MM / (SOURCE_AXIS_MM - np.clip(towards, -SOURCE_AXIS_MM, SOURCE_AXIS_MM / 2))
    return np.stack([across * enlarged, y * enlarged], axis=1)


def turned(angle_deg: float) -> NDArray[np.float64]:
    """Return the rotation from collimator to gantry; IEC 61217: against the clock, seen from the source."""
    angle = math.radians(angle_deg)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
