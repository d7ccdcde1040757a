"""Synthetic doses: what the beams of the plan would roughly give, scaled to the prescription in the target.

No clinical dose engine: depth dose and penumbra are simple curves. What holds is what a reader may
check: the grid lies on the planning CT's voxels, the mean in the target is the prescription, the
maximum lies in the target, protons stop behind it and electrons near the skin.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pydicom.uid import ImplicitVRLittleEndian

from beamkeeper.rehearse.sim.anatomy import Grid
from beamkeeper.rehearse.sim.apertures import outline
from beamkeeper.rehearse.sim.objects import (
    RT_DOSE,
    RT_ION_PLAN,
    RT_PLAN,
    da,
    ds,
    encode,
    header,
    reference,
    tm,
)
from beamkeeper.rehearse.sim.treatments import Technique

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from beamkeeper.rehearse.sim.anatomy import Anatomy, Organ
    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

_REACH_MM = 58.0
_ARC_ANGLES = 16


def dose_grid(ct: Grid, target: Organ) -> Grid:
    """Return the part of the CT's grid within reach of the target: same voxels, fewer of them."""
    first, count = [], []
    spacings = (ct.spacing_mm[0], ct.spacing_mm[0], ct.spacing_mm[1])
    sizes = (ct.shape[2], ct.shape[1], ct.shape[0])
    for axis in range(3):
        reach = target.semi_axes_mm[axis] + _REACH_MM
        low = (target.centre_mm[axis] - reach - ct.origin_mm[axis]) / spacings[axis]
        high = (target.centre_mm[axis] + reach - ct.origin_mm[axis]) / spacings[axis]
        begin, end = max(0, math.floor(low)), min(sizes[axis] - 1, math.ceil(high))
        first.append(begin)
        count.append(end - begin + 1)
    origin = [ct.origin_mm[axis] + first[axis] * spacings[axis] for axis in range(3)]
    return Grid(
        origin_mm=(origin[0], origin[1], origin[2]),
        spacing_mm=ct.spacing_mm,
        shape=(count[2], count[1], count[0]),
    )


def dose_volume_gy(inside: Anatomy, treatment: Treatment, grid: Grid) -> NDArray[np.float64]:
    """Return the dose of the whole course, Gy, (frame, row, column)."""
    target = inside.targets[treatment.target_index]
    x, y = grid.plane()
    z = (np.array([grid.z_mm(k) for k in range(grid.shape[0])]) - target.centre_mm[2])[:, None, None]
    x, y = (x - target.centre_mm[0])[None], (y - target.centre_mm[1])[None]
    angles = treatment.gantry_angles_deg
    if treatment.technique is Technique.VMAT:
        angles = tuple(360 / _ARC_ANGLES * k for k in range(_ARC_ANGLES))
    dose = np.zeros(grid.shape)
    for angle in angles:
        dose += _one_direction(inside, target, treatment.technique, angle, (x, y, z))
    a, b, c = target.semi_axes_mm
    radius = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    dose *= treatment.total_dose_gy / dose[radius < 1].mean()
    return _planned(dose, radius, min(a, b, c), treatment.total_dose_gy)


