"""Looking at one patient: collect, compare with what the vault holds, say where they stand.

Joins collecting, comparing and the rules of the domain; decides nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.against import against, before
from beamkeeper.app.jobs.held import arrived_again, nothing_listed, still_lost
from beamkeeper.app.jobs.judging import announcements_for, course_facts, entropy_sample
from beamkeeper.app.jobs.looked import Arrived, Looked, PatientFacts
from beamkeeper.app.jobs.remembered import (
    FORGOTTEN,
    NOT_DESCRIBED,
    describe,
    in_outline,
    without_description,
)
from beamkeeper.app.jobs.standing import (
    current_versions,
    foreign_in_words,
    is_quarantined,
    stand,
    with_foreign_named,
    with_moved_named,
    with_unassigned_named,
)
from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.domain.exported import exports_failed, exports_not_kept
from beamkeeper.domain.night import NotKept, PatientNight
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.prescribed import counted_otherwise, last_counts, last_known, prescribed_otherwise
from beamkeeper.errors import IntegrityError, KeyUnavailable, ObjectUnreadable
from beamkeeper.protect.collect import Collection, Outcome
from beamkeeper.protect.compare import (
    ArrivalFacts,
    CompareRules,
    EntropySample,
    arrival_facts,
    judge_expected,
)
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.bytes_at_hand import BytesAtHand
    from beamkeeper.app.jobs.held import Lost
    from beamkeeper.app.jobs.looked import ListedPatient
    from beamkeeper.app.jobs.standing import HeldByOthers
    from beamkeeper.domain.clinical import ClinicalObject
    from beamkeeper.domain.meterset import MetersetTolerance
    from beamkeeper.domain.plan import Course
    from beamkeeper.domain.position import CoursePosition
    from beamkeeper.domain.readiness import Readiness
    from beamkeeper.ledger import AnnouncementRow
    from beamkeeper.vault import StoredObject
    from beamkeeper.wire.dicom.requester import ExpectedObject
    from beamkeeper.wire.dicom.spool import SpooledObject

NEW_PATIENT = "kept for the first time"
GONE = "The source no longer lists it. The vault keeps the last copy."
BACK = "It had gone at the source and is back, with the same bytes."


@dataclass
class _Findings:
    """What comes together while one patient is looked at."""

    patient_id: str
    comparisons: list[ObjectComparison] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    not_kept: list[NotKept] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)
    unsent: tuple[str, ...] = ()
    facts: dict[str, ClinicalObject] = field(default_factory=dict)
    arrivals: dict[str, ArrivalFacts] = field(default_factory=dict)
    samples: list[EntropySample] = field(default_factory=list)
    identical_count: int = 0
    foreign: list[ClinicalObject] = field(default_factory=list)
    back: list[StoredObject] = field(default_factory=list)
    quarantined: frozenset[tuple[str, str]] = frozenset()
    unreadable_before: int = 0


def look(
    listed: ListedPatient,
    collection: Collection,
    *,
    pushed: frozenset[str],
    kept: Sequence[StoredObject],
    lost: Lost,
    facts_before: PatientFacts | None,
    at_hand: BytesAtHand,
    rules: CompareRules,
    announced: Iterable[AnnouncementRow],
    held_by_others: HeldByOthers,
    tolerance: MetersetTolerance,
    zone: ZoneInfo,
    now: datetime,
) -> Looked:
    """Return everything tonight's collection says about one patient.

    Parameters
    ----------
    pushed
        Which objects of the collection were sent to us and are listed by no source.
    kept
        Every version the vault holds of the patient's objects.
    lost
        What the vault should hold of them and does not.
    facts_before
        What the RT objects said last night; None on the first.
    at_hand
        Gives the bytes of an object, from the spool or out of the vault.
    held_by_others
        Says which of some SOP Instance UIDs are kept under other patients.
    tolerance
        When a meterset counts as given.
    """
    current = current_versions(kept)
    found, facts_before = _compare_all(
        listed, collection, kept, facts_before, lost=lost, at_hand=at_hand, rules=rules, zone=zone
    )
    never_listed = _never_listed(pushed, collection, facts_before)
    gone = _gone(collection, current, never_listed, found)
    found.disagreements += foreign_in_words(found.foreign)
    _not_kept(collection, found)
    found.not_kept += still_lost(lost, collection.received)
    if not (kept or collection.expected or collection.unavailable_sources):
        found.not_kept += nothing_listed(listed.entry)
    facts = PatientFacts(
        pseudonym=listed.pseudonym,
        entry=listed.entry,
        objects=tuple(found.facts[uid] for uid in sorted(found.facts)),
        pushed=tuple(sorted(never_listed)),
        prescribed=_last_courses(listed, facts_before),
        counted=last_counts(facts_before.counted if facts_before else (), listed.entry.counts),
    )
    _hold_exports_against(facts, found, now=now)
    position, readiness = stand(facts, [*current.values(), *found.arrived], tolerance=tolerance)
    if kept or lost:
        judged = judge_expected(
            found.comparisons,
            announcements=announcements_for(announced, listed.pseudonym),
            course=course_facts(listed.pseudonym, facts_before, facts, zone=zone, tolerance=tolerance),
            arrivals=found.arrivals,
            now=now,
        )
    else:
        judged = _all_first(found.comparisons)
    judged = with_foreign_named(with_unassigned_named(judged, position), found.foreign)
    judged = (*with_moved_named(judged, held_by_others), *_ordered_otherwise(listed, facts_before))
    night = _as_night(listed, collection, found, comparisons=judged, position=position, readiness=readiness)
    return _as_looked(night, replace(facts, namesakes=listed.namesakes), found, gone)


def _hold_exports_against(facts: PatientFacts, found: _Findings, *, now: datetime) -> None:
    """Name what the planning system sent and is not kept, and what it could not send."""
    plans = [item.content for item in facts.objects if isinstance(item.content, Plan)]
    exports = [export for chart in facts.entry.charts for export in chart.exports]
    found.not_kept += [
        NotKept(sop_instance_uid="", what="approved plan", reason=said)
        for said in exports_not_kept(exports, plans, now=now)
    ]
    found.unsent = exports_failed(exports)


def _last_courses(listed: ListedPatient, facts_before: PatientFacts | None) -> tuple[Course, ...]:
    before = facts_before.prescribed if facts_before else ()
    return last_known(before, listed.entry.courses, is_named=bool(listed.entry.charts))


def _ordered_otherwise(
    listed: ListedPatient, facts_before: PatientFacts | None
) -> tuple[ObjectComparison, ...]:
    """Return what the OIS orders otherwise than it last did."""
    if facts_before is None:
        return ()
    plans = (item.content for item in facts_before.objects if isinstance(item.content, Plan))
    labels = {plan.sop_instance_uid: plan.rt_plan_label for plan in plans}
    return (
        *prescribed_otherwise(
            facts_before.prescribed, listed.entry.courses, is_named=bool(listed.entry.charts)
        ),
        *counted_otherwise(facts_before.counted, listed.entry.counts, labels),
    )


def _as_looked(night: PatientNight, facts: PatientFacts, found: _Findings, gone: Sequence[str]) -> Looked:
    return Looked(
        night=night,
        facts=facts,
        arrived=tuple(found.arrived),
        seen=tuple(found.seen),
        gone=tuple(gone),
        samples=tuple(found.samples),
        unreadable_before=found.unreadable_before,
    )


def _never_listed(
    pushed: frozenset[str], collection: Collection, facts_before: PatientFacts | None
) -> frozenset[str]:
    """Return what was sent to us, tonight or before, and is listed by no source until now."""
    sent = pushed | frozenset(facts_before.pushed if facts_before else ())
    return sent - (frozenset(collection.expected) - pushed)


def _compare_all(
    listed: ListedPatient,
    collection: Collection,
    kept: Sequence[StoredObject],
    facts_before: PatientFacts | None,
    *,
    lost: Lost,
    at_hand: BytesAtHand,
    rules: CompareRules,
    zone: ZoneInfo,
) -> tuple[_Findings, PatientFacts | None]:
    """Return what comparing found, and last night's facts with anything forgotten described anew."""
    current = current_versions(kept)
    found = _Findings(
        patient_id=listed.entry.patient.patient_id,
        disagreements=list(listed.entry.disagreements),
        quarantined=frozenset((item.sop_instance_uid, item.sha256) for item in kept if is_quarantined(item)),
    )
    changed = _sort_out(collection, current, lost, found)
    forgotten = without_description(current.values(), facts_before)
    at_hand.prepare(changed, current, also=forgotten)
    if forgotten:
        facts_before = describe(forgotten, facts_before, listed, at_hand=at_hand, zone=zone)
        found.disagreements.append(FORGOTTEN)
    found.facts = {item.ref.sop_instance_uid: item for item in (facts_before.objects if facts_before else ())}
    found.comparisons += [_as_kept(item, BACK, Grade.ADMINISTRATIVE, found) for item in found.back]
    for spooled, listed_as in changed:
        before_it = current.get(spooled.sop_instance_uid)
        _compare(spooled, listed_as, before_it, at_hand=at_hand, rules=rules, zone=zone, found=found)
    return found, facts_before


