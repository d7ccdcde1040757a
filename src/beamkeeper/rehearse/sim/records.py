"""Synthetic treatment records, as machines write them: rounded, and not quite what was planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.rehearse.sim.apertures import LEAF_PAIR_COUNT
from beamkeeper.rehearse.sim.ionplans import IonDesign, Layer, ion_designs
from beamkeeper.rehearse.sim.objects import (
    RT_BEAMS_RECORD,
    RT_ION_BEAMS_RECORD,
    RT_ION_PLAN,
    RT_PLAN,
    da,
    ds,
    encode,
    header,
    item,
    put_items,
    reference,
    tm,
)
from beamkeeper.rehearse.sim.plans import BeamDesign, beam_designs
from beamkeeper.rehearse.sim.treatments import MACHINES, Technique

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from beamkeeper.rehearse.sim.objects import Elements
    from beamkeeper.rehearse.sim.treatments import SimPatient, Treatment

_INTERRUPTED_AT = 0.41
"""Part of the beam given before an interrupted fraction stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One visit in which one plan was treated.

    Attributes
    ----------
    on
        The day on the department's wall.
    part
        "whole"; "first" when the machine stopped in the first beam; "rest" for the continuation.
    minutes_late
        How long after the booked time it began; less than 0 for who was called in early.
    names_plan
        False: the machine left Referenced RT Plan Sequence (type 2) empty in the first record of the session.
    """

    treatment_key: str
    version: int
    fraction_number: int
    on: date
    part: str = "whole"
    names_plan: bool = True
    minutes_late: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBeam:
    """One beam as one session gave it: `begin` and `end` are parts of the beam's meterset, 0 to 1."""

    design: BeamDesign | IonDesign
    delivery: str
    termination: str
    begin: float
    end: float


def designs_of(patient: SimPatient, treatment: Treatment) -> tuple[BeamDesign | IonDesign, ...]:
    """Return the treatment beams of a plan of any technique, in order of beam number."""
    if treatment.technique is Technique.PROTON:
        return ion_designs(patient, treatment)
    return beam_designs(patient, treatment)


def gantry_of(design: BeamDesign | IonDesign) -> tuple[float, float]:
    """Return the gantry angle where a beam begins and where it ends, IEC 61217."""
    if isinstance(design, IonDesign):
        return design.gantry_angle_deg, design.gantry_angle_deg
    return design.gantry_angles_deg[0], design.gantry_angles_deg[-1]


def given_in(
    patient: SimPatient, treatment: Treatment, session: Session, treated_at: datetime
) -> list[tuple[datetime, list[GivenBeam]]]:
    """Return the beams that each record of a session holds, with its time: one a beam or one a fraction."""
    given = _given(session, designs_of(patient, treatment))
    groups = [[one] for one in given] if MACHINES[treatment.machine].record_per_beam else [given]
    return [(treated_at + timedelta(minutes=3 * number), group) for number, group in enumerate(groups)]


def _given(session: Session, designs: tuple[BeamDesign | IonDesign, ...]) -> list[GivenBeam]:
    """Return what a session gave of each beam."""
    if session.part == "first":
        return [
            GivenBeam(
                design=designs[0], delivery="TREATMENT", termination="MACHINE", begin=0.0, end=_INTERRUPTED_AT
            )
        ]
    given = [
        GivenBeam(design=design, delivery="TREATMENT", termination="NORMAL", begin=0.0, end=1.0)
        for design in designs
    ]
    if session.part == "rest":
        given[0] = GivenBeam(
            design=designs[0],
            delivery="CONTINUATION",
            termination="NORMAL",
            begin=_INTERRUPTED_AT,
            end=1.0,
        )
    return given


def records(
    patient: SimPatient, treatment: Treatment, session: Session, treated_at: datetime
) -> Iterator[tuple[str, bytes]]:
    """Yield (SOP Instance UID, file) of the records of one session: one a beam or one a fraction."""
    for number, (at, group) in enumerate(given_in(patient, treatment, session, treated_at), start=1):
        yield _record(patient, treatment, session, group, number=number, at=at)


