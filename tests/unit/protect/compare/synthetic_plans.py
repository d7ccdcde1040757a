"""Small but whole plans: photon, VMAT, electron, ion, brachytherapy."""

from __future__ import annotations

import random

from pydicom import Dataset

ROOT = "1.2.826.0.1.3680043.10.1338.7"
PHOTON_PLAN, ION_PLAN = "1.2.840.10008.5.1.4.1.1.481.5", "1.2.840.10008.5.1.4.1.1.481.8"
STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"


def item(**elements: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def base(sop_class_uid: str, modality: str, number: int) -> Dataset:
    return item(
        SpecificCharacterSet="ISO_IR 100",
        InstanceCreationDate="20260302",
        InstanceCreationTime="101500",
        SOPClassUID=sop_class_uid,
        SOPInstanceUID=f"{ROOT}.{number}",
        StudyDate="20260302",
        StudyTime="101500",
        AccessionNumber="",
        Modality=modality,
        Manufacturer="SYNTHETIC",
        OperatorsName="",
        PatientName="Müller^Zoë",
        PatientID="PAT-1",
        PatientBirthDate="19600101",
        PatientSex="F",
        StudyInstanceUID=f"{ROOT}.1.1",
        SeriesInstanceUID=f"{ROOT}.1.2",
        StudyID="1",
        SeriesNumber="1",
        FrameOfReferenceUID=f"{ROOT}.1.3",
        PositionReferenceIndicator="",
    )


def _plan(sop_class_uid: str, number: int, beams: int) -> Dataset:
    plan = base(sop_class_uid, "RTPLAN", number)
    plan.update(
        item(
            RTPlanLabel="PLAN1",
            RTPlanName="",
            RTPlanDate="20260302",
            RTPlanTime="101500",
            PlanIntent="CURATIVE",
            RTPlanGeometry="PATIENT",
            ApprovalStatus="APPROVED",
            ReviewDate="20260303",
            ReviewTime="080000",
            ReviewerName="Doe^Jane",
        )
    )
    plan.DoseReferenceSequence = [
        item(
            DoseReferenceNumber="1",
            DoseReferenceStructureType="COORDINATES",
            DoseReferencePointCoordinates=["1", "2", "3"],
            DoseReferenceType="TARGET",
            TargetPrescriptionDose="60",
        )
    ]
    plan.PatientSetupSequence = [
        item(
            PatientPosition="HFS",
            PatientSetupNumber="1",
            SetupTechnique="ISOCENTRIC",
            TableTopVerticalSetupDisplacement="0",
            TableTopLongitudinalSetupDisplacement="-12.5",
            TableTopLateralSetupDisplacement="3",
        )
    ]
    plan.ToleranceTableSequence = [
        item(ToleranceTableNumber="1", GantryAngleTolerance="0.5", TableTopVerticalPositionTolerance="5")
    ]
    plan.FractionGroupSequence = [
        item(
            FractionGroupNumber="1",
            NumberOfFractionsPlanned="30",
            NumberOfBeams=str(beams),
            NumberOfBrachyApplicationSetups="0",
            ReferencedBeamSequence=[
                item(
                    BeamDoseSpecificationPoint=["1.5", "-20", "30"],
                    BeamDose="1.0",
                    BeamMeterset=f"{250.5 + beam}",
                    ReferencedBeamNumber=str(beam),
                )
                for beam in range(1, beams + 1)
            ],
        )
    ]
    plan.ReferencedStructureSetSequence = [
        item(ReferencedSOPClassUID=STRUCTURES, ReferencedSOPInstanceUID=f"{ROOT}.3")
    ]
    return plan


def _beam(number: int, points: list[Dataset], **more: object) -> Dataset:
    beam = item(
        BeamNumber=str(number),
        BeamName=f"B{number}",
        BeamType="STATIC",
        RadiationType="PHOTON",
        TreatmentMachineName="LINAC1",
        Manufacturer="SYNTHETIC",
        PrimaryDosimeterUnit="MU",
        SourceAxisDistance="1000",
        TreatmentDeliveryType="TREATMENT",
        NumberOfWedges="0",
        NumberOfCompensators="0",
        NumberOfBoli="0",
        NumberOfBlocks="0",
        FinalCumulativeMetersetWeight="1",
        NumberOfControlPoints=str(len(points)),
        ReferencedPatientSetupNumber="1",
        ReferencedToleranceTableNumber="1",
    )
    beam.update(item(**more))
    return beam


def _first_point(energy: str, **more: object) -> Dataset:
    point = item(
        ControlPointIndex="0",
        NominalBeamEnergy=energy,
        DoseRateSet="600",
        GantryAngle="180.0",
        GantryRotationDirection="NONE",
        BeamLimitingDeviceAngle="10",
        BeamLimitingDeviceRotationDirection="NONE",
        PatientSupportAngle="0",
        PatientSupportRotationDirection="NONE",
        TableTopEccentricAngle="0",
        TableTopEccentricRotationDirection="NONE",
        TableTopVerticalPosition="-150.5",
        TableTopLongitudinalPosition="800",
        TableTopLateralPosition="1",
        IsocenterPosition=["1.5", "-20", "30"],
        SourceToSurfaceDistance="915.2",
        CumulativeMetersetWeight="0",
        ReferencedDoseReferenceSequence=[
            item(CumulativeDoseReferenceCoefficient="0", ReferencedDoseReferenceNumber="1")
        ],
    )
    point.update(item(**more))
    return point


def _devices(pairs: int) -> list[Dataset]:
    devices = [item(RTBeamLimitingDeviceType=kind, NumberOfLeafJawPairs="1") for kind in ("ASYMX", "ASYMY")]
    if pairs:
        bounds = [f"{-200 + 400 * at / pairs:g}" for at in range(pairs + 1)]
        devices.append(
            item(
                RTBeamLimitingDeviceType="MLCX",
                NumberOfLeafJawPairs=str(pairs),
                LeafPositionBoundaries=bounds,
            )
        )
    return devices


def _jaws() -> list[Dataset]:
    return [
        item(RTBeamLimitingDeviceType=kind, LeafJawPositions=["-50.5", "60"]) for kind in ("ASYMX", "ASYMY")
    ]


def vmat_plan(points: int = 12, pairs: int = 20, beams: int = 2) -> Dataset:
    rng = random.Random(1)
    plan = _plan(PHOTON_PLAN, 1, beams)
    plan.BeamSequence = []
    for number in range(1, beams + 1):
        arc = []
        for index in range(points):
            leaves = [f"{-rng.uniform(1, 60):.2f}" for _ in range(pairs)]
            leaves += [f"{rng.uniform(1, 60):.2f}" for _ in range(pairs)]
            mlc = item(RTBeamLimitingDeviceType="MLCX", LeafJawPositions=leaves)
            weight = f"{index / (points - 1):.6f}"
            if index == 0:
                point = _first_point("6", BeamLimitingDevicePositionSequence=[*_jaws(), mlc])
            else:
                point = item(ControlPointIndex=str(index), BeamLimitingDevicePositionSequence=[mlc])
            point.GantryAngle = f"{(181 + 2 * index) % 360:.1f}"
            point.GantryRotationDirection = "CW" if index < points - 1 else "NONE"
            point.CumulativeMetersetWeight = weight
            point.ReferencedDoseReferenceSequence = [
                item(CumulativeDoseReferenceCoefficient=weight, ReferencedDoseReferenceNumber="1")
            ]
            arc.append(point)
        beam = _beam(number, arc, BeamType="DYNAMIC", BeamLimitingDeviceSequence=_devices(pairs))
        beam.ControlPointSequence = arc
        plan.BeamSequence.append(beam)
    return plan


def _static(number: int, energy: str, first: dict[str, object], **more: object) -> Dataset:
    last = item(
        ControlPointIndex="1",
        CumulativeMetersetWeight="1",
        ReferencedDoseReferenceSequence=[
            item(CumulativeDoseReferenceCoefficient="1", ReferencedDoseReferenceNumber="1")
        ],
    )
    points = [_first_point(energy, BeamLimitingDevicePositionSequence=_jaws(), **first), last]
    beam = _beam(number, points, BeamLimitingDeviceSequence=_devices(0), **more)
    beam.ControlPointSequence = points
    return beam


def photon_plan() -> Dataset:
    plan = _plan(PHOTON_PLAN, 2, 2)
    wedge = item(
        WedgeNumber="1",
        WedgeType="STANDARD",
        WedgeID="W15",
        WedgeAngle="15",
        WedgeFactor="0.8",
        WedgeOrientation="90",
    )
    block = item(
        BlockNumber="1",
        BlockType="SHIELDING",
        BlockDivergence="PRESENT",
        MaterialID="LEAD",
        BlockThickness="70",
        BlockTransmission="0.05",
        SourceToBlockTrayDistance="600",
        BlockNumberOfPoints="3",
        BlockData=["0", "0", "10", "0", "10", "10"],
    )
    wedged = _static(
        1,
        "6",
        {"WedgePositionSequence": [item(WedgePosition="IN", ReferencedWedgeNumber="1")]},
        NumberOfWedges="1",
        NumberOfBlocks="1",
        WedgeSequence=[wedge],
        BlockSequence=[block],
    )
    bolus = item(ReferencedROINumber="7", BolusID="B1", AccessoryCode="A1")
    plan.BeamSequence = [wedged, _static(2, "10", {}, NumberOfBoli="1", ReferencedBolusSequence=[bolus])]
    return plan


def electron_plan() -> Dataset:
    plan = _plan(PHOTON_PLAN, 4, 1)
    applicator = item(ApplicatorID="A10", ApplicatorType="ELECTRON_SQUARE", ApplicatorDescription="10 x 10")
    plan.BeamSequence = [_static(1, "12", {}, RadiationType="ELECTRON", ApplicatorSequence=[applicator])]
    return plan


def ion_plan(points: int = 6, spots: int = 15) -> Dataset:
    rng = random.Random(2)
    plan = _plan(ION_PLAN, 5, 1)
    arc = []
    for index in range(points):
        point = item(
            ControlPointIndex=str(index),
            CumulativeMetersetWeight=f"{index * 10}",
            NominalBeamEnergy=f"{150.2 - index // 2 * 4:.2f}",
            ScanSpotTuneID="T1",
            NumberOfScanSpotPositions=str(spots),
            ScanSpotPositionMap=[round(rng.uniform(-50, 50), 2) for _ in range(2 * spots)],
            ScanSpotMetersetWeights=[round(rng.uniform(0.1, 3), 3) for _ in range(spots)],
            ScanningSpotSize=[5.5, 5.6],
            NumberOfPaintings="1",
        )
        if index == 0:
            point.update(
                item(
                    GantryAngle="90",
                    GantryRotationDirection="NONE",
                    PatientSupportAngle="0",
                    PatientSupportRotationDirection="NONE",
                    IsocenterPosition=["1.5", "-20", "30"],
                    SnoutPosition=350.0,
                    RangeShifterSettingsSequence=[
                        item(
                            RangeShifterSetting="IN",
                            IsocenterToRangeShifterDistance=360.0,
                            RangeShifterWaterEquivalentThickness=42.0,
                            ReferencedRangeShifterNumber="1",
                        )
                    ],
                )
            )
        arc.append(point)
    beam = _beam(
        1,
        arc,
        RadiationType="PROTON",
        PrimaryDosimeterUnit="NP",
        ScanMode="MODULATED",
        VirtualSourceAxisDistances=[2000.0, 2200.0],
        NumberOfRangeShifters="1",
        RangeShifterSequence=[item(RangeShifterNumber="1", RangeShifterID="RS1", RangeShifterType="BINARY")],
        SnoutSequence=[item(SnoutID="S1")],
    )
    del beam.SourceAxisDistance
    beam.IonControlPointSequence = arc
    plan.IonBeamSequence = [beam]
    return plan


def brachy_plan() -> Dataset:
    plan = _plan(PHOTON_PLAN, 6, 0)
    plan.FractionGroupSequence[0].NumberOfBrachyApplicationSetups = "1"
    del plan.FractionGroupSequence[0].ReferencedBeamSequence
    plan.FractionGroupSequence[0].ReferencedBrachyApplicationSetupSequence = [
        item(BrachyApplicationSetupDose="7", ReferencedBrachyApplicationSetupNumber="1")
    ]
    plan.BrachyTreatmentTechnique = "INTRACAVITARY"
    plan.BrachyTreatmentType = "HDR"
    plan.TreatmentMachineSequence = [item(TreatmentMachineName="AFTER1")]
    plan.SourceSequence = [
        item(
            SourceNumber="1",
            SourceType="LINE",
            SourceIsotopeName="Ir-192",
            SourceIsotopeHalfLife="73.83",
            ReferenceAirKermaRate="40000",
            SourceStrengthReferenceDate="20260301",
        )
    ]
    points = [
        item(
            ControlPointIndex=str(index),
            CumulativeTimeWeight=f"{index * 5}",
            ControlPointRelativePosition=f"{index // 2 * 5}",
            ControlPoint3DPosition=["1", "2", f"{index // 2 * 5}"],
        )
        for index in range(6)
    ]
    channel = item(
        ChannelNumber="3",
        ChannelLength="1200",
        ChannelTotalTime="25.5",
        SourceMovementType="STEPWISE",
        ReferencedSourceNumber="1",
        NumberOfControlPoints="6",
        FinalCumulativeTimeWeight="25",
        BrachyControlPointSequence=points,
    )
    plan.ApplicationSetupSequence = [
        item(
            ApplicationSetupType="OVOID",
            ApplicationSetupNumber="1",
            TotalReferenceAirKerma="300",
            ChannelSequence=[channel],
        )
    ]
    return plan


PLANS = {
    "VMAT": vmat_plan,
    "photon": photon_plan,
    "electron": electron_plan,
    "ion": ion_plan,
    "brachy": brachy_plan,
}
