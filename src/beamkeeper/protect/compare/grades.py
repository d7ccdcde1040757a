"""How much a difference matters: the tables behind the grades.

Reasoning: `docs/decisions/0010-compare-grades.md`. In short: inside what is delivered everything is
clinical unless named here as administrative; outside it everything is administrative unless named
here as clinical; a treatment record is immutable, so there everything is clinical.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.change import Grade
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.protect.compare.tags import tags_of
from beamkeeper.wire.dicom.elements import REPEATED

if TYPE_CHECKING:
    from beamkeeper.protect.compare.difference import Difference
    from beamkeeper.wire.dicom.elements import Key

IDENTITY = tags_of(
    "SOPClassUID SOPInstanceUID Modality PatientID IssuerOfPatientID PatientName PatientBirthDate "
    "PatientSex FrameOfReferenceUID ReferencedFrameOfReferenceUID"
)
"""Who and what it is, wherever it stands."""

_APPROVAL = "ApprovalStatus ReviewDate ReviewTime ReviewerName"
_PIXELS = (
    "Rows Columns NumberOfFrames SamplesPerPixel PhotometricInterpretation PlanarConfiguration BitsAllocated "
    "BitsStored HighBit PixelRepresentation PixelSpacing PixelData FloatPixelData DoubleFloatPixelData "
    "LossyImageCompression"
)
_GEOMETRY = "ImagePositionPatient ImageOrientationPatient SliceThickness SpacingBetweenSlices SliceLocation"

_CLINICAL_AT_TOP: dict[ObjectKind, frozenset[int]] = {
    ObjectKind.PLAN: tags_of(
        f"{_APPROVAL} RTPlanGeometry PlanIntent PrescriptionDescription TreatmentSites "
        "TreatmentProtocols BrachyTreatmentTechnique BrachyTreatmentType"
    ),
    ObjectKind.STRUCTURE_SET: tags_of(_APPROVAL),
    ObjectKind.DOSE: tags_of(
        f"{_PIXELS} {_GEOMETRY} DoseUnits DoseType DoseSummationType DoseGridScaling "
        "GridFrameOffsetVector FrameIncrementPointer SpatialTransformOfDose NormalizationPoint "
        "TissueHeterogeneityCorrection DVHNormalizationPoint DVHNormalizationDoseValue"
    ),
    ObjectKind.IMAGE: tags_of(
        f"{_PIXELS} {_GEOMETRY} RescaleSlope RescaleIntercept RescaleType PatientPosition "
        "GantryDetectorTilt KVP ConvolutionKernel PixelPaddingValue Units DecayCorrection "
        "CorrectedImage"
    ),
    ObjectKind.RT_IMAGE: tags_of(
        f"{_PIXELS} RescaleSlope RescaleIntercept RescaleType PatientPosition RTImagePlane "
        "RTImagePosition RTImageOrientation ImagePlanePixelSpacing RTImageSID RadiationMachineSAD "
        "RadiationMachineName XRayImageReceptorTranslation XRayImageReceptorAngle GantryAngle "
        "BeamLimitingDeviceAngle PatientSupportAngle IsocenterPosition ReferencedBeamNumber "
        "ReferencedFractionGroupNumber"
    ),
    ObjectKind.REGISTRATION: frozenset(),
}

_CLINICAL_BRANCHES: dict[ObjectKind, frozenset[int]] = {
    ObjectKind.PLAN: tags_of(
        "BeamSequence IonBeamSequence FractionGroupSequence DoseReferenceSequence "
        "PatientSetupSequence ToleranceTableSequence IonToleranceTableSequence "
        "ApplicationSetupSequence SourceSequence TreatmentMachineSequence "
        "ReferencedStructureSetSequence ReferencedDoseSequence ReferencedRTPlanSequence "
        "TreatmentSiteCodeSequence"
    ),
    ObjectKind.STRUCTURE_SET: tags_of(
        "StructureSetROISequence ROIContourSequence RTROIObservationsSequence "
        "ReferencedFrameOfReferenceSequence"
    ),
    ObjectKind.DOSE: tags_of(
        "ReferencedRTPlanSequence ReferencedStructureSetSequence ReferencedTreatmentRecordSequence "
        "DVHSequence PixelValueTransformationSequence"
    ),
    ObjectKind.IMAGE: tags_of(
        "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence ModalityLUTSequence "
        "RadiopharmaceuticalInformationSequence"
    ),
    ObjectKind.RT_IMAGE: tags_of("ExposureSequence ReferencedRTPlanSequence ModalityLUTSequence"),
    ObjectKind.REGISTRATION: tags_of("RegistrationSequence DeformableRegistrationSequence"),
}

_ADMINISTRATIVE_INSIDE = tags_of(
    "BeamName BeamDescription BeamOrderIndex Manufacturer InstitutionName InstitutionAddress "
    "InstitutionalDepartmentName ManufacturerModelName DeviceSerialNumber SoftwareVersions "
    "DateOfLastCalibration FractionGroupDescription OperatorsName DoseReferenceDescription "
    "ROIDisplayColor ROIDescription ROIGenerationDescription ROIGenerationAlgorithm ROIInterpreter "
    "ROIObservationLabel ROIObservationDescription RecommendedDisplayGrayscaleValue "
    "RecommendedDisplayCIELabValue SourceManufacturer SourceDescription ApplicationSetupName "
    "ApplicationSetupManufacturer CodeMeaning ContextGroupVersion MappingResource ContextIdentifier "
    "MappingResourceUID ContextUID ROICreatorSequence"
)
"""Descriptions inside clinical branches that no machine acts on."""

_IMMUTABLE = frozenset({ObjectKind.TREATMENT_RECORD, ObjectKind.TREATMENT_SUMMARY})
_DELIVERY_MODALITIES = ("RT", "PLAN")
"""Kinds we do not interpret but that a machine may act on (RTBDI, RTRAD, second generation)."""
_ADMINISTRATIVE_GROUPS_MAX = 0x0020
"""Patient, study, equipment: the last group of them; delivery data of uninterpreted objects lie above."""


def is_protected(tag: int) -> bool:
    """Return whether an element of the main level must always count, whatever the site says."""
    return tag in IDENTITY or any(
        tag in tags for table in (_CLINICAL_AT_TOP, _CLINICAL_BRANCHES) for tags in table.values()
    )


def grade_of(kind: ObjectKind, modality: str, difference: Difference) -> Grade:
    """Return how much one difference matters in an object of that kind."""
    top = difference.steps[0].sequence if difference.steps else difference.key
    if kind in _IMMUTABLE or difference.key in IDENTITY or _is_repeated(difference):
        return Grade.CLINICAL
    if difference.reordered:
        return Grade.ADMINISTRATIVE
    if kind is ObjectKind.OTHER:
        return _of_uninterpreted(modality, top)
    if not difference.steps and top in _CLINICAL_AT_TOP[kind]:
        return Grade.CLINICAL
    if top not in _CLINICAL_BRANCHES[kind] or _is_description(difference) or _says_nothing(difference):
        return Grade.ADMINISTRATIVE
    return Grade.CLINICAL


def _is_repeated(difference: Difference) -> bool:
    """Whether an element is there twice: one reader takes the first, another the last."""
    keys = [difference.key, *(step.sequence for step in difference.steps)]
    return any(isinstance(key, int) and key >= REPEATED for key in keys)


def _is_description(difference: Difference) -> bool:
    return difference.key in _ADMINISTRATIVE_INSIDE or any(
        step.sequence in _ADMINISTRATIVE_INSIDE for step in difference.steps
    )


def _says_nothing(difference: Difference) -> bool:
    """Whether an element was only added or dropped without a value."""
    if difference.key is None or difference.branch is not None:
        return False
    return all(value is None or value.is_empty for value in (difference.old, difference.new))


def _of_uninterpreted(modality: str, top: Key | None) -> Grade:
    if not modality.startswith(_DELIVERY_MODALITIES):
        return Grade.ADMINISTRATIVE
    group = top if isinstance(top, int) else 0
    return Grade.CLINICAL if group >> 16 > _ADMINISTRATIVE_GROUPS_MAX else Grade.ADMINISTRATIVE
