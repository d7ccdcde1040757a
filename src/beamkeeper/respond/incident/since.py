"""Where a patient stands now: the copy, what was given since, and which doubts people have settled.

The count is made anew of all records, those of the copy and those since, by the rules of `domain.counting`.
What other systems said of the copy stays a doubt until people settle it: they cannot be asked again. A doubt
that is settled changes no number; it says that two people looked at it and that the count stands. Which of
two plans holds is said by people, too: `replaced`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.counting import course_position
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.domain.readiness import REMARKS_ONLY
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.domain.replacing import with_replaced
from beamkeeper.respond.incident.incident import Deed
from beamkeeper.respond.incident.inventory import with_unseen_sessions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.position import CoursePosition, PlanPosition
    from beamkeeper.domain.readiness import Readiness
    from beamkeeper.domain.replacing import Replacement
    from beamkeeper.protect.lists import Person

OF_OTHERS: Final = frozenset({ConflictKind.COUNT_DIFFERS, ConflictKind.OIS_PLAN_UNKNOWN})
"""What other systems said when the copy was made; they are silent now."""
NOT_KNOWN: Final = "Where the course stands is not known."


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Something that keeps the next fraction from being sure.

    Attributes
    ----------
    key
        Of its words and of the records it is about: new evidence is a new doubt.
    """

    key: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SinceCopy:
    """What is known since the copy was made.

    Attributes
    ----------
    records
        What was given since, by machines and by hand.
    conflicts
        Doubts about these, by SOP Instance UID of the plan.
    apart
        Records that came since and are not counted: people have to say what they are, or said it.
    settled
        Keys of the doubts that people settled.
    replaced
        What people said of plans that another one replaces.
    """

    records: tuple[TreatmentRecord, ...] = ()
    conflicts: Mapping[str, tuple[Conflict, ...]]
    apart: tuple[str, ...] = ()
    settled: frozenset[str] = frozenset()
    replaced: tuple[Replacement, ...] = ()


def standing_now(person: Person, since: SinceCopy, *, attacked_at: datetime, zone: ZoneInfo) -> Person:
    """Return the patient as of now, settled doubts left out."""
    before = person.position
    if before is None:
        return person
    home = [item.content for item in person.objects if isinstance(item.content, TreatmentRecord)]
    counted = _counted(person, (*home, *since.records), since.replaced)
    position = replace(
        counted,
        plans=tuple(_with_said(at, _of_plan(before, at.plan_uid), person, since) for at in counted.plans),
        unassigned_record_uids=tuple(sorted({*counted.unassigned_record_uids, *since.apart})),
        conflicts=(*counted.conflicts, *(one for one in before.conflicts if one.kind in OF_OTHERS)),
    )
    position = _with_unseen(
        person,
        position,
        _counted(person, _until(attacked_at, (*home, *since.records)), since.replaced),
        attacked_at=attacked_at,
        zone=zone,
    )
    position = _with_doubts_of_replaced(position, since.replaced)
    now = replace(person, position=position, readiness=_readiness(person, before, position))
    return _without_settled(now, since.settled)


def _counted(
    person: Person, records: Iterable[TreatmentRecord], replaced: tuple[Replacement, ...]
) -> CoursePosition:
    counted = course_position(
        person.plans, records, patient_id=person.entry.patient.patient_id, tolerance=DEFAULT_TOLERANCE
    )
    return with_replaced(counted, person.plans, replaced)


def doubts(person: Person, plan_uid: str) -> tuple[Doubt, ...]:
    """Return what keeps the next fraction of a plan from being sure, each once."""
    at = None if person.position is None else _of_plan(person.position, plan_uid)
    if person.position is None or at is None:
        return (_doubt(NOT_KNOWN),)
    conflicts = (*at.conflicts, *person.position.conflicts)
    found = [_doubt(one.text, *one.record_uids) for one in conflicts if one.kind not in REMARKS_ONLY]
    found += [_doubt(text) for text in person.doubts]
    return tuple({one.key: one for one in found}.values())


def settled_keys(rows: Iterable[AuditRow], pseudonym: str) -> frozenset[str]:
    """Return the keys of the doubts about a patient that people settled, by the journal."""
    own = [row for row in rows if row.patient_pseudonym == pseudonym]
    taken_back = {row.details["line"] for row in own if row.action == Deed.PLAN_TAKEN_BACK}
    return frozenset(
        str(key)
        for row in own
        if row.action in _SETTLING and row.sequence not in taken_back
        for key in _keys(row.details.get("doubts"))
    )


_SETTLING: Final = frozenset({Deed.SETTLED, Deed.PLAN_REPLACED})


def _until(attacked_at: datetime, records: Iterable[TreatmentRecord]) -> list[TreatmentRecord]:
    return [one for one in records if one.treated_at is None or one.treated_at <= attacked_at]


