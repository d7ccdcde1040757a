"""Where a difference lies: as a path of DICOM keywords, and as people say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.protect.compare.difference import ITEM_KEYS
from beamkeeper.protect.compare.tags import keyword_of, name_of, tag_of, tags_of

if TYPE_CHECKING:
    from beamkeeper.protect.compare.difference import Difference, Step
    from beamkeeper.protect.compare.subject import Subject


@dataclass(frozen=True, slots=True)
class Pair:
    """Both copies of one object."""

    old: Subject
    new: Subject


_STEP_WORDS = {
    tag_of(keyword): word
    for keyword, word in {
        "BeamSequence": "beam",
        "IonBeamSequence": "beam",
        "ReferencedBeamSequence": "beam",
        "TreatmentSessionBeamSequence": "beam",
        "TreatmentSessionIonBeamSequence": "beam",
        "ControlPointSequence": "control point",
        "IonControlPointSequence": "control point",
        "BrachyControlPointSequence": "control point",
        "ControlPointDeliverySequence": "control point",
        "IonControlPointDeliverySequence": "control point",
        "FractionGroupSequence": "fraction group",
        "DoseReferenceSequence": "dose reference",
        "ReferencedDoseReferenceSequence": "dose reference",
        "PatientSetupSequence": "patient setup",
        "ToleranceTableSequence": "tolerance table",
        "ApplicationSetupSequence": "application setup",
        "ReferencedBrachyApplicationSetupSequence": "application setup",
        "ChannelSequence": "channel",
        "SourceSequence": "source",
        "WedgeSequence": "wedge",
        "IonWedgeSequence": "wedge",
        "WedgePositionSequence": "wedge",
        "BlockSequence": "block",
        "IonBlockSequence": "block",
        "CompensatorSequence": "compensator",
        "RangeShifterSequence": "range shifter",
        "StructureSetROISequence": "ROI",
        "ROIContourSequence": "ROI",
        "ReferencedBolusSequence": "bolus ROI",
    }.items()
}
_DEVICES = tags_of(
    "BeamLimitingDeviceSequence IonBeamLimitingDeviceSequence BeamLimitingDevicePositionSequence "
    "BeamLimitingDeviceToleranceSequence BeamLimitingDeviceLeafPairsSequence",
)
_DEVICE_WORDS = {"X": "X jaws", "Y": "Y jaws", "ASYMX": "X jaws", "ASYMY": "Y jaws"}
_ROI_STEPS = tags_of("StructureSetROISequence ROIContourSequence")
_OBSERVATIONS = tag_of("RTROIObservationsSequence")


def path_of(difference: Difference) -> str:
    """Return where, in DICOM keywords: `BeamSequence[BeamNumber=2]/ControlPointSequence[17]/GantryAngle`."""
    parts = [_path_step(step) for step in difference.steps]
    if difference.key is not None:
        parts.append(keyword_of(difference.key))
    return "/".join(parts)


def _path_step(step: Step) -> str:
    number_tag = ITEM_KEYS.get(step.sequence) if isinstance(step.sequence, int) else None
    name = keyword_of(step.sequence)
    if number_tag is None or not step.number:
        return f"{name}[{step.position}]"
    number = keyword_of(number_tag)
    return f"{name}[{step.number}]" if number.endswith("Index") else f"{name}[{number}={step.number}]"


def place_of(
    difference: Difference, pair: Pair, *, depth: int | None = None, leave_out_last: bool = False
) -> str:
    """Return where, as people say it: `Beam 2, control point 17`; "" for the main level.

    `depth` limits it to the first steps.
    """
    steps = difference.steps[:-1] if leave_out_last else difference.steps[:depth]
    return sentence_case(", ".join(_step_words(step, pair) for step in steps))


def _step_words(step: Step, pair: Pair) -> str:
    if step.sequence in _DEVICES and step.number:
        return _DEVICE_WORDS.get(step.number, step.number)
    word = _STEP_WORDS.get(step.sequence) if isinstance(step.sequence, int) else None
    if step.sequence in _ROI_STEPS and step.number:
        return roi_words(step.number, pair)
    if step.sequence == _OBSERVATIONS:
        item = step.new or step.old
        number = item.text(tag_of("ReferencedROINumber")) if item is not None else ""
        return roi_words(number, pair) if number else f"ROI observation {step.number}"
    if word is None:
        word = name_of(step.sequence).removesuffix(" Sequence")
        return f"{word}, item {step.position + 1}" if not step.number else f"{word} {step.number}"
    return f"{word} {step.number}" if step.number else f"{word} item {step.position + 1}"


def roi_words(number: str, pair: Pair) -> str:
    """Return an ROI by number and name: `ROI 5 (Rectum)`."""
    name = pair.old.roi_names.get(number) or pair.new.roi_names.get(number)
    return f"ROI {number} ({name})" if name else f"ROI {number}"


def sentence_case(text: str) -> str:
    """Return the text with a capital first letter; the rest as it is."""
    return text[:1].upper() + text[1:]
