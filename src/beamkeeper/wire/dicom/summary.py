"""A course position as an RT Treatment Summary Record: how far a patient is, for systems that read DICOM.

It is computed, and says so: by whom it was made, from which records, what they do not agree on. It records no
delivery, and is no reason to give a fraction.

References
----------
DICOM PS3.3 A.31 (IOD), C.8.8.17 (RT General Treatment Record), C.8.8.23 (RT Treatment Summary Record)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import RTTreatmentSummaryRecordStorage

from beamkeeper.domain.plan import RadiationType
from beamkeeper.domain.words import plural
from beamkeeper.wire.dicom.own_object import bare, plain, put_patient, reference, uid_of, whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

    from beamkeeper.domain.objects import ObjectRef
    from beamkeeper.domain.patient import Patient
    from beamkeeper.domain.plan import FractionGroup, Plan
    from beamkeeper.domain.position import FractionState, PlanPosition

COMMENT_CHARACTERS_MAX: Final = 1024
"""Of ST (PS3.5 6.2)."""
DOSE_AGREES: Final = 0.01
"""Part by which the dose by beams and the dose by prescription may differ and still be said as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryFacts:
    """What a summary is made of.

    Attributes
    ----------
    plan_ref
        The plan's identity; its study is the summary's.
    records
        The treatment records that were counted.
    zone
        Whose wall clock dates and times are on, as machines write them.
    known_until
        Up to when records were seen: what was given later is not in it.
    made_at
        Aware.
    instance_number
        Higher for a later one: each change of the status is an instance of its own.
    """

    patient: Patient
    site_name: str
    plan: Plan
    plan_ref: ObjectRef
    position: PlanPosition
    known_until: datetime
    made_at: datetime
    zone: tzinfo
    records: tuple[ObjectRef, ...] = ()
    instance_number: int = 1

    def __post_init__(self) -> None:
        """Refuse a position of another plan."""
        uids = {self.plan.sop_instance_uid, self.plan_ref.sop_instance_uid, self.position.plan_uid}
        if len(uids) != 1:
            raise ValueError("plan, reference and position are of different plans")
        if self.made_at.tzinfo is None or self.known_until.tzinfo is None:
            raise ValueError("an instant without its zone")


def treatment_summary(facts: SummaryFacts) -> bytes:
    """Return a whole DICOM file; the same facts give the same file, other facts another UID."""
    item = Dataset()
    put_patient(item, facts.patient, site_name=facts.site_name)
    whose = (facts.site_name, facts.patient.issuer_of_patient_id, facts.patient.patient_id)
    study = facts.plan_ref.study_instance_uid or uid_of(*whose, "study")
    item.SOPClassUID = RTTreatmentSummaryRecordStorage
    item.StudyInstanceUID = study
    item.SeriesInstanceUID = uid_of(*whose, "treatment summary", "series", study)
    item.StudyDate = item.StudyTime = item.AccessionNumber = item.ReferringPhysicianName = item.StudyID = ""
    item.Modality = "RTRECORD"
    item.SeriesNumber, item.InstanceNumber = 1, facts.instance_number
    item.SeriesDescription = "Treatment summary, computed"
    item.OperatorsName = ""
    local = facts.made_at.astimezone(facts.zone)
    item.InstanceCreationDate, item.InstanceCreationTime = f"{local:%Y%m%d}", f"{local:%H%M%S}"
    item.ReferencedRTPlanSequence = Items(
        [reference(facts.plan_ref.sop_class_uid, facts.plan_ref.sop_instance_uid)]
    )
    if facts.records:
        item.ReferencedTreatmentRecordSequence = Items(
            reference(one.sop_class_uid, one.sop_instance_uid) for one in facts.records
        )
    _put_course(item, facts)
    item.SOPInstanceUID = uid_of(*whose, "treatment summary", hashlib.sha256(bare(item)).hexdigest())
    return whole_file(item)


def _put_course(item: Dataset, facts: SummaryFacts) -> None:
    position = facts.position
    item.CurrentTreatmentStatus = _status(position)
    item.TreatmentStatusComment = _comment(facts)
    item.TreatmentDate, item.TreatmentTime = _day_and_time(position.last_treated_at, facts.zone)
    item.FirstTreatmentDate = _day_and_time(position.first_treated_at, facts.zone)[0]
    item.MostRecentTreatmentDate = item.TreatmentDate
    item.FractionGroupSummarySequence = Items(_group(group, facts) for group in facts.plan.fraction_groups)
    doses = list(_doses(facts))
    if doses:
        item.TreatmentSummaryCalculatedDoseReferenceSequence = Items(doses)