def _with_doubts_of_replaced(position: CoursePosition, replaced: tuple[Replacement, ...]) -> CoursePosition:
    """Return a position in which what is in doubt about a replaced plan is in doubt of the one that holds."""
    at = {one.plan_uid: one for one in position.plans}
    for one in replaced:
        old, new = at.get(one.old_uid), at.get(one.new_uid)
        if old is None or new is None or not old.is_replaced:
            continue
        passed_on = [
            conflict
            for conflict in old.conflicts
            if conflict.kind not in REMARKS_ONLY | {ConflictKind.REPLACED}
        ]
        conflicts = tuple(dict.fromkeys((*new.conflicts, *passed_on)))
        at[one.new_uid] = replace(new, conflicts=conflicts)
    return replace(position, plans=tuple(at[one.plan_uid] for one in position.plans))


def _with_unseen(
    person: Person, position: CoursePosition, then: CoursePosition, *, attacked_at: datetime, zone: ZoneInfo
) -> CoursePosition:
    """Return a position with the sessions doubted that took place unseen, if they did, before the attack.

    What was given after it we saw ourselves: a fraction that was broken off then is no riddle.

    Parameters
    ----------
    then
        As counted from what was given until the attack.
    """
    doubted = with_unseen_sessions(replace(person, position=then), attacked_at=attacked_at, zone=zone)
    assert doubted.position is not None, "it was just counted"  # noqa: S101
    unseen = {
        at.plan_uid: tuple(one for one in at.conflicts if one.kind is ConflictKind.POSSIBLY_DELIVERED)
        for at in doubted.position.plans
    }
    return replace(
        position,
        plans=tuple(
            at if at.is_over else replace(at, conflicts=(*at.conflicts, *unseen.get(at.plan_uid, ())))
            for at in position.plans
        ),
    )


def _keys(said: object) -> Sequence[object]:
    return list(said) if isinstance(said, dict) else ()


def _doubt(text: str, *record_uids: str) -> Doubt:
    said = "\n".join((text, *sorted(record_uids)))
    return Doubt(key=hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16], text=text)


def _of_plan(position: CoursePosition, plan_uid: str) -> PlanPosition | None:
    return next((at for at in position.plans if at.plan_uid == plan_uid), None)


def _with_said(
    at: PlanPosition, before: PlanPosition | None, person: Person, since: SinceCopy
) -> PlanPosition:
    """Return a position with what others said of it, and what is doubtful about what was given since."""
    said = [one for one in (before.conflicts if before else ()) if one.kind in OF_OTHERS]
    newer = None if person.newer is None else _of_plan(person.newer, at.plan_uid)
    if newer is not None and newer.fractions_complete > at.fractions_complete:
        text = f"A later copy, which nobody has confirmed, counts {newer.fractions_complete} fractions."
        said.append(Conflict(kind=ConflictKind.COUNT_DIFFERS, text=text))
    return replace(at, conflicts=(*at.conflicts, *said, *since.conflicts.get(at.plan_uid, ())))


def _readiness(person: Person, before: CoursePosition, now: CoursePosition) -> tuple[Readiness, ...]:
    """Return what blocks each plan: of the copy what no count is about, and what the count says now."""

    def of_count(position: CoursePosition, plan_uid: str) -> list[Conflict]:
        at = _of_plan(position, plan_uid)
        return [*(at.conflicts if at else ()), *position.conflicts]

    def one(item: Readiness) -> Readiness:
        was = {conflict.text for conflict in of_count(before, item.plan_uid)} | {NOT_KNOWN}
        lacking = [text for text in item.blocking if text not in was]
        said = [
            conflict.text for conflict in of_count(now, item.plan_uid) if conflict.kind not in REMARKS_ONLY
        ]
        if _of_plan(now, item.plan_uid) is None:
            said.append(NOT_KNOWN)
        return replace(item, blocking=tuple(dict.fromkeys((*lacking, *said))))

    return tuple(map(one, person.readiness))


def _without_settled(person: Person, settled: frozenset[str]) -> Person:
    assert person.position is not None, "it was just counted"  # noqa: S101
    gone: set[str] = set()

    def left(conflicts: tuple[Conflict, ...]) -> tuple[Conflict, ...]:
        kept = []
        for one in conflicts:
            is_settled = _doubt(one.text, *one.record_uids).key in settled
            if is_settled and one.kind is not ConflictKind.REPLACED:
                gone.add(one.text)
            else:
                kept.append(one)
        return tuple(kept)

    position = replace(
        person.position,
        plans=tuple(replace(at, conflicts=left(at.conflicts)) for at in person.position.plans),
        conflicts=left(person.position.conflicts),
    )
    still = {one.text for at in position.plans for one in at.conflicts} | {
        one.text for one in position.conflicts
    }
    readiness = tuple(
        replace(item, blocking=tuple(text for text in item.blocking if text not in gone - still))
        for item in person.readiness
    )
    doubtful = tuple(text for text in person.doubts if _doubt(text).key not in settled)
    return replace(person, position=position, readiness=readiness, doubts=doubtful)