def _one_direction(
    inside: Anatomy,
    target: Organ,
    technique: Technique,
    angle_deg: float,
    axes: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the relative dose of one beam direction; axes are relative to the isocentre, mm."""
    x, y, z = axes
    sin, cos = math.sin(math.radians(angle_deg)), math.cos(math.radians(angle_deg))
    across, along = x * cos + y * sin, -x * sin + y * cos
    seen = outline(target, angle_deg)
    edge = np.sqrt((across / seen.half_width_mm) ** 2 + (z / seen.half_length_mm) ** 2)
    lateral = _step((1 - edge) * min(seen.half_width_mm, seen.half_length_mm) / 3.5)
    depth = _depth_mm(inside.body, target, (x, y), (sin, cos))
    a, b, _ = target.semi_axes_mm
    far = math.hypot(a * sin, b * cos) + 4
    if technique is Technique.PROTON:
        curve = 0.55 + 0.45 * _step((along + far) / 4)
        curve = curve * _step((far - along) / 2)
    elif technique is Technique.ELECTRON:
        curve = _step((40 - depth) / 4) * (0.85 + 0.15 * np.minimum(depth / 15, 1))
    else:
        curve = np.exp(-0.0045 * depth) * (1 - 0.6 * np.exp(-depth / 5))
    if technique is Technique.WEDGED:
        curve = curve * np.clip(1 - 0.004 * across, 0.6, 1.4)
    return np.where(depth > 0, lateral * curve, 0.0)


def _step(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a smooth step from 0 to 1 around 0."""
    return 1 / (1 + np.exp(-np.clip(value * 2, -40, 40)))


def _depth_mm(
    body: Organ,
    target: Organ,
    axes: tuple[NDArray[np.float64], NDArray[np.float64]],
    turn: tuple[float, float],
) -> NDArray[np.float64]:
    """Return the way from the skin to each point against the beam, mm; 0 and below outside the body."""
    sin, cos = turn
    x, y = (
        axes[0] + target.centre_mm[0] - body.centre_mm[0],
        axes[1] + target.centre_mm[1] - body.centre_mm[1],
    )
    a2, b2 = body.semi_axes_mm[0] ** 2, body.semi_axes_mm[1] ** 2
    ux, uy = sin, -cos  # towards the source
    k = ux * ux / a2 + uy * uy / b2
    h = (x * ux / a2 + y * uy / b2) / k
    rest = (x * x / a2 + y * y / b2 - 1) / k
    return np.where(rest < 0, -h + np.sqrt(np.maximum(h * h - rest, 0)), 0.0)


def _planned(
    dose: NDArray[np.float64], radius: NDArray[np.float64], size_mm: float, prescribed_gy: float
) -> NDArray[np.float64]:
    """Return the dose as a planner would leave it: even in the target, no hot spot outside."""
    within = _step((1.05 - radius) * size_mm / 3)
    even = prescribed_gy * (1.03 - 0.045 * np.minimum(radius, 1.2) ** 2)
    dose = dose + (even - dose) * within * 0.92
    inside = radius < 1
    dose = np.where(inside, np.clip(dose, 0.95 * prescribed_gy, 1.07 * prescribed_gy), dose)
    dose *= np.where(inside, prescribed_gy / dose[inside].mean(), 1.0)
    return np.where(inside, dose, np.minimum(dose, 0.99 * prescribed_gy))


def dose(patient: SimPatient, treatment: Treatment, made_at: datetime) -> tuple[str, bytes]:
    """Return (SOP Instance UID, file) of the dose of one plan."""
    uid = patient.dose_uid(treatment)
    inside = patient.anatomy(treatment.version)
    grid = dose_grid(patient.detail.ct_grid, inside.targets[treatment.target_index])
    volume = dose_volume_gy(inside, treatment, grid)
    scaling = _scaling(float(volume.max()))
    dataset = header(
        patient,
        RT_DOSE,
        uid,
        "RTDOSE",
        made_at=made_at,
        series=patient.uid("dose series", treatment.key, treatment.version),
        series_number=5,
    )
    frames, rows, columns = grid.shape
    dataset.SeriesDescription = "Dose"
    dataset.ContentDate, dataset.ContentTime = da(made_at), tm(made_at)
    dataset.InstanceNumber = "1"
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = patient.frame_uid, ""
    dataset.SliceThickness = ds(grid.spacing_mm[1])
    dataset.ImagePositionPatient = [ds(v) for v in grid.origin_mm]
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.PixelSpacing = [ds(grid.spacing_mm[0], 4)] * 2
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.NumberOfFrames, dataset.FrameIncrementPointer = str(frames), 0x3004000C
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    dataset.GridFrameOffsetVector = [ds(grid.spacing_mm[1] * k) for k in range(frames)]
    dataset.DoseGridScaling = scaling
    dataset.TissueHeterogeneityCorrection = "IMAGE"
    proton = treatment.technique is Technique.PROTON
    dataset.ReferencedRTPlanSequence = [
        reference(RT_ION_PLAN if proton else RT_PLAN, patient.plan_uid(treatment))
    ]
    dataset.PixelData = np.round(volume / float(scaling)).astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    return uid, encode(dataset, ImplicitVRLittleEndian)


def _scaling(maximum_gy: float) -> str:
    """Return a Dose Grid Scaling that uses nearly all 16 bits for the maximum, within 16 characters."""
    return f"{maximum_gy / 65000:.6e}"