def _all_first(comparisons: Iterable[ObjectComparison]) -> tuple[ObjectComparison, ...]:
    """Return the comparisons of a patient kept for the first time: what is new was to be expected."""
    return tuple(
        replace(item, expected=NEW_PATIENT) if item.grade is Grade.NEW else item for item in comparisons
    )


def _as_night(
    listed: ListedPatient,
    collection: Collection,
    found: _Findings,
    *,
    comparisons: tuple[ObjectComparison, ...],
    position: CoursePosition,
    readiness: tuple[Readiness, ...],
) -> PatientNight:
    """Return the patient as the report will show them, not yet stored."""
    return PatientNight(
        pseudonym=listed.pseudonym,
        patient_id=listed.entry.patient.patient_id,
        patient_name=listed.entry.patient.name,
        reasons=tuple(dict.fromkeys(claim.reason for claim in listed.entry.claims)),
        finished=listed.entry.finished,
        expected_count=len(collection.expected),
        received_count=sum(o is Outcome.RECEIVED for o in collection.outcomes.values()),
        identical_count=found.identical_count,
        not_kept=tuple(found.not_kept),
        comparisons=comparisons,
        disagreements=tuple(found.disagreements),
        unsent=found.unsent,
        position=position,
        readiness=readiness,
        error=_error(collection),
    )


