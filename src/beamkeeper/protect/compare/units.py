"""The unit of an element, as people write it: nothing in DICOM says it beside the value.

References
----------
DICOM PS3.3 C.8.8 (mm, degrees, Gy, MU/min throughout).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.protect.compare.tags import tag_of, tags_of

if TYPE_CHECKING:
    from beamkeeper.protect.compare.difference import Difference
    from beamkeeper.protect.compare.subject import Subject

_MM = tags_of(
    "LeafJawPositions LeafPositionBoundaries IsocenterPosition SurfaceEntryPoint SourceAxisDistance "
    "SourceToSurfaceDistance SourceToBeamLimitingDeviceDistance VirtualSourceAxisDistances "
    "TableTopVerticalPosition TableTopLongitudinalPosition TableTopLateralPosition "
    "TableTopVerticalSetupDisplacement TableTopLongitudinalSetupDisplacement "
    "TableTopLateralSetupDisplacement ScanSpotPositionMap ScanningSpotSize ImagePositionPatient "
    "PixelSpacing ImagePlanePixelSpacing SliceThickness SpacingBetweenSlices SliceLocation "
    "GridFrameOffsetVector RTImagePosition RTImageSID RadiationMachineSAD "
    "XRayImageReceptorTranslation BlockThickness BlockData SourceToBlockTrayDistance "
    "CompensatorPixelSpacing CompensatorPosition SourceToCompensatorTrayDistance "
    "IsocenterToRangeShifterDistance IsocenterToWedgeTrayDistance IsocenterToBlockTrayDistance "
    "IsocenterToBeamLimitingDeviceDistance SourceToWedgeTrayDistance WedgeThinEdgePosition "
    "BeamDoseSpecificationPoint DoseReferencePointCoordinates ChannelLength "
    "ControlPointRelativePosition ControlPoint3DPosition ActiveSourceDiameter ActiveSourceLength "
    "SnoutPosition NormalizationPoint BeamLimitingDevicePositionTolerance "
    "TableTopVerticalPositionTolerance TableTopLateralPositionTolerance "
    "TableTopLongitudinalPositionTolerance"
)
_DEGREES = tags_of(
    "GantryAngle BeamLimitingDeviceAngle PatientSupportAngle TableTopEccentricAngle "
    "TableTopPitchAngle TableTopRollAngle GantryPitchAngle WedgeAngle WedgeOrientation "
    "GantryAngleTolerance BeamLimitingDeviceAngleTolerance PatientSupportAngleTolerance "
    "TableTopEccentricAngleTolerance GantryDetectorTilt XRayImageReceptorAngle"
)
_GRAY = tags_of(
    "TargetPrescriptionDose TargetMinimumDose TargetMaximumDose BeamDose DeliveryMaximumDose "
    "OrganAtRiskMaximumDose OrganAtRiskFullVolumeDose OrganAtRiskLimitDose DeliveryWarningDose "
    "BrachyApplicationSetupDose DVHMaximumDose DVHMinimumDose DVHMeanDose"
)
_MU_PER_MINUTE = tags_of("DoseRateSet DoseRateDelivered")
_SECONDS = tags_of(
    "BeamDeliveryDurationLimit SpecifiedTreatmentTime DeliveredTreatmentTime ChannelTotalTime "
    "SpecifiedChannelTotalTime DeliveredChannelTotalTime"
)
_UNITS = {
    tag: unit
    for unit, tags in (
        (" mm", _MM),
        ("°", _DEGREES),
        (" Gy", _GRAY),
        (" MU/min", _MU_PER_MINUTE),
        (" s", _SECONDS),
    )
    for tag in tags
}
METERSETS = tags_of(
    "BeamMeterset SpecifiedPrimaryMeterset DeliveredPrimaryMeterset SpecifiedMeterset DeliveredMeterset"
)
_ENERGY, _RADIATION_TYPE = tag_of("NominalBeamEnergy"), tag_of("RadiationType")
_PARTICLES = frozenset({"ELECTRON", "PROTON", "ION"})


def unit_of(difference: Difference, subject: Subject) -> str:
    """Return the unit of an element, with a blank before it where it needs one; "" when it has none."""
    key = difference.key
    if not isinstance(key, int):
        return ""
    if key in METERSETS:
        return _meterset_unit(difference, subject)
    if key == _ENERGY:
        radiation = {item.text(_RADIATION_TYPE) for step in difference.steps for item in (step.new,) if item}
        return " MV" if "PHOTON" in radiation else " MeV" if radiation & _PARTICLES else ""
    return _UNITS.get(key, "")


def _meterset_unit(difference: Difference, subject: Subject) -> str:
    """Return MU, MINUTE or NP as the beam says (Primary Dosimeter Unit (300A,00B3)); "" when it does not."""
    beams = [step.number for step in reversed(difference.steps) if step.number]
    units = subject.meterset_units
    unit = next((units[beam] for beam in (*beams, "") if units.get(beam)), "")
    return f" {unit}" if unit else ""
