"""What is compared: its kind, its label for people, and the names its numbers stand for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from beamkeeper.domain.objects import ObjectKind
from beamkeeper.protect.compare.tags import tag_of
from beamkeeper.protect.compare.values import Value, decoded

if TYPE_CHECKING:
    from beamkeeper.wire.dicom.elements import DataSet

LABEL_CHARACTERS_MAX = 64

_RT = "1.2.840.10008.5.1.4.1.1.481."
_KINDS = {
    _RT + "1": ObjectKind.RT_IMAGE,
    _RT + "2": ObjectKind.DOSE,
    _RT + "3": ObjectKind.STRUCTURE_SET,
    _RT + "4": ObjectKind.TREATMENT_RECORD,
    _RT + "5": ObjectKind.PLAN,
    _RT + "6": ObjectKind.TREATMENT_RECORD,
    _RT + "7": ObjectKind.TREATMENT_SUMMARY,
    _RT + "8": ObjectKind.PLAN,
    _RT + "9": ObjectKind.TREATMENT_RECORD,
    "1.2.840.10008.5.1.4.1.1.66.1": ObjectKind.REGISTRATION,
    "1.2.840.10008.5.1.4.1.1.66.3": ObjectKind.REGISTRATION,
}
_IMAGE_MODALITIES = frozenset({"CT", "MR", "PT", "NM", "US", "CR", "DX", "RF", "XA", "SC", "OT"})

SOP_CLASS_UID, SOP_INSTANCE_UID = tag_of("SOPClassUID"), tag_of("SOPInstanceUID")
MODALITY, PATIENT_ID = tag_of("Modality"), tag_of("PatientID")
_LABELS = {
    ObjectKind.PLAN: tag_of("RTPlanLabel"),
    ObjectKind.STRUCTURE_SET: tag_of("StructureSetLabel"),
    ObjectKind.RT_IMAGE: tag_of("RTImageLabel"),
}


def kind_of(sop_class_uid: str, modality: str) -> ObjectKind:
    """Return what an object is for."""
    known = _KINDS.get(sop_class_uid)
    if known is not None:
        return known
    return ObjectKind.IMAGE if modality in _IMAGE_MODALITIES else ObjectKind.OTHER


@dataclass(frozen=True)
class Subject:
    """One object under comparison."""

    dataset: DataSet

    @cached_property
    def sop_class_uid(self) -> str:
        """SOP Class UID (0008,0016); "" when absent."""
        return self.dataset.text(SOP_CLASS_UID)

    @cached_property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID (0008,0018); "" when absent."""
        return self.dataset.text(SOP_INSTANCE_UID)

    @cached_property
    def modality(self) -> str:
        """Modality (0008,0060); "" when absent."""
        return self.dataset.text(MODALITY)

    @cached_property
    def kind(self) -> ObjectKind:
        """What the object is for."""
        return kind_of(self.sop_class_uid, self.modality)

    @cached_property
    def label(self) -> str:
        """What a person calls it; no patient's name."""
        kind = self.kind
        if kind in _LABELS:
            return text_at(self.dataset, _LABELS[kind])[:LABEL_CHARACTERS_MAX] or kind.value
        if kind is ObjectKind.TREATMENT_RECORD:
            return self._record_label()
        if kind is ObjectKind.DOSE:
            summation = self.dataset.text(tag_of("DoseSummationType"))
            return f"{summation.lower().replace('_', ' ')} dose".strip()
        if kind is ObjectKind.IMAGE:
            number = self.dataset.text(tag_of("InstanceNumber"))
            return f"{self.modality} slice {number}" if number else f"{self.modality} image"
        return self.modality or kind.value

    def _record_label(self) -> str:
        beams = self.session_beams()
        fractions = dict.fromkeys(beam.text(tag_of("CurrentFractionNumber")) for beam in beams)
        stated = [fraction for fraction in fractions if fraction]
        if not stated:
            return "record without a fraction number"
        return "fraction " + ", ".join(stated)

    def session_beams(self) -> tuple[DataSet, ...]:
        """Return the items of the session sequence of a treatment record."""
        for sequence in _SESSIONS:
            items = self.dataset.items(sequence)
            if items:
                return items
        return ()

    @cached_property
    def roi_names(self) -> dict[str, str]:
        """ROI Name by ROI Number of a structure set."""
        return {
            roi.text(tag_of("ROINumber")): text_at(roi, tag_of("ROIName"))[:LABEL_CHARACTERS_MAX]
            for roi in self.dataset.items(tag_of("StructureSetROISequence"))
        }

    @cached_property
    def meterset_units(self) -> dict[str, str]:
        """Primary Dosimeter Unit by beam number of a plan; a record has one for all, under ""."""
        units = {"": self.dataset.text(tag_of("PrimaryDosimeterUnit"))}
        for sequence in (tag_of("BeamSequence"), tag_of("IonBeamSequence")):
            for beam in self.dataset.items(sequence):
                units[beam.text(tag_of("BeamNumber"))] = beam.text(tag_of("PrimaryDosimeterUnit"))
        return units


_SESSIONS = (
    tag_of("TreatmentSessionBeamSequence"),
    tag_of("TreatmentSessionIonBeamSequence"),
    tag_of("TreatmentSessionApplicationSetupSequence"),
)


def text_at(level: DataSet, tag: int) -> str:
    """Return a text element decoded and without padding, fit to print; "" when absent."""
    raw = level.value(tag)
    if not raw:
        return ""
    text = decoded(Value("LO", raw, charset=level.charset)).strip()
    return "".join(character if character.isprintable() else " " for character in text)


_REFERENCED_PLANS, _REFERENCED_UID = tag_of("ReferencedRTPlanSequence"), tag_of("ReferencedSOPInstanceUID")
_DAYS = tuple(tag_of(name) for name in ("TreatmentDate", "AcquisitionDate", "ContentDate", "SeriesDate"))


def record_plan_uid(subject: Subject) -> str | None:
    """Return the plan an object refers to; None when it names none."""
    return next(
        (item.text(_REFERENCED_UID) or None for item in subject.dataset.items(_REFERENCED_PLANS)), None
    )


def record_fractions(subject: Subject) -> tuple[int, ...]:
    """Return the Current Fraction Numbers of a treatment record, each once, in order."""
    stated = (beam.text(tag_of("CurrentFractionNumber")) for beam in subject.session_beams())
    return tuple(sorted({int(number) for number in stated if number.isdecimal()}))


def record_day(subject: Subject) -> date | None:
    """Return the day of treatment or acquisition, as the object's system writes it; None when unsaid."""
    for tag in _DAYS:
        text = subject.dataset.text(tag)
        if text:
            try:
                return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
            except ValueError:
                return None
    return None
