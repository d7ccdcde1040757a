"""Where a patient stands and whether the copy is enough to treat: the domain's rules on what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.looked import Arrived
from beamkeeper.domain.chain import resolve_chain
from beamkeeper.domain.change import Change, Grade
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.crosscheck import unknown_plans
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.position import ConflictKind
from beamkeeper.domain.readiness import readiness
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary
from beamkeeper.wire.dicom.reader import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from beamkeeper.app.jobs.looked import PatientFacts
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.meterset import MetersetTolerance
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.domain.readiness import Readiness
    from beamkeeper.vault import StoredObject

    HeldByOthers = Callable[[Collection[str]], Mapping[str, str]]

FOREIGN = (
    "It names another Patient ID or SOP Instance UID than it was asked for by: a person must say whose it is."
)
UNASSIGNED = "It names no plan that is kept here: a person must say which plan and fraction it belongs to."
MOVED = "An object of the same SOP Instance UID is kept under another patient: a person must say whose it is."

QUARANTINE = "quarantine/"
"""Where a parcel holds bytes that are no whole object."""


def stand(
    facts: PatientFacts, held: Iterable[Arrived | StoredObject], *, tolerance: MetersetTolerance
) -> tuple[CoursePosition, tuple[Readiness, ...]]:
    """Return the position in the course and the readiness of every plan that treats.

    Parameters
    ----------
    held
        Everything the vault holds of the patient after tonight: what chains are complete by.
    tolerance
        From the site file.
    """
    described = {item.ref.sop_instance_uid: item for item in facts.objects}
    named = tuple(held)
    undescribed = (
        item for item in named if item.sop_instance_uid not in described and not is_quarantined(item)
    )
    objects = [*described.values(), *map(named_only, undescribed)]
    contents = [item.content for item in facts.objects]
    plans = [content for content in contents if isinstance(content, Plan)]
    records = [content for content in contents if isinstance(content, TreatmentRecord)]
    position = course_position(
        plans,
        records,
        patient_id=facts.entry.patient.patient_id,
        tolerance=tolerance,
        ois_counts=() if facts.since_night else facts.entry.counts,
        summaries=[content for content in contents if isinstance(content, TreatmentSummary)],
    )
    if facts.since_night:
        position = _as_the_ois_was_asked(position, facts, plans, records, tolerance)
    held_uids = described.keys() | {item.sop_instance_uid for item in named}
    unknown = unknown_plans(facts.entry.counts, held_uids)
    position = replace(position, conflicts=(*position.conflicts, *unknown))
    chain = resolve_chain(objects)
    return position, tuple(readiness(plan, chain, position) for plan in plans if plan.is_clinical)


def _as_the_ois_was_asked(
    position: CoursePosition,
    facts: PatientFacts,
    plans: Sequence[Plan],
    records: Iterable[TreatmentRecord],
    tolerance: MetersetTolerance,
) -> CoursePosition:
    """Return the position with what the OIS counted otherwise, held against the records of then."""
    later = frozenset(facts.since_night)
    then = course_position(
        plans,
        [record for record in records if record.sop_instance_uid not in later],
        patient_id=facts.entry.patient.patient_id,
        tolerance=tolerance,
        ois_counts=facts.entry.counts,
    )
    said = {
        at.plan_uid: tuple(one for one in at.conflicts if one.kind is ConflictKind.COUNT_DIFFERS)
        for at in then.plans
    }
    own = (replace(at, conflicts=(*at.conflicts, *said.get(at.plan_uid, ()))) for at in position.plans)
    return replace(position, plans=tuple(own))


def with_unassigned_named(
    comparisons: Iterable[ObjectComparison], position: CoursePosition
) -> tuple[ObjectComparison, ...]:
    """Return the comparisons with every treatment record that belongs to no plan put before a person.

    Such a record was delivered to somebody: it is never merely "new".
    """
    unassigned = frozenset(position.unassigned_record_uids)
    said = Change(path="", old=None, new=None, text=UNASSIGNED, grade=Grade.CLINICAL)
    return _before_a_person(comparisons, unassigned, said)


def with_foreign_named(
    comparisons: Iterable[ObjectComparison], foreign: Iterable[ClinicalObject]
) -> tuple[ObjectComparison, ...]:
    """Return the comparisons with every new object that names another patient put before a person.

    Images are counted by `foreign_in_words` instead: a series has hundreds.
    """
    uids = {item.ref.sop_instance_uid for item in foreign if item.kind is not ObjectKind.IMAGE}
    said = Change(path="PatientID", old=None, new=None, text=FOREIGN, grade=Grade.CLINICAL)
    return _before_a_person(comparisons, uids, said)


def with_moved_named(
    comparisons: Iterable[ObjectComparison], held_by_others: HeldByOthers
) -> tuple[ObjectComparison, ...]:
    """Return the comparisons with every new object put before a person that another patient has as well.

    A SOP Instance UID is one object: it moved from one patient to the other, rightly or wrongly.
    """
    told = tuple(comparisons)
    moved = held_by_others([item.sop_instance_uid for item in told if item.grade is Grade.NEW])
    said = Change(path="SOPInstanceUID", old=None, new=None, text=MOVED, grade=Grade.CLINICAL)
    return _before_a_person(told, moved, said)


def _before_a_person(
    comparisons: Iterable[ObjectComparison], uids: Collection[str], said: Change
) -> tuple[ObjectComparison, ...]:
    """Return the comparisons with every new object of these UIDs put before a person, and why."""
    return tuple(
        replace(item, expected="", changes=(*item.changes, said))
        if item.sop_instance_uid in uids and item.grade is Grade.NEW
        else item
        for item in comparisons
    )


def foreign_in_words(foreign: Sequence[ClinicalObject]) -> tuple[str, ...]:
    """Return the sentence about objects that came for one patient and name another; () when none did."""
    if not foreign:
        return ()
    count = f"{len(foreign)} objects name" if len(foreign) > 1 else "1 object names"
    return (f"{count} another Patient ID or SOP Instance UID than asked for: whose are they?",)


def is_quarantined(item: Arrived | StoredObject) -> bool:
    """Return whether the bytes are no whole DICOM object: kept, and nothing to treat from."""
    return not item.readable if isinstance(item, Arrived) else item.member.startswith(QUARANTINE)


def current_versions(kept: Iterable[StoredObject]) -> dict[str, StoredObject]:
    """Return by UID the version tonight's objects are compared with: a readable one where there is one."""
    standing = (item for item in kept if not item.superseded)
    return {item.sop_instance_uid: item for item in sorted(standing, key=_is_readable)}


def _is_readable(item: StoredObject) -> bool:
    return not is_quarantined(item)


def named_only(item: Arrived | StoredObject) -> ClinicalObject:
    """Return an object of which only the identity is remembered, an image as a rule."""
    ref = item.plain()
    return ClinicalObject(ref=ref, kind=kind_of(ref), label=item.modality)
