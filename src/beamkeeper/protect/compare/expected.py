"""Which changes were to be expected, and which need a person: a rule on facts, no I/O.

Expected are: a new treatment record that continues the course of a plan we know, new images of a
day on which the patient was treated, and what somebody announced, in its scope and before its end.
Never expected: any change of an object that exists. A treatment record is immutable, a replan is a
new plan with a new SOP Instance UID, and a plan that changes under its old one is exactly what this
software is there to find; no announcement covers it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from beamkeeper.clock import utc
from beamkeeper.domain.change import AnnouncedScope, Grade, ObjectComparison
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.protect.compare.subject import Subject, record_day, record_fractions, record_plan_uid
from beamkeeper.wire.dicom.elements import open_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from typing_extensions import Buffer

_REPLAN_BRINGS = frozenset(
    {
        ObjectKind.PLAN,
        ObjectKind.STRUCTURE_SET,
        ObjectKind.DOSE,
        ObjectKind.IMAGE,
        ObjectKind.RT_IMAGE,
        ObjectKind.REGISTRATION,
    }
)
_REDRAWN = frozenset({ObjectKind.STRUCTURE_SET})
_OF_A_SESSION = frozenset({ObjectKind.IMAGE, ObjectKind.RT_IMAGE, ObjectKind.REGISTRATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Somebody saying beforehand that something will change for one patient.

    Attributes
    ----------
    patient_key
        Whom it concerns, by whatever key the caller uses for all its facts.
    announced_at, expires_at
        Aware. It holds from the first instant up to, not including, the second.
    """

    patient_key: str
    scope: AnnouncedScope
    reason: str
    announced_by: str
    announced_at: datetime
    expires_at: datetime

    def holds_at(self, now: datetime) -> bool:
        """Return whether the announcement is in force."""
        return utc(self.announced_at) <= utc(now) < utc(self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalFacts:
    """What a new object says about itself, as far as it decides whether it was to be expected.

    Attributes
    ----------
    happened_on
        Day of treatment or acquisition at the site; None when not stated.
    plan_uid
        The plan a treatment record belongs to; None when it names none.
    fraction_numbers
        Current Fraction Numbers of a treatment record.
    """

    happened_on: date | None = None
    plan_uid: str | None = None
    fraction_numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFacts:
    """Where the patient stood before tonight.

    Attributes
    ----------
    patient_key
        The key announcements are matched by.
    next_fractions
        For every plan of the patient known before tonight: the fraction numbers that may be given
        next (the one that was begun, or the one after the last complete one). None: the plan is
        known and its position is not; its records then need eyes.
    treatment_days
        Days on which the patient has treatment records, tonight's included.
    """

    patient_key: str
    next_fractions: Mapping[str, frozenset[int] | None] = field(default_factory=dict)
    treatment_days: frozenset[date] = frozenset()


def arrival_facts(data: Buffer) -> ArrivalFacts:
    """Return what a new object says about itself.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object.
    """
    subject = Subject(open_object(data).dataset)
    return ArrivalFacts(
        happened_on=record_day(subject),
        plan_uid=record_plan_uid(subject),
        fraction_numbers=record_fractions(subject),
    )


def judge_expected(
    comparisons: Iterable[ObjectComparison],
    *,
    announcements: Iterable[Announcement] = (),
    course: CourseFacts,
    arrivals: Mapping[str, ArrivalFacts],
    now: datetime,
) -> tuple[ObjectComparison, ...]:
    """Return the comparisons of one patient, those that were to be expected marked with the reason.

    Parameters
    ----------
    arrivals
        Facts of new objects by SOP Instance UID; what is not there counts as unexpected.
    now
        When the night is judged; aware.
    """
    running = [one for one in announcements if one.patient_key == course.patient_key and one.holds_at(now)]
    given = _fractions_given(course, arrivals)
    return tuple(
        replace(one, expected=_reason(one, running, course, arrivals, given)) if one.needs_eyes else one
        for one in comparisons
    )


def _reason(
    one: ObjectComparison,
    running: list[Announcement],
    course: CourseFacts,
    arrivals: Mapping[str, ArrivalFacts],
    given: Mapping[str, frozenset[int]],
) -> str:
    kind = ObjectKind(one.kind)
    facts = arrivals.get(one.sop_instance_uid)
    if one.grade is Grade.NEW and facts is not None:
        if kind is ObjectKind.TREATMENT_RECORD:
            return _continues(facts, course, given)
        if kind in _OF_A_SESSION and facts.happened_on in course.treatment_days:
            return f"acquired on a treatment day ({facts.happened_on})"
    for announcement in running:
        if _covers(announcement.scope, kind, one.grade):
            return (
                f"{announcement.scope.value} announced by {announcement.announced_by}: {announcement.reason}"
            )
    return ""


def _fractions_given(course: CourseFacts, arrivals: Mapping[str, ArrivalFacts]) -> dict[str, frozenset[int]]:
    """Return which fraction numbers of each plan may have been given since last time, without a gap.

    Several fractions between two nights are ordinary (twice daily, a night missed): number k + 1 is
    expected when k is, or when a record of k came along.
    """
    given: dict[str, frozenset[int]] = {}
    for plan_uid, allowed in course.next_fractions.items():
        if allowed is None:
            continue
        came = {
            number
            for facts in arrivals.values()
            if facts.plan_uid == plan_uid
            for number in facts.fraction_numbers
        }
        reached = set(allowed)
        for number in sorted(came):
            if number - 1 in reached and number - 1 in came:
                reached.add(number)
        given[plan_uid] = frozenset(reached)
    return given


def _continues(facts: ArrivalFacts, course: CourseFacts, given: Mapping[str, frozenset[int]]) -> str:
    """Return why a new treatment record was to be expected; "" when it was not."""
    if facts.plan_uid is None or facts.plan_uid not in course.next_fractions or not facts.fraction_numbers:
        return ""
    if not set(facts.fraction_numbers) <= given.get(facts.plan_uid, frozenset()):
        return ""
    numbers = ", ".join(str(number) for number in facts.fraction_numbers)
    return f"a new fraction: number {numbers} of a known plan"


def _covers(scope: AnnouncedScope, kind: ObjectKind, grade: Grade) -> bool:
    """Return whether an announcement of that scope explains the change.

    No scope covers a clinical change of an existing plan, record, dose or image, a missing record,
    or anything unreadable.
    """
    if grade is Grade.UNREADABLE or kind in {ObjectKind.TREATMENT_RECORD, ObjectKind.TREATMENT_SUMMARY}:
        return False
    arrives_or_goes = grade in {Grade.NEW, Grade.MISSING}
    if scope is AnnouncedScope.STRUCTURES:
        return kind in _REDRAWN
    if scope is AnnouncedScope.REPLAN:
        return kind in _REPLAN_BRINGS and arrives_or_goes
    return arrives_or_goes or grade is Grade.ADMINISTRATIVE or kind in _REDRAWN
