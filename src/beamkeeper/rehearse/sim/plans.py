"""Synthetic RT Plans: VMAT, step-and-shoot IMRT, wedged and blocked 3D, electrons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from beamkeeper.rehearse.sim.apertures import (
    LEAF_BOUNDARIES_MM,
    LEAF_PAIR_COUNT,
    Outline,
    leaves,
    outline,
)
from beamkeeper.rehearse.sim.objects import (
    RT_PLAN,
    RT_STRUCTURE_SET,
    approval,
    da,
    ds,
    encode,
    header,
    item,
    put_decimals,
    reference,
    tm,
)
from beamkeeper.rehearse.sim.treatments import MACHINES, Technique

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

_SEGMENTS = 4
_MU_PER_GY = {
    Technique.VMAT: 240.0,
    Technique.IMRT: 310.0,
    Technique.WEDGED: 128.0,
    Technique.ELECTRON: 112.0,
}
_ARC_DEG = 358.0
_PHOTON_ENERGY_MV, _ELECTRON_ENERGY_MEV = 6.0, 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamDesign:
    """What a beam delivers, agreed between plan, dose and records.

    Attributes
    ----------
    weights
        Cumulative meterset weight at each control point, 0 to 1.
    gantry_angles_deg
        Gantry angle at each control point, IEC 61217.
    leaf_positions_mm
        (control point, leaf): first bank then second bank; empty without MLC.
    """

    number: int
    name: str
    meterset: float
    dose_gy: float
    collimator_angle_deg: float
    energy: float
    weights: tuple[float, ...]
    gantry_angles_deg: tuple[float, ...]
    leaf_positions_mm: NDArray[np.float64]
    outline: Outline

    @property
    def is_electron(self) -> bool:
        """Whether the energy is in MeV of electrons rather than MV of photons."""
        return self.energy == _ELECTRON_ENERGY_MEV

    @property
    def is_arc(self) -> bool:
        """Whether the gantry turns while the beam is on."""
        return self.gantry_angles_deg[0] != self.gantry_angles_deg[-1]


@lru_cache(maxsize=64)
def beam_designs(patient: SimPatient, treatment: Treatment) -> tuple[BeamDesign, ...]:
    """Return the treatment beams of a photon or electron plan, in order of beam number."""
    rng = patient.seed.rng(patient.index, "beams", treatment.key, treatment.version)
    shares = rng.uniform(0.85, 1.15, len(treatment.gantry_angles_deg))
    shares /= shares.sum()
    return tuple(
        _design(patient, treatment, number=number, share=float(share), order=order, rng=rng)
        for order, (number, share) in enumerate(zip(treatment.beam_numbers, shares, strict=True))
    )


def _design(
    patient: SimPatient,
    treatment: Treatment,
    *,
    number: int,
    share: float,
    order: int,
    rng: np.random.Generator,
) -> BeamDesign:
    """Return one beam: control points first, then the leaves that follow the target along them."""
    target = patient.anatomy(treatment.version).targets[treatment.target_index]
    start = treatment.gantry_angles_deg[order]
    collimator = {Technique.VMAT: (10.0, 350.0)[order % 2]}.get(treatment.technique, 0.0)
    weights, gantry, covered = _control_points(patient, treatment, start, clockwise=order % 2 == 0, rng=rng)
    shapes = np.empty((0, 0))
    if treatment.technique in {Technique.VMAT, Technique.IMRT}:
        shapes = np.array(
            [
                leaves(outline(target, angle), collimator, part)
                for angle, part in zip(gantry, covered, strict=True)
            ]
        )
    elif treatment.technique is Technique.WEDGED and order > 0:
        shapes = np.array([leaves(outline(target, start), collimator)])
    dose = round(treatment.dose_per_fraction_gy * share, 4)
    return BeamDesign(
        number=number,
        name=f"{'ARC' if treatment.technique is Technique.VMAT else 'F'}{order + 1}",
        meterset=round(dose * _MU_PER_GY[treatment.technique], 2),
        dose_gy=dose,
        collimator_angle_deg=collimator,
        energy=_ELECTRON_ENERGY_MEV if treatment.technique is Technique.ELECTRON else _PHOTON_ENERGY_MV,
        weights=weights,
        gantry_angles_deg=gantry,
        leaf_positions_mm=shapes,
        outline=outline(target, start),
    )


def _control_points(
    patient: SimPatient, treatment: Treatment, start: float, *, clockwise: bool, rng: np.random.Generator
) -> tuple[tuple[float, ...], tuple[float, ...], list[tuple[float, float]]]:
    """Return weights, gantry angles and the open part of the aperture at each control point."""
    if treatment.technique is Technique.VMAT:
        count = patient.detail.control_points_per_arc
        step = (_ARC_DEG if clockwise else -_ARC_DEG) / (count - 1)
        gantry = tuple(round((start + step * k) % 360, 1) for k in range(count))
        pace = rng.uniform(0.6, 1.4, count - 1)
        weights = (0.0, *np.round(np.cumsum(pace) / pace.sum(), 6).tolist())
        phase = rng.uniform(0, 2 * math.pi)
        covered = [
            (0.18 * (1 + math.sin(phase + k / 4)), 1 - 0.18 * (1 + math.cos(phase + k / 5)))
            for k in range(count)
        ]
        return weights, gantry, covered
    if treatment.technique is Technique.IMRT:
        edges = np.linspace(0, 1, _SEGMENTS + 1).round(6).tolist()
        weights = tuple(w for k in range(_SEGMENTS) for w in (edges[k], edges[k + 1]))
        parts = [(0.2 * k, 1 - 0.15 * (_SEGMENTS - 1 - k)) for k in range(_SEGMENTS)]
        return weights, (start,) * len(weights), [part for part in parts for _ in range(2)]
    return (0.0, 1.0), (start, start), [(0.0, 1.0)] * 2


def plan(patient: SimPatient, treatment: Treatment, made_at: datetime) -> tuple[str, bytes]:
    """Return (SOP Instance UID, file) of a photon or electron plan."""
    uid = patient.plan_uid(treatment)
    dataset = header(
        patient,
        RT_PLAN,
        uid,
        "RTPLAN",
        made_at=made_at,
        series=patient.uid("plan series", treatment.key, treatment.version),
        series_number=4,
    )
    plan_header(dataset, patient, treatment, made_at)
    designs = beam_designs(patient, treatment)
    setup = treatment.beam_numbers[0] - 1
    dataset.FractionGroupSequence = [fraction_group(treatment, designs, setup)]
    dataset.BeamSequence = [_setup_beam(setup, treatment), *(_beam(d, treatment) for d in designs)]
    for beam in dataset.BeamSequence:
        beam.ControlPointSequence[0].IsocenterPosition = isocenter(patient, treatment)
    return uid, encode(dataset)


def isocenter(patient: SimPatient, treatment: Treatment) -> list[str]:
    """Return the isocentre, the centre of the target, as DICOM writes it."""
    return [ds(v) for v in patient.anatomy(treatment.version).targets[treatment.target_index].centre_mm]


def plan_header(dataset: Dataset, patient: SimPatient, treatment: Treatment, made_at: datetime) -> None:
    """Fill what plans of every kind say: label, prescription, setup, structure set, approval."""
    dataset.SeriesDescription = "Plan"
    dataset.InstanceNumber = "1"
    dataset.FrameOfReferenceUID = patient.frame_uid
    dataset.PositionReferenceIndicator = ""
    dataset.RTPlanLabel = treatment.label
    dataset.RTPlanName = treatment.label
    dataset.RTPlanDate, dataset.RTPlanTime = da(made_at), tm(made_at)
    dataset.PlanIntent = "CURATIVE"
    dataset.RTPlanGeometry = "PATIENT"
    target = patient.anatomy(treatment.version).targets[treatment.target_index]
    dataset.DoseReferenceSequence = [
        item(
            DoseReferenceNumber="1",
            DoseReferenceUID=patient.uid("dose reference", treatment.key, treatment.version),
            DoseReferenceStructureType="VOLUME",
            DoseReferenceDescription=target.roi_name,
            DoseReferenceType="TARGET",
            ReferencedROINumber=str(target.roi_number),
            TargetPrescriptionDose=ds(treatment.total_dose_gy),
        )
    ]
    dataset.PatientSetupSequence = [
        item(PatientSetupNumber="1", PatientPosition="HFS", SetupTechnique="ISOCENTRIC")
    ]
    dataset.ReferencedStructureSetSequence = [
        reference(RT_STRUCTURE_SET, patient.structure_set_uid(treatment.version))
    ]
    if treatment.version > 1:
        prior = item(RTPlanRelationship="PRIOR")
        prior.ReferencedSOPClassUID = dataset.SOPClassUID
        prior.ReferencedSOPInstanceUID = patient.uid("plan", treatment.key, treatment.version - 1)
        dataset.ReferencedRTPlanSequence = [prior]
    for keyword, value in approval(made_at).items():
        setattr(dataset, keyword, value)


def fraction_group(treatment: Treatment, designs: tuple[BeamDesign, ...], setup: int) -> Dataset:
    """Return the one fraction group; the setup field (number `setup`, 0 for none) has no meterset."""
    beams = [
        item(BeamDose=ds(d.dose_gy, 4), BeamMeterset=ds(d.meterset, 6), ReferencedBeamNumber=str(d.number))
        for d in designs
    ]
    if setup:
        beams.insert(0, item(ReferencedBeamNumber=str(setup)))
    return item(
        FractionGroupNumber="1",
        NumberOfFractionsPlanned=str(treatment.fractions),
        NumberOfBeams=str(len(beams)),
        NumberOfBrachyApplicationSetups="0",
        ReferencedBeamSequence=beams,
    )


def _beam_frame(number: int, name: str, treatment: Treatment, radiation: str, delivery: str) -> Dataset:
    """Return a beam without its control points and accessories."""
    machine = MACHINES[treatment.machine]
    return item(
        Manufacturer=machine.manufacturer,
        InstitutionName="Simulated Hospital",
        ManufacturerModelName=machine.model,
        DeviceSerialNumber=machine.serial,
        TreatmentMachineName=machine.name,
        PrimaryDosimeterUnit="MU",
        SourceAxisDistance="1000",
        BeamNumber=str(number),
        BeamName=name,
        BeamType="STATIC",
        RadiationType=radiation,
        ReferencedPatientSetupNumber="1",
        TreatmentDeliveryType=delivery,
        NumberOfWedges="0",
        NumberOfCompensators="0",
        NumberOfBoli="0",
        NumberOfBlocks="0",
    )


def _devices(*, mlc: bool) -> list[Dataset]:
    """Return the Beam Limiting Device Sequence."""
    devices = [item(RTBeamLimitingDeviceType=kind, NumberOfLeafJawPairs="1") for kind in ("ASYMX", "ASYMY")]
    if mlc:
        devices.append(
            item(
                RTBeamLimitingDeviceType="MLCX",
                SourceToBeamLimitingDeviceDistance="510",
                NumberOfLeafJawPairs=str(LEAF_PAIR_COUNT),
                LeafPositionBoundaries=[ds(v) for v in LEAF_BOUNDARIES_MM],
            )
        )
    return devices


def _jaws(half_x_mm: float, half_y_mm: float) -> list[Dataset]:
    return [
        item(RTBeamLimitingDeviceType="ASYMX", LeafJawPositions=[ds(-half_x_mm), ds(half_x_mm)]),
        item(RTBeamLimitingDeviceType="ASYMY", LeafJawPositions=[ds(-half_y_mm), ds(half_y_mm)]),
    ]


def _first_point(energy: float, gantry: float, direction: str, collimator: float) -> Dataset:
    """Return control point 0: everything is stated here, later points state what changes."""
    return item(
        ControlPointIndex="0",
        NominalBeamEnergy=ds(energy),
        DoseRateSet="600",
        GantryAngle=ds(gantry, 1),
        GantryRotationDirection=direction,
        BeamLimitingDeviceAngle=ds(collimator, 1),
        BeamLimitingDeviceRotationDirection="NONE",
        PatientSupportAngle="0",
        PatientSupportRotationDirection="NONE",
        TableTopEccentricAngle="0",
        TableTopEccentricRotationDirection="NONE",
        TableTopVerticalPosition="",
        TableTopLongitudinalPosition="",
        TableTopLateralPosition="",
    )


def _setup_beam(number: int, treatment: Treatment) -> Dataset:
    """Return the setup field: a beam without meterset."""
    beam = _beam_frame(number, "SETUP", treatment, "PHOTON", "SETUP")
    beam.BeamLimitingDeviceSequence = _devices(mlc=False)
    beam.NumberOfControlPoints = "2"
    first = _first_point(6.0, 0.0, "NONE", 0.0)
    first.BeamLimitingDevicePositionSequence = _jaws(100, 100)
    first.CumulativeMetersetWeight = ""
    beam.ControlPointSequence = [first, item(ControlPointIndex="1", CumulativeMetersetWeight="")]
    return beam


def _beam(design: BeamDesign, treatment: Treatment) -> Dataset:
    """Return one treatment beam."""
    electrons = treatment.technique is Technique.ELECTRON
    beam = _beam_frame(
        design.number, design.name, treatment, "ELECTRON" if electrons else "PHOTON", "TREATMENT"
    )
    beam.BeamType = "DYNAMIC" if treatment.technique in {Technique.VMAT, Technique.IMRT} else "STATIC"
    beam.BeamLimitingDeviceSequence = _devices(mlc=design.leaf_positions_mm.size > 0)
    if electrons:
        beam.ApplicatorSequence = [
            item(ApplicatorID="A10", ApplicatorType="ELECTRON_SQUARE", ApplicatorDescription="10 x 10 cm")
        ]
    if electrons or (treatment.technique is Technique.WEDGED and not design.leaf_positions_mm.size):
        beam.NumberOfBlocks, beam.BlockSequence = "1", [_block(design.outline, divergent=not electrons)]
    if treatment.technique is Technique.WEDGED:
        beam.NumberOfWedges, beam.WedgeSequence = "1", [_wedge(design.number)]
    beam.FinalCumulativeMetersetWeight = "1"
    beam.NumberOfControlPoints = str(len(design.weights))
    beam.ControlPointSequence = [_control_point(design, treatment, k) for k in range(len(design.weights))]
    return beam


def _control_point(design: BeamDesign, treatment: Treatment, index: int) -> Dataset:
    """Return one control point: the first states everything, later ones what changes."""
    direction = "NONE"
    if design.is_arc and index < len(design.weights) - 1:
        ahead = (design.gantry_angles_deg[1] - design.gantry_angles_deg[0]) % 360
        direction = "CW" if ahead < 180 else "CC"  # noqa: PLR2004 - half a turn
    gantry = design.gantry_angles_deg[index]
    if index == 0:
        point = _first_point(design.energy, gantry, direction, design.collimator_angle_deg)
        point.SourceToSurfaceDistance = "900"
        positions = _jaws(*design.outline.jaws_mm())
        if treatment.technique is Technique.WEDGED:
            point.WedgePositionSequence = [item(ReferencedWedgeNumber="1", WedgePosition="IN")]
    else:
        point = item(ControlPointIndex=str(index))
        positions = []
        if design.is_arc:
            point.GantryAngle, point.GantryRotationDirection = ds(gantry, 1), direction
    if index < len(design.leaf_positions_mm):
        row = design.leaf_positions_mm[index]
        positions.append(item(RTBeamLimitingDeviceType="MLCX"))
        put_decimals(positions[-1], "LeafJawPositions", row)
    if positions:
        point.BeamLimitingDevicePositionSequence = positions
    weight = ds(design.weights[index], 6)
    point.CumulativeMetersetWeight = weight
    point.ReferencedDoseReferenceSequence = [
        item(CumulativeDoseReferenceCoefficient=weight, ReferencedDoseReferenceNumber="1")
    ]
    return point


def _wedge(beam_number: int) -> Dataset:
    """Return a hard wedge, thick end towards the left for even beams and the right for odd ones."""
    return item(
        WedgeNumber="1",
        WedgeType="STANDARD",
        WedgeID="W30",
        WedgeAngle="30",
        WedgeFactor="0.535",
        WedgeOrientation="90" if beam_number % 2 == 0 else "270",
        SourceToWedgeTrayDistance="640",
    )


def _block(seen: Outline, *, divergent: bool) -> Dataset:
    """Return an aperture block around the target as seen from the beam."""
    angles = [2 * math.pi * k / 24 for k in range(24)]
    edge = [(seen.half_width_mm * math.cos(t), seen.half_length_mm * math.sin(t)) for t in angles]
    return item(
        SourceToBlockTrayDistance="650",
        BlockType="APERTURE",
        BlockDivergence="PRESENT" if divergent else "ABSENT",
        BlockMountingPosition="SOURCE_SIDE",
        BlockNumber="1",
        BlockName="Block 1",
        MaterialID="CERROBEND",
        BlockThickness="70" if divergent else "15",
        BlockTransmission="0.03",
        BlockNumberOfPoints=str(len(edge)),
        BlockData=[ds(v, 1) for point in edge for v in point],
    )