def _sort_out(
    collection: Collection, current: Mapping[str, StoredObject], lost: Lost, found: _Findings
) -> list[tuple[SpooledObject, ExpectedObject]]:
    """Count what is identical, set apart what is back; return the rest, with how the source listed it."""
    changed = []
    for uid, versions in collection.received.items():
        kept = current.get(uid)
        for spooled in versions:
            found.seen.append((uid, spooled.sha256))
            # What cannot be read is said every night, not only the first: it is nothing to treat from.
            if kept is not None and kept.sha256 == spooled.sha256 and not is_quarantined(kept):
                _same_bytes(kept, found)
            elif not spooled.known and (uid, spooled.sha256) in lost:
                _same_bytes(lost[uid, spooled.sha256], found)
                found.arrived.append(arrived_again(lost[uid, spooled.sha256], spooled))
            else:
                changed.append((spooled, collection.expected[uid]))
        if len(versions) > 1:
            found.disagreements.append(
                f"One object came {len(versions)} times with different bytes: all are kept ({uid})."
            )
    return changed


def _same_bytes(kept: StoredObject, found: _Findings) -> None:
    """Count an object whose bytes are the kept ones: as identical, or as back when it had gone."""
    if kept.present:
        found.identical_count += 1
    else:
        found.back.append(kept)


def _compare(
    spooled: SpooledObject,
    listed_as: ExpectedObject,
    kept: StoredObject | None,
    *,
    at_hand: BytesAtHand,
    rules: CompareRules,
    zone: ZoneInfo,
    found: _Findings,
) -> None:
    """Compare one object that is not identical, and note what must be sealed."""
    try:
        new = at_hand.arrived(spooled)
    except (IntegrityError, KeyUnavailable) as error:
        # The bytes were not taken because the vault has them, and cannot be had from there: this object
        # is not kept tonight, all others are.
        found.seen.remove((spooled.sop_instance_uid, spooled.sha256))
        found.not_kept.append(_not_had(spooled, listed_as, error))
        return
    try:
        read = read_object(new, zone=zone)
    except ObjectUnreadable as error:
        is_news = not _is_known_damage(spooled, found)
        samples = [entropy_sample(before(kept, at_hand), new, "")] if is_news else []
        _set_aside(_unreadable(spooled, listed_as, error), samples, spooled, listed_as, found)
        return
    compared = None if kept is None else against(kept, new, read, at_hand=at_hand, rules=rules)
    if compared is not None and compared.is_damaged:
        verdict = replace(compared.verdict, sop_instance_uid=spooled.sop_instance_uid)
        _set_aside(verdict, compared.samples, spooled, listed_as, found)
        return
    asked_for = (found.patient_id.strip(), spooled.sop_instance_uid)
    if (read.ref.patient_id.strip(), read.ref.sop_instance_uid) != asked_for:
        as_asked = replace(read.ref, sop_instance_uid=spooled.sop_instance_uid)
        found.foreign.append(replace(read, ref=as_asked))
    if at_hand.imprints is not None:
        at_hand.imprints.take(spooled.sha256, new)
    if not spooled.known:
        found.arrived.append(_arrived(spooled, listed_as, read))
    if compared is None:
        found.comparisons.append(_new(spooled, read))
        found.arrivals[spooled.sop_instance_uid] = arrival_facts(new)
    else:
        found.comparisons.append(compared.verdict)
        found.samples += compared.samples
    if read.kind not in NOT_DESCRIBED:
        found.facts[spooled.sop_instance_uid] = in_outline(read)


