"""Which changes need no alarm; a plan changed under its old UID always does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.protect.compare.re_encoding import whole
from tests.unit.protect.compare.synthetic_objects import ct_slice, record
from tests.unit.protect.compare.synthetic_plans import ROOT, vmat_plan

from beamkeeper.domain.change import AnnouncedScope, Grade, ObjectComparison
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.protect.compare import (
    Announcement,
    ArrivalFacts,
    CourseFacts,
    arrival_facts,
    judge_expected,
)

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
TREATED = date(2026, 3, 9)
COURSE = CourseFacts(
    patient_key="a",
    next_fractions={"plan": frozenset({7}), "lost": None},
    treatment_days=frozenset({TREATED}),
)


def comparison(kind: ObjectKind, grade: Grade, uid: str = "1.2") -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid=uid, sop_class_uid="", modality="", kind=kind.value, label="", grade=grade
    )


def announced(scope: AnnouncedScope, *, patient_key: str = "a", hours: int = 24) -> Announcement:
    return Announcement(
        patient_key=patient_key,
        scope=scope,
        reason="weight loss",
        announced_by="Dr. A",
        announced_at=NOW - timedelta(hours=24),
        expires_at=NOW - timedelta(hours=24) + timedelta(hours=hours) + timedelta(hours=1),
    )


def verdict(one: ObjectComparison, *announcements: Announcement, facts: ArrivalFacts | None = None) -> str:
    arrivals = {} if facts is None else {one.sop_instance_uid: facts}
    (judged,) = judge_expected([one], announcements=announcements, course=COURSE, arrivals=arrivals, now=NOW)
    return judged.expected


def record_of(*fractions: int, plan: str | None = "plan") -> ArrivalFacts:
    return ArrivalFacts(happened_on=TREATED, plan_uid=plan, fraction_numbers=fractions)


NEW_RECORD = comparison(ObjectKind.TREATMENT_RECORD, Grade.NEW)


def test_a_record_that_continues_the_course_is_expected() -> None:
    assert verdict(NEW_RECORD, facts=record_of(7)) == "a new fraction: number 7 of a known plan"


@pytest.mark.parametrize(
    "facts", [record_of(6), record_of(9), record_of(), record_of(7, plan=None), record_of(7, plan="other")]
)
def test_a_record_out_of_line_needs_eyes(facts: ArrivalFacts) -> None:
    assert verdict(NEW_RECORD, facts=facts) == ""


def test_a_record_of_a_plan_whose_position_is_not_known_needs_eyes() -> None:
    assert verdict(NEW_RECORD, facts=record_of(7, plan="lost")) == ""


def test_two_fractions_in_a_row_are_expected_and_a_skipped_one_is_not() -> None:
    records = [comparison(ObjectKind.TREATMENT_RECORD, Grade.NEW, uid) for uid in ("7", "8", "10")]
    arrivals = {uid: record_of(int(uid)) for uid in ("7", "8", "10")}

    judged = judge_expected(records, course=COURSE, arrivals=arrivals, now=NOW)

    assert [bool(one.expected) for one in judged] == [True, True, False]


def test_an_image_of_a_treatment_day_is_expected_and_of_another_day_not() -> None:
    image = comparison(ObjectKind.IMAGE, Grade.NEW)

    assert verdict(image, facts=ArrivalFacts(happened_on=TREATED))
    assert not verdict(image, facts=ArrivalFacts(happened_on=TREATED + timedelta(days=1)))
    assert not verdict(image, facts=ArrivalFacts())
    assert not verdict(image)


def test_an_announced_replan_covers_the_new_plan() -> None:
    expected = verdict(comparison(ObjectKind.PLAN, Grade.NEW), announced(AnnouncedScope.REPLAN))

    assert expected == "replan announced by Dr. A: weight loss"


@pytest.mark.parametrize("scope", list(AnnouncedScope))
def test_no_announcement_covers_a_plan_changed_under_its_old_uid(scope: AnnouncedScope) -> None:
    assert verdict(comparison(ObjectKind.PLAN, Grade.CLINICAL), announced(scope)) == ""


@given(
    st.sampled_from([ObjectKind.TREATMENT_RECORD, ObjectKind.TREATMENT_SUMMARY]),
    st.sampled_from([Grade.CLINICAL, Grade.ADMINISTRATIVE, Grade.MISSING, Grade.UNREADABLE]),
    st.lists(st.sampled_from(list(AnnouncedScope))),
)
def test_nothing_makes_a_changed_or_missing_record_expected(kind, grade, scopes) -> None:
    assert verdict(comparison(kind, grade), *map(announced, scopes), facts=record_of(7)) == ""


@given(st.sampled_from(list(ObjectKind)), st.lists(st.sampled_from(list(AnnouncedScope))))
def test_nothing_makes_an_unreadable_object_expected(kind, scopes) -> None:
    assert verdict(comparison(kind, Grade.UNREADABLE), *map(announced, scopes)) == ""


def test_an_announcement_ends_at_its_time_and_counts_for_its_patient_only() -> None:
    plan = comparison(ObjectKind.PLAN, Grade.NEW)

    assert verdict(plan, announced(AnnouncedScope.REPLAN, hours=23)) == ""
    assert verdict(plan, announced(AnnouncedScope.REPLAN, patient_key="b")) == ""


def test_announced_structures_may_be_redrawn_and_plans_may_not_come() -> None:
    structures = announced(AnnouncedScope.STRUCTURES)

    assert verdict(comparison(ObjectKind.STRUCTURE_SET, Grade.CLINICAL), structures)
    assert not verdict(comparison(ObjectKind.PLAN, Grade.NEW), structures)


def test_a_replan_does_not_cover_structures_changed_under_their_old_uid() -> None:
    assert not verdict(comparison(ObjectKind.STRUCTURE_SET, Grade.CLINICAL), announced(AnnouncedScope.REPLAN))


def test_what_is_identical_or_re_encoded_stays_unmarked() -> None:
    for grade in (Grade.IDENTICAL, Grade.RE_ENCODED):
        assert verdict(comparison(ObjectKind.PLAN, grade), announced(AnnouncedScope.ALL)) == ""


def test_facts_of_an_arrival_are_read_from_the_object() -> None:
    facts = arrival_facts(whole(record(7)))

    assert facts == ArrivalFacts(happened_on=date(2026, 3, 10), plan_uid=f"{ROOT}.1", fraction_numbers=(7,))
    assert arrival_facts(whole(ct_slice())) == ArrivalFacts()
    assert arrival_facts(whole(vmat_plan())).fraction_numbers == ()
