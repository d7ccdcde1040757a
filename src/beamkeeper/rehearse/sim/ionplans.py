"""Synthetic RT Ion Plans: scanned proton spots, layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from beamkeeper.rehearse.sim.apertures import outline
from beamkeeper.rehearse.sim.objects import RT_ION_PLAN, ds, encode, header, item
from beamkeeper.rehearse.sim.plans import isocenter, plan_header
from beamkeeper.rehearse.sim.treatments import MACHINES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pydicom.dataset import Dataset

    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

_LAYER_COUNT = 8
_SPOT_PITCH_MM = 7.0
_MU_PER_GY = 62.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The spots of one energy.

    Attributes
    ----------
    energy_mev
        Nominal Beam Energy, MeV.
    spots_mm
        Positions (x, y) at the isocentre.
    metersets
        Scan Spot Meterset Weights, MU, in the order of `spots_mm`.
    """

    energy_mev: float
    spots_mm: tuple[tuple[float, float], ...]
    metersets: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IonDesign:
    """What one ion beam delivers, agreed between plan and records."""

    number: int
    name: str
    gantry_angle_deg: float
    dose_gy: float
    layers: tuple[Layer, ...]

    @property
    def meterset(self) -> float:
        """Beam Meterset, MU."""
        return round(sum(sum(layer.metersets) for layer in self.layers), 6)

    def cumulative(self) -> list[tuple[float, Layer, bool]]:
        """Return (meterset so far, layer, whether the layer begins here) for each control point."""
        so_far, points = 0.0, []
        for layer in self.layers:
            points.append((so_far, layer, True))
            so_far += sum(layer.metersets)
            points.append((so_far, layer, False))
        return points


def energy_mev(range_mm: float) -> float:
    """Return the proton energy with that range in water (Bragg-Kleeman rule)."""
    return float((max(range_mm, 20.0) / 0.022) ** (1 / 1.77))


@lru_cache(maxsize=64)
def ion_designs(patient: SimPatient, treatment: Treatment) -> tuple[IonDesign, ...]:
    """Return the beams of a proton plan, in order of beam number."""
    rng = patient.seed.rng(patient.index, "beams", treatment.key, treatment.version)
    shares = rng.uniform(0.9, 1.1, len(treatment.gantry_angles_deg))
    shares /= shares.sum()
    beams = zip(treatment.beam_numbers, treatment.gantry_angles_deg, shares, strict=True)
    return tuple(
        IonDesign(
            number=number,
            name=f"P{number}",
            gantry_angle_deg=angle,
            dose_gy=round(treatment.dose_per_fraction_gy * float(share), 4),
            layers=_layers(patient, treatment, angle, treatment.dose_per_fraction_gy * float(share), rng),
        )
        for number, angle, share in beams
    )


def _layers(
    patient: SimPatient, treatment: Treatment, angle: float, dose_gy: float, rng: np.random.Generator
) -> tuple[Layer, ...]:
    """Return layers from the far edge of the target to the near one."""
    inside = patient.anatomy(treatment.version)
    target = inside.targets[treatment.target_index]
    a, b, c = target.semi_axes_mm
    depth_half = math.hypot(a * math.sin(math.radians(angle)), b * math.cos(math.radians(angle)))
    middle = max(inside.body.semi_axes_mm[:2]) - 40.0
    seen = outline(target, angle)
    total = dose_gy * _MU_PER_GY
    layers = []
    for k in range(_LAYER_COUNT):
        across = 1 - 2 * k / (_LAYER_COUNT - 1)  # 1 at the far edge, -1 at the near one
        scale = math.sqrt(max(0.12, 1 - across**2))
        spots = tuple(_spots(seen.half_width_mm * scale, (c + 6) * scale))
        weights = rng.uniform(0.7, 1.3, len(spots)) * (1.0 if k == 0 else 0.45)
        layers.append((energy_mev(middle + across * depth_half), spots, weights))
    whole = sum(float(weights.sum()) for _, _, weights in layers)
    return tuple(
        Layer(
            energy_mev=round(energy, 2),
            spots_mm=spots,
            metersets=tuple(float(np.float32(w)) for w in weights * total / whole),
        )
        for energy, spots, weights in layers
    )


