"""One patient's new treatment records: what may be sealed at once, and what is the night's to judge.

Only what leaves no doubt is taken: a readable record that came as it was asked for, names this person and
a plan that is kept. Everything else is left for the night, which sees the whole patient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.hour_notes import LeftForNight
from beamkeeper.app.jobs.judging import announcements_for, course_facts
from beamkeeper.app.jobs.looked import Arrived, Looked
from beamkeeper.app.jobs.remembered import without_description
from beamkeeper.app.jobs.standing import current_versions, stand, with_unassigned_named
from beamkeeper.domain.change import Grade, ObjectComparison
from beamkeeper.domain.identity import identity_of
from beamkeeper.domain.night import PatientNight
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TreatmentRecord, TreatmentSummary
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.compare import ArrivalFacts, arrival_facts, judge_expected
from beamkeeper.wire.dicom.reader import read_object_and_patient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.looked import PatientFacts
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.identity import KnownPerson
    from beamkeeper.domain.meterset import MetersetTolerance
    from beamkeeper.domain.patient import Patient
    from beamkeeper.ledger import AnnouncementRow
    from beamkeeper.vault import StoredObject
    from beamkeeper.wire.dicom.requester import ExpectedObject
    from beamkeeper.wire.dicom.spool import SpooledObject

NOT_REMEMBERED = "what is remembered of this patient is not whole: the night reads it again"
SEVERAL_VERSIONS = "it came more than once, with different bytes"
UNREADABLE = "it cannot be read"
FOREIGN = "it names another patient or object than it was asked for by"
NO_RECORD = "it is no treatment record that can be counted"
NO_PLAN = "it names no plan that is kept here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """One record that came, with how the archive listed it."""

    listed: ExpectedObject
    versions: tuple[SpooledObject, ...]


@dataclass(frozen=True, slots=True)
class _Taken:
    spooled: SpooledObject
    read: ClinicalObject
    stated: Patient
    arrival: ArrivalFacts


class _LeftOpen(Exception):
    """Why a record is the night's to judge, in words."""


def look_at_records(
    came: Sequence[Came],
    *,
    person: KnownPerson,
    facts_before: PatientFacts | None,
    kept: Sequence[StoredObject],
    read: Callable[[SpooledObject], bytes],
    announced: Iterable[AnnouncementRow],
    tolerance: MetersetTolerance,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[Looked | None, tuple[LeftForNight, ...]]:
    """Return what may be sealed of a patient's new records, None for nothing, and what is left.

    Parameters
    ----------
    person
        Who has the folder.
    kept
        Every version the vault holds of the patient's objects.
    read
        Gives the bytes of what came.
    """
    if facts_before is None or without_description(current_versions(kept).values(), facts_before):
        return None, tuple(left_for_night(one.listed, NOT_REMEMBERED) for one in came)
    plans = {item.content.sop_instance_uid for item in facts_before.objects if isinstance(item.content, Plan)}
    taken: list[_Taken] = []
    left: list[LeftForNight] = []
    for one in came:
        try:
            taken.append(_take(one, person, plans, read=read, zone=zone))
        except _LeftOpen as why:
            left.append(left_for_night(one.listed, str(why)))
    if not taken:
        return None, tuple(left)
    facts = _facts_after(facts_before, taken, now)
    position, readiness = stand(
        facts, [*current_versions(kept).values(), *_arrived(taken)], tolerance=tolerance
    )
    judged = judge_expected(
        [_comparison(one.read) for one in taken],
        announcements=announcements_for(announced, facts.pseudonym),
        course=course_facts(facts.pseudonym, facts_before, facts, zone=zone, tolerance=tolerance),
        arrivals={one.spooled.sop_instance_uid: one.arrival for one in taken},
        now=now,
    )
    night = PatientNight(
        pseudonym=facts.pseudonym,
        patient_id=facts.entry.patient.patient_id,
        patient_name=facts.entry.patient.name,
        comparisons=with_unassigned_named(judged, position),
        position=position,
        readiness=readiness,
    )
    seen = tuple((one.spooled.sop_instance_uid, one.spooled.sha256) for one in taken)
    return Looked(night=night, facts=facts, arrived=_arrived(taken), seen=seen), tuple(left)


def left_for_night(listed: ExpectedObject, why: str) -> LeftForNight:
    """Return the note of a record that is the night's to judge."""
    return LeftForNight(
        patient_id=listed.patient_id,
        sop_instance_uid=listed.sop_instance_uid,
        study_instance_uid=listed.study_instance_uid,
        why=why,
    )


def _take(
    one: Came,
    person: KnownPerson,
    plans: set[str],
    *,
    read: Callable[[SpooledObject], bytes],
    zone: ZoneInfo,
) -> _Taken:
    if len(one.versions) != 1:
        raise _LeftOpen(SEVERAL_VERSIONS)
    spooled = one.versions[0]
    data = read(spooled)
    try:
        found, stated = read_object_and_patient(data, zone=zone)
        arrival = arrival_facts(data)
    except ObjectUnreadable as error:
        raise _LeftOpen(UNREADABLE) from error
    asked_for = (one.listed.patient_id.strip(), one.listed.sop_instance_uid)
    if stated is None or (found.ref.patient_id.strip(), found.ref.sop_instance_uid) != asked_for:
        raise _LeftOpen(FOREIGN)
    how = person.likeness_to(stated)
    if how.is_other or how.is_doubtful:
        raise _LeftOpen(FOREIGN)
    if not isinstance(found.content, TreatmentRecord | TreatmentSummary):
        raise _LeftOpen(NO_RECORD)
    if found.content.referenced_plan_uid not in plans:
        raise _LeftOpen(NO_PLAN)
    return _Taken(spooled, found, stated, arrival)


def _facts_after(before: PatientFacts, taken: Sequence[_Taken], now: datetime) -> PatientFacts:
    known = {item.ref.sop_instance_uid: item for item in before.objects}
    added = {one.read.ref.sop_instance_uid for one in taken} - known.keys()
    known |= {one.read.ref.sop_instance_uid: one.read for one in taken}
    stated = (identity_of(one.stated) for one in taken)
    return replace(
        before,
        objects=tuple(known[uid] for uid in sorted(known)),
        known_as=tuple(dict.fromkeys((*before.known_as, *stated))),
        as_of=now,
        since_night=tuple(sorted({*before.since_night, *added})),
    )


def _comparison(read: ClinicalObject) -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid=read.ref.sop_instance_uid,
        sop_class_uid=read.ref.sop_class_uid,
        modality=read.ref.modality,
        kind=read.kind.value,
        label=read.label,
        grade=Grade.NEW,
    )


def _arrived(taken: Iterable[_Taken]) -> tuple[Arrived, ...]:
    return tuple(
        Arrived(
            sop_class_uid=one.spooled.sop_class_uid,
            sop_instance_uid=one.spooled.sop_instance_uid,
            study_instance_uid=one.read.ref.study_instance_uid,
            series_instance_uid=one.read.ref.series_instance_uid,
            patient_id=one.read.ref.patient_id,
            modality=one.read.ref.modality,
            transfer_syntax_uid=one.spooled.transfer_syntax_uid,
            sha256=one.spooled.sha256,
            size_bytes=one.spooled.size_bytes,
            pack=one.spooled.pack,
            offset=one.spooled.offset,
        )
        for one in taken
    )