def _status(position: PlanPosition) -> str:
    """Return the status that records can show; whether a break is meant, they do not."""
    if position.is_finished:
        return "COMPLETED"
    return "ON_TREATMENT" if any(state.begun for state in position.fractions) else "NOT_STARTED"


def _group(group: FractionGroup, facts: SummaryFacts) -> Dataset:
    states = [
        state
        for state in facts.position.fractions
        if state.fraction_group_number == group.fraction_group_number and state.begun
    ]
    of_group = [beam for beam in facts.plan.beams if beam.beam_number in group.beam_numbers]
    is_brachy = any(beam.radiation_type is RadiationType.BRACHY for beam in of_group)
    planned = group.number_of_fractions_planned
    item = Dataset()
    item.ReferencedFractionGroupNumber = group.fraction_group_number
    item.FractionGroupType = "BRACHY" if is_brachy else "EXTERNAL_BEAM"
    item.NumberOfFractionsPlanned = "" if planned is None else planned
    item.NumberOfFractionsDelivered = sum(state.complete for state in states)
    if states:
        item.FractionStatusSummarySequence = Items(_fraction(state, facts.zone) for state in states)
    return item


def _fraction(state: FractionState, zone: tzinfo) -> Dataset:
    item = Dataset()
    item.ReferencedFractionNumber = state.fraction_number
    item.TreatmentDate, item.TreatmentTime = _day_and_time(
        state.last_treated_at or state.first_treated_at, zone
    )
    # What was begun and not finished did not end normally, whatever each of its records says.
    item.TreatmentTerminationStatus = "NORMAL" if state.complete else "UNKNOWN"
    return item


def _doses(facts: SummaryFacts) -> Iterator[Dataset]:
    """Yield the dose to each prescribed target, where it is known without doubt.

    That is: one fraction group, all its fractions given whole, a number planned, and the dose by the beams
    in agreement.
    """
    position, groups = facts.position, facts.plan.fraction_groups
    planned = groups[0].number_of_fractions_planned if len(groups) == 1 else None
    if not planned or position.fractions_partial or not 0 < position.fractions_complete <= planned:
        return
    targets = [
        (target.description, target.target_prescription_dose_gy)
        for target in facts.plan.dose_references
        if target.dose_reference_type == "TARGET" and target.target_prescription_dose_gy
    ]
    by_beams = position.dose_so_far_gy
    for description, prescribed in targets:
        given = (prescribed or 0.0) * position.fractions_complete / planned
        if len(targets) == 1 and by_beams is not None and abs(given - by_beams) > DOSE_AGREES * given:
            return
        item = Dataset()
        item.DoseReferenceDescription = plain(description, COMMENT_CHARACTERS_MAX)
        item.CumulativeDoseToDoseReference = f"{given:.4f}".rstrip("0").rstrip(".")
        yield item


def _comment(facts: SummaryFacts) -> str:
    """Say how it came about, what is open, and what does not agree: as much as there is room for."""
    position = facts.position
    until = facts.known_until.astimezone(facts.zone)
    planned = "an unstated number" if position.fractions_planned is None else position.fractions_planned
    count = plural(len(facts.records), "treatment record")
    sentences = [
        f"Computed by Beamkeeper from {count} seen until {until:%Y-%m-%d %H:%M %z}; no record of a delivery.",
        f"{position.fractions_complete} of {planned} fractions complete.",
    ]
    if position.fractions_partial:
        sentences.append(f"{position.fractions_partial} begun and not finished: to be finished first.")
    if position.open_portfilms:
        sentences.append("Open port films gave dose that is in no fraction.")
    if position.conflicts:
        sentences.append(f"NOT CERTAIN, {len(position.conflicts)} things to clear up:")
        sentences += [conflict.text for conflict in position.conflicts]
    text = ""
    for place, sentence in enumerate(sentences):
        left = len(sentences) - place
        more = f" ({left} more sentences are in the dossier.)"
        said = f"{text} {plain(sentence, COMMENT_CHARACTERS_MAX)}".lstrip()
        is_last = left == 1
        if len(said.encode()) > COMMENT_CHARACTERS_MAX - (0 if is_last else len(more)):
            return text + more
        text = said
    return text


def _day_and_time(instant: datetime | None, zone: tzinfo) -> tuple[str, str]:
    if instant is None:
        return "", ""
    local = instant.astimezone(zone)
    return f"{local:%Y%m%d}", f"{local:%H%M%S}"
