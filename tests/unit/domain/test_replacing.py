"""What is next once people said that one plan holds instead of another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from course_builders import MONDAY, beam, fraction, plan, record
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.counting import course_position
from beamkeeper.domain.plan import ApprovalStatus, FractionGroup, Plan
from beamkeeper.domain.position import ConflictKind, CoursePosition, PlanPosition
from beamkeeper.domain.readiness import REMARKS_ONLY
from beamkeeper.domain.replacing import Replacement, in_effect, with_replaced

if TYPE_CHECKING:
    from beamkeeper.domain.record import TreatmentRecord

OLD, NEW, THIRD = "1.1", "1.2", "1.3"
A_PLAN = plan(OLD)


def derived(uid: str = NEW, *, of: str = OLD, fractions: int = 30) -> Plan:
    group = FractionGroup(fraction_group_number=1, number_of_fractions_planned=fractions, beam_numbers=(1, 2))
    return plan(
        uid,
        beams=(beam(1), beam(2)),
        fraction_groups=(group,),
        related_plan_uids=(("PREDECESSOR", of),),
        approval_status=ApprovalStatus.APPROVED,
    )


def of_new(number: int, uid: str = NEW) -> TreatmentRecord:
    one = fraction(number)
    return replace(one, sop_instance_uid=f"8.{uid}.{number}", referenced_plan_uid=uid)


def said(old: str = OLD, new: str = NEW, *, after: int = 2, goes_on: bool = True) -> Replacement:
    return Replacement(old_uid=old, new_uid=new, after=after, goes_on=goes_on, said="So said A and B.")


def standing(
    *records: TreatmentRecord, plans: tuple[Plan, ...] = (A_PLAN, derived()), by: tuple[Replacement, ...]
) -> CoursePosition:
    counted = course_position(plans, records, patient_id="P1")
    return with_replaced(counted, plans, in_effect(by))


def at(position: CoursePosition, uid: str) -> PlanPosition:
    return next(one for one in position.plans if one.plan_uid == uid)


def in_doubt(one: PlanPosition) -> list[str]:
    return [conflict.text for conflict in one.conflicts if conflict.kind not in REMARKS_ONLY]


def test_the_new_plan_goes_on_where_the_old_one_ended() -> None:
    found = standing(fraction(1), fraction(2), of_new(3), by=(said(),))
    new, old = at(found, NEW), at(found, OLD)

    assert (new.fractions_complete, new.next_fraction_number) == (3, 4)
    assert in_doubt(new) == []
    assert (old.fractions_complete, old.next_fraction_number, old.is_over, old.is_finished) == (
        2,
        None,
        True,
        False,
    )


def test_the_new_plan_begins_at_1_and_the_last_day_stays_known() -> None:
    new = at(standing(fraction(1), fraction(2), by=(said(goes_on=False),)), NEW)

    assert (new.fractions_complete, new.next_fraction_number) == (0, 1)
    assert new.last_treated_at == at(standing(fraction(1), fraction(2), by=()), OLD).last_treated_at


def test_who_said_it_stands_with_both_plans() -> None:
    found = standing(fraction(1), fraction(2), by=(said(),))

    for uid, kind in ((OLD, ConflictKind.REPLACED), (NEW, ConflictKind.REPLACES)):
        texts = [one.text for one in at(found, uid).conflicts if one.kind is kind]
        assert len(texts) == 1
        assert "So said A and B." in texts[0]


def test_dose_that_the_old_plan_gave_is_not_lost() -> None:
    found = standing(fraction(1), fraction(2), of_new(3), by=(said(),))
    old, new = at(found, OLD).dose_so_far_gy, at(found, NEW).dose_so_far_gy

    assert (old, new) == (4.0, 6.0)


def test_the_question_which_holds_is_answered_and_another_is_not() -> None:
    assert in_doubt(at(standing(fraction(1), fraction(2), by=()), OLD))
    assert in_doubt(at(standing(fraction(1), fraction(2), by=(said(),)), NEW)) == []

    three = (A_PLAN, derived(), derived(THIRD))
    doubts = in_doubt(at(standing(fraction(1), fraction(2), plans=three, by=(said(),)), NEW))
    assert len(doubts) == 1
    assert THIRD in doubts[0]


def test_going_back_to_the_old_plan_is_said_the_other_way_round() -> None:
    back = (said(), said(NEW, OLD, after=0, goes_on=False))
    found = standing(fraction(1), fraction(2), by=back)

    assert at(found, OLD).next_fraction_number == 3
    assert in_doubt(at(found, OLD)) == []
    assert at(found, NEW).is_replaced


def test_a_plan_of_a_plan_carries_both() -> None:
    plans = (A_PLAN, derived(), derived(THIRD, of=NEW))
    found = standing(fraction(1), fraction(2), of_new(3), plans=plans, by=(said(), said(NEW, THIRD, after=3)))

    assert at(found, THIRD).next_fraction_number == 4
    assert in_doubt(at(found, THIRD)) == []


def test_what_was_given_by_the_old_plan_since_is_a_doubt_of_the_new_one() -> None:
    new = at(standing(fraction(1), fraction(2), fraction(3), by=(said(),)), NEW)

    assert "3 fractions were given" in " ".join(in_doubt(new))


def test_a_number_that_both_gave_is_a_doubt() -> None:
    new = at(standing(fraction(1), fraction(2), of_new(2), by=(said(),)), NEW)

    assert "has a record of its own" in " ".join(in_doubt(new))


def test_a_plan_that_no_copy_holds_blocks_and_closes_nothing() -> None:
    found = standing(fraction(1), fraction(2), by=(said(new="9.9"),))

    assert "not in this copy" in found.conflicts[-1].text
    assert not at(found, OLD).is_replaced


def test_a_fraction_begun_by_the_old_plan_is_told_and_not_finished_by_the_new_one() -> None:
    begun = record("7.3", *fraction(3).deliveries[:1], at=MONDAY + timedelta(days=3))
    found = standing(fraction(1), fraction(2), begun, by=(said(),))

    assert "stays unfinished" in at(found, OLD).conflicts[-1].text
    assert at(found, NEW).next_fraction_number == 3
    assert not at(found, NEW).next_is_continuation


names = st.sampled_from([OLD, NEW, THIRD, "1.4"])


@given(st.lists(st.builds(said, names, names), max_size=8))
def test_no_words_in_any_order_close_every_plan(words: list[Replacement]) -> None:
    found = in_effect(words)
    replaced = {one.old_uid for one in found}

    assert len(replaced) == len(found)
    for one in found:
        holds, seen = one.new_uid, {one.old_uid}
        while holds in replaced:
            assert holds not in seen
            seen.add(holds)
            holds = next(other.new_uid for other in found if other.old_uid == holds)
    if words and words[-1].old_uid != words[-1].new_uid:
        assert words[-1].new_uid not in replaced


@given(st.permutations(["said", "again"]), st.booleans())
def test_the_last_word_about_a_plan_counts(order: list[str], goes_on: bool) -> None:
    words = {"said": said(), "again": said(goes_on=goes_on, after=5)}
    assert in_effect([words[one] for one in order]) == (words[order[-1]],)