def _record(
    patient: SimPatient,
    treatment: Treatment,
    session: Session,
    group: list[GivenBeam],
    *,
    number: int,
    at: datetime,
) -> tuple[str, bytes]:
    """Return one record file."""
    ion = treatment.technique is Technique.PROTON
    name = (session.treatment_key, session.version, session.fraction_number, session.part, number)
    uid = patient.uid("record", *name)
    dataset = header(
        patient,
        RT_ION_BEAMS_RECORD if ion else RT_BEAMS_RECORD,
        uid,
        "RTRECORD",
        made_at=at,
        series=patient.uid("record series", *name[:4]),
        study=patient.uid("record study", session.treatment_key, session.version),
        series_number=6,
    )
    machine = MACHINES[treatment.machine]
    given = item(
        SeriesDescription=f"F{session.fraction_number}:{number}",
        InstanceNumber=str(number),
        TreatmentDate=da(at),
        TreatmentTime=tm(at),
        NumberOfFractionsPlanned=str(treatment.fractions),
        PrimaryDosimeterUnit="MU",
        ReferencedFractionGroupNumber="1",
    )
    dataset.update(given)
    if machine.dates_series:
        dataset.SeriesDate = da(at)
    plan_class = RT_ION_PLAN if ion else RT_PLAN
    dataset.ReferencedRTPlanSequence = (
        [reference(plan_class, patient.plan_uid(treatment))] if session.names_plan or number > 1 else []
    )
    dataset.TreatmentMachineSequence = [
        item(
            Manufacturer=machine.manufacturer,
            InstitutionName="Simulated Hospital",
            ManufacturerModelName=machine.model,
            DeviceSerialNumber=machine.serial,
            TreatmentMachineName=machine.name,
        )
    ]
    rng = patient.seed.rng(patient.index, "record", *name)
    beams = [_session_beam(one, treatment, session, at, rng) for one in group]
    put_items(dataset, "TreatmentSessionIonBeamSequence" if ion else "TreatmentSessionBeamSequence", beams)
    return uid, encode(dataset)


def _session_beam(
    given: GivenBeam, treatment: Treatment, session: Session, at: datetime, rng: np.random.Generator
) -> Elements:
    """Return one item of the session beam sequence."""
    design = given.design
    ion = isinstance(design, IonDesign)
    share = given.end - given.begin
    delivered = design.meterset * share + float(rng.uniform(-0.0004, 0.0004))
    points = list(_points(given, at))
    beam: dict[str, object] = {
        "ReferencedBeamNumber": str(design.number),
        "BeamName": design.name,
        "BeamType": "STATIC" if ion or treatment.technique in _STATIC else "DYNAMIC",
        "RadiationType": _RADIATION.get(treatment.technique, "PHOTON"),
        "NumberOfWedges": "0",
        "NumberOfCompensators": "0",
        "NumberOfBoli": "0",
        "NumberOfBlocks": "0",
        "CurrentFractionNumber": str(session.fraction_number),
        "TreatmentDeliveryType": given.delivery,
        "TreatmentTerminationStatus": given.termination,
        "TreatmentVerificationStatus": "VERIFIED",
        "SpecifiedPrimaryMeterset": ds(design.meterset, 3),
        "DeliveredPrimaryMeterset": ds(delivered, 4),
        "NumberOfControlPoints": str(len(points)),
    }
    if isinstance(design, IonDesign):
        return {**beam, **_ION_EXTRAS, "IonControlPointDeliverySequence": points}
    if treatment.technique is Technique.WEDGED:
        beam |= _ONE_WEDGE
    return {
        **beam,
        "BeamLimitingDeviceLeafPairsSequence": _leaf_pairs(design),
        "ControlPointDeliverySequence": points,
    }


_STATIC = frozenset({Technique.WEDGED, Technique.ELECTRON})
_RADIATION = {Technique.ELECTRON: "ELECTRON", Technique.PROTON: "PROTON"}


_WEDGE = {"WedgeNumber": "1", "WedgeType": "STANDARD", "WedgeID": "W30", "WedgeAngle": "30"}
_ONE_WEDGE: Elements = {
    "NumberOfWedges": "1",
    "RecordedWedgeSequence": [{**_WEDGE, "WedgeOrientation": "90"}],
}
_ION_EXTRAS: Elements = {
    "ScanMode": "MODULATED",
    "ModulatedScanModeType": "STATIONARY",
    "NumberOfRangeShifters": "0",
    "NumberOfLateralSpreadingDevices": "0",
    "NumberOfRangeModulators": "0",
    "PatientSupportType": "TABLE",
}
"""What only ion beams state."""


def _leaf_pairs(design: BeamDesign) -> list[Elements]:
    devices = [("ASYMX", 1), ("ASYMY", 1)]
    if design.leaf_positions_mm.size:
        devices.append(("MLCX", LEAF_PAIR_COUNT))
    return [{"RTBeamLimitingDeviceType": kind, "NumberOfLeafJawPairs": str(count)} for kind, count in devices]