def _new(spooled: SpooledObject, read: ClinicalObject) -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid=spooled.sop_instance_uid,
        sop_class_uid=spooled.sop_class_uid,
        modality=read.ref.modality,
        kind=read.kind.value,
        label=read.label,
        grade=Grade.NEW,
    )


def _is_known_damage(spooled: SpooledObject, found: _Findings) -> bool:
    return (spooled.sop_instance_uid, spooled.sha256) in found.quarantined


def _set_aside(
    verdict: ObjectComparison,
    samples: Sequence[EntropySample],
    spooled: SpooledObject,
    listed_as: ExpectedObject,
    found: _Findings,
) -> None:
    """Tell what cannot be read, and keep it where it takes no good version's place."""
    if _is_known_damage(spooled, found):
        found.unreadable_before += 1
    else:
        found.samples += samples
    found.comparisons.append(verdict)
    if not spooled.known:
        found.arrived.append(_arrived(spooled, listed_as, None))


def _not_had(
    spooled: SpooledObject, listed_as: ExpectedObject, error: IntegrityError | KeyUnavailable
) -> NotKept:
    reason = " ".join(text for text in (error.message, error.do_next) if text)
    return NotKept(
        sop_instance_uid=spooled.sop_instance_uid, what=listed_as.modality or "object", reason=reason
    )


def _arrived(spooled: SpooledObject, listed_as: ExpectedObject, read: ClinicalObject | None) -> Arrived:
    source = read.ref if read is not None else listed_as
    return Arrived(
        sop_class_uid=spooled.sop_class_uid,
        sop_instance_uid=spooled.sop_instance_uid,
        study_instance_uid=source.study_instance_uid,
        series_instance_uid=source.series_instance_uid,
        patient_id=source.patient_id,
        modality=source.modality,
        transfer_syntax_uid=spooled.transfer_syntax_uid,
        sha256=spooled.sha256,
        size_bytes=spooled.size_bytes,
        pack=spooled.pack,
        offset=spooled.offset,
        readable=read is not None,
    )


def _unreadable(
    spooled: SpooledObject, listed_as: ExpectedObject, error: ObjectUnreadable
) -> ObjectComparison:
    change = Change(path="", old=None, new=None, text=error.message, grade=Grade.UNREADABLE)
    return ObjectComparison(
        sop_instance_uid=spooled.sop_instance_uid,
        sop_class_uid=spooled.sop_class_uid,
        modality=listed_as.modality,
        kind=ObjectKind.OTHER.value,
        label=f"{listed_as.modality or 'object'} that cannot be read",
        grade=Grade.UNREADABLE,
        changes=(change,),
    )


def _gone(
    collection: Collection,
    current: Mapping[str, StoredObject],
    never_listed: frozenset[str],
    found: _Findings,
) -> list[str]:
    """Return what the sources no longer list; nothing is called gone while a source gave no list."""
    if collection.unavailable_sources:
        return []
    listed_before = (uid for uid, item in current.items() if item.present and uid not in never_listed)
    gone = [uid for uid in listed_before if uid not in collection.expected]
    found.comparisons += [_as_kept(current[uid], GONE, Grade.MISSING, found) for uid in gone]
    return gone


def _as_kept(item: StoredObject, text: str, grade: Grade, found: _Findings) -> ObjectComparison:
    """Return what is to be said of an object whose bytes are the kept ones, or are not there."""
    described = found.facts.get(item.sop_instance_uid)
    return ObjectComparison(
        sop_instance_uid=item.sop_instance_uid,
        sop_class_uid=item.sop_class_uid,
        modality=item.modality,
        kind=described.kind.value if described else ObjectKind.IMAGE.value,
        label=described.label if described else f"{item.modality} image",
        grade=grade,
        changes=(Change(path="", old=None, new=None, text=text, grade=grade),),
    )


def _not_kept(collection: Collection, found: _Findings) -> None:
    for uid, outcome in collection.outcomes.items():
        if outcome is not Outcome.RECEIVED:
            what = collection.expected[uid].modality or "object"
            found.not_kept.append(NotKept(sop_instance_uid=uid, what=what, reason=outcome.value))
    if found.not_kept and collection.problems:
        first, *others = found.not_kept
        said = replace(first, reason=f"{first.reason} ({' '.join(collection.problems)})")
        found.not_kept[:] = [said, *others]
    for source in collection.unavailable_sources if collection.expected else ():
        # What it holds is unknown, so the patient cannot be called whole.
        reason = next((text for text in collection.problems if text.startswith(f"{source}: ")), "no answer")
        found.not_kept.append(NotKept(sop_instance_uid="", what=f"whatever {source} holds", reason=reason))


def _error(collection: Collection) -> str:
    if collection.unavailable_sources and not collection.expected:
        return " ".join(collection.problems)
    return ""