def _spots(half_width_mm: float, half_length_mm: float) -> Iterator[tuple[float, float]]:
    """Yield spot positions on a grid inside an ellipse, line by line, back and forth."""
    columns, rows = int(half_width_mm // _SPOT_PITCH_MM), int(half_length_mm // _SPOT_PITCH_MM)
    for row in range(-rows, rows + 1):
        line = range(-columns, columns + 1)
        for column in line if row % 2 == 0 else reversed(line):
            x, y = column * _SPOT_PITCH_MM, row * _SPOT_PITCH_MM
            if (x / half_width_mm) ** 2 + (y / half_length_mm) ** 2 <= 1:
                yield x, y


def ion_plan(patient: SimPatient, treatment: Treatment, made_at: datetime) -> tuple[str, bytes]:
    """Return (SOP Instance UID, file) of a proton plan."""
    uid = patient.plan_uid(treatment)
    dataset = header(
        patient,
        RT_ION_PLAN,
        uid,
        "RTPLAN",
        made_at=made_at,
        series=patient.uid("plan series", treatment.key, treatment.version),
        series_number=4,
    )
    plan_header(dataset, patient, treatment, made_at)
    designs = ion_designs(patient, treatment)
    dataset.FractionGroupSequence = [
        item(
            FractionGroupNumber="1",
            NumberOfFractionsPlanned=str(treatment.fractions),
            NumberOfBeams=str(len(designs)),
            NumberOfBrachyApplicationSetups="0",
            ReferencedBeamSequence=[
                item(
                    BeamDose=ds(d.dose_gy, 4),
                    BeamMeterset=ds(d.meterset, 6),
                    ReferencedBeamNumber=str(d.number),
                )
                for d in designs
            ],
        )
    ]
    dataset.IonBeamSequence = [_ion_beam(design, patient, treatment) for design in designs]
    return uid, encode(dataset)


def _ion_beam(design: IonDesign, patient: SimPatient, treatment: Treatment) -> Dataset:
    """Return one item of the Ion Beam Sequence."""
    machine = MACHINES[treatment.machine]
    points = design.cumulative()
    return item(
        Manufacturer=machine.manufacturer,
        InstitutionName="Simulated Hospital",
        ManufacturerModelName=machine.model,
        DeviceSerialNumber=machine.serial,
        TreatmentMachineName=machine.name,
        PrimaryDosimeterUnit="MU",
        BeamNumber=str(design.number),
        BeamName=design.name,
        BeamType="STATIC",
        RadiationType="PROTON",
        ScanMode="MODULATED",
        ModulatedScanModeType="STATIONARY",
        VirtualSourceAxisDistances=[2000.0, 2200.0],
        ReferencedPatientSetupNumber="1",
        TreatmentDeliveryType="TREATMENT",
        NumberOfWedges="0",
        NumberOfCompensators="0",
        NumberOfBoli="0",
        NumberOfBlocks="0",
        NumberOfRangeShifters="0",
        NumberOfLateralSpreadingDevices="0",
        NumberOfRangeModulators="0",
        PatientSupportType="TABLE",
        FinalCumulativeMetersetWeight=ds(design.meterset, 6),
        NumberOfControlPoints=str(len(points)),
        IonControlPointSequence=[
            _ion_point(design, index, patient, treatment) for index in range(len(points))
        ],
    )


def _ion_point(design: IonDesign, index: int, patient: SimPatient, treatment: Treatment) -> Dataset:
    """Return one ion control point: a layer begins (with its spots) or ends (with weights of zero)."""
    so_far, layer, begins = design.cumulative()[index]
    count = len(layer.spots_mm)
    point = item(
        ControlPointIndex=str(index),
        CumulativeMetersetWeight=ds(so_far, 6),
        NominalBeamEnergy=ds(layer.energy_mev),
        ScanSpotTuneID="3.0",
        NumberOfScanSpotPositions=str(count),
        ScanSpotPositionMap=[v for spot in layer.spots_mm for v in spot],
        ScanSpotMetersetWeights=list(layer.metersets) if begins else [0.0] * count,
        ScanningSpotSize=[9.0, 9.0],
        NumberOfPaintings="1",
    )
    if index == 0:
        fixed = item(
            GantryAngle=ds(design.gantry_angle_deg, 1),
            GantryRotationDirection="NONE",
            GantryPitchAngle=0.0,
            GantryPitchRotationDirection="NONE",
            BeamLimitingDeviceAngle="0",
            BeamLimitingDeviceRotationDirection="NONE",
            PatientSupportAngle="0",
            PatientSupportRotationDirection="NONE",
            TableTopPitchAngle=0.0,
            TableTopPitchRotationDirection="NONE",
            TableTopRollAngle=0.0,
            TableTopRollRotationDirection="NONE",
            TableTopVerticalPosition="",
            TableTopLongitudinalPosition="",
            TableTopLateralPosition="",
            SnoutPosition=300.0,
            IsocenterPosition=isocenter(patient, treatment),
        )
        point.update(fixed)
    return point