def _points(given: GivenBeam, at: datetime) -> Iterator[Elements]:
    """Yield the control points as delivered.

    References
    ----------
    DICOM PS3.3 C.8.8.21.2: delivered[n] = max(begin, min(specified[n], end)) of this delivery
    """
    design = given.design
    begin, end = given.begin * design.meterset, given.end * design.meterset
    plan_points = _planned_points(design)
    turning = _direction(design) if isinstance(design, BeamDesign) and design.is_arc else ""
    last, before = len(plan_points) - 1, begin
    for index, (specified, gantry, energy) in enumerate(plan_points):
        moment = at + timedelta(seconds=index)
        delivered = max(begin, min(specified, end))
        point: dict[str, object] = {
            "ReferencedControlPointIndex": str(index),
            "TreatmentControlPointDate": da(moment),
            "TreatmentControlPointTime": tm(moment),
            "SpecifiedMeterset": ds(specified, 4),
            "DeliveredMeterset": ds(delivered, 4),
        }
        if isinstance(design, IonDesign):
            point |= {"MetersetRateSet": 120.0, "MetersetRateDelivered": 119.5}
            point |= {"NominalBeamEnergy": ds(energy)}
            point |= _delivered_spots(design.cumulative()[index], delivered - before)
        else:
            point |= {"DoseRateSet": "600", "DoseRateDelivered": "598"}
        before = delivered
        if index == 0:
            point |= _first_point(design)
        if index == 0 or turning:
            point["GantryAngle"] = ds(gantry, 1)
            point["GantryRotationDirection"] = turning if turning and index < last else "NONE"
        yield point


def _delivered_spots(planned: tuple[float, Layer, bool], meterset: float) -> Elements:
    """Return what was scanned since the control point before: all at a layer's end, nothing at its start."""
    _, layer, begins = planned
    whole = sum(layer.metersets)
    share = 0.0 if begins or not whole else meterset / whole
    return {
        "ScanSpotTuneID": "3.0",
        "NumberOfScanSpotPositions": str(len(layer.spots_mm)),
        "ScanSpotPositionMap": [v for spot in layer.spots_mm for v in spot],
        "ScanSpotMetersetsDelivered": [float(weight * share) for weight in layer.metersets],
        "ScanningSpotSize": [9.0, 9.0],
        "NumberOfPaintings": "1",
    }


def _direction(design: BeamDesign) -> str:
    ahead = (design.gantry_angles_deg[1] - design.gantry_angles_deg[0]) % 360
    return "CW" if ahead < 180 else "CC"  # noqa: PLR2004 - half a turn


def _planned_points(design: BeamDesign | IonDesign) -> list[tuple[float, float, float]]:
    """Return (specified meterset, gantry angle, energy) of each planned control point."""
    if isinstance(design, IonDesign):
        return [
            (so_far, design.gantry_angle_deg, layer.energy_mev) for so_far, layer, _ in design.cumulative()
        ]
    return [
        (weight * design.meterset, gantry, design.energy)
        for weight, gantry in zip(design.weights, design.gantry_angles_deg, strict=True)
    ]


_FLAT: Elements = {
    "PatientSupportAngle": "0",
    "PatientSupportRotationDirection": "NONE",
    "BeamLimitingDeviceAngle": "0",
    "BeamLimitingDeviceRotationDirection": "NONE",
    "TableTopVerticalPosition": "",
    "TableTopLongitudinalPosition": "",
    "TableTopLateralPosition": "",
}


def _first_point(design: BeamDesign | IonDesign) -> Elements:
    """Return what the first delivered control point states."""
    if isinstance(design, IonDesign):
        return {
            **_FLAT,
            "TableTopPitchAngle": 0.0,
            "TableTopPitchRotationDirection": "NONE",
            "TableTopRollAngle": 0.0,
            "TableTopRollRotationDirection": "NONE",
            "SnoutPosition": 300.0,
        }
    half_x, half_y = design.outline.jaws_mm()
    return {
        **_FLAT,
        "NominalBeamEnergy": ds(design.energy),
        "NominalBeamEnergyUnit": "MEV" if design.is_electron else "MV",
        "BeamLimitingDeviceAngle": ds(design.collimator_angle_deg, 1),
        "TableTopEccentricAngle": "0",
        "TableTopEccentricRotationDirection": "NONE",
        "BeamLimitingDevicePositionSequence": [
            {"RTBeamLimitingDeviceType": "ASYMX", "LeafJawPositions": [ds(-half_x), ds(half_x)]},
            {"RTBeamLimitingDeviceType": "ASYMY", "LeafJawPositions": [ds(-half_y), ds(half_y)]},
        ],
    }
