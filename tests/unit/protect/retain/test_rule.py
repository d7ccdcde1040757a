"""Who may go, who may not, and that the reason is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.retain import KeptFacts, RetainRule, VerdictKind, planned, verdict

TODAY = date(2026, 5, 1)
RULE = RetainRule()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def facts(**more: object) -> KeptFacts:
    known = {"pseudonym": "a", "last_listed_on": ago(25), "last_treated_on": ago(31), "fractions_left": 0}
    return KeptFacts(**(known | more))  # type: ignore[arg-type]


def kind(item: KeptFacts, rule: RetainRule = RULE) -> VerdictKind:
    return verdict(item, rule, TODAY).kind


def test_a_copy_goes_thirty_days_after_the_last_treatment_and_not_a_day_before() -> None:
    assert kind(facts(last_treated_on=ago(29))) is VerdictKind.KEEP
    assert kind(facts(last_treated_on=ago(30))) is VerdictKind.REMOVE
    assert "last treated 2026-04-01" in verdict(facts(last_treated_on=ago(30)), RULE, TODAY).reason


def test_a_completion_shortens_the_time_only_where_the_site_says_so() -> None:
    done = facts(last_treated_on=ago(8), completed_on=ago(7), last_listed_on=ago(7))
    assert kind(done) is VerdictKind.KEEP
    assert kind(done, RetainRule(after_completion_days=7)) is VerdictKind.REMOVE
    assert kind(done, RetainRule(after_completion_days=8)) is VerdictKind.KEEP
    unsure = facts(last_treated_on=ago(8), completed_on=ago(7), fractions_left=3)
    assert kind(unsure, RetainRule(after_completion_days=7)) is VerdictKind.KEEP
    late_record = facts(last_treated_on=ago(2), completed_on=ago(20))
    assert kind(late_record, RetainRule(after_completion_days=7)) is VerdictKind.KEEP


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"held_by": ("incident of 2026-04-20",)}, "incident of 2026-04-20"),
        ({"last_listed_on": TODAY}, "still on the list"),
        ({"fractions_left": 7}, "7 fractions are left; 2 more must release"),
        ({"fractions_left": 7, "released_by": frozenset({"anna"})}, "1 more must release"),
        ({"fractions_left": None}, "nobody can tell"),
    ],
)
def test_what_holds_a_copy_is_said(more: dict[str, object], said: str) -> None:
    found = verdict(facts(**more), RULE, TODAY)
    assert found.kind is VerdictKind.HOLD
    assert said in found.reason


def test_two_people_release_a_patient_with_fractions_left_one_does_not() -> None:
    both = frozenset({"anna", "ben"})
    assert kind(facts(fractions_left=7, released_by=both)) is VerdictKind.REMOVE
    assert kind(facts(fractions_left=7, released_by=both, held_by=("x",))) is VerdictKind.HOLD


def test_who_was_planned_and_never_treated_goes_thirty_days_after_the_last_list() -> None:
    never = {"last_treated_on": None, "fractions_left": None}
    assert kind(facts(last_listed_on=ago(29), **never)) is VerdictKind.KEEP
    assert kind(facts(last_listed_on=ago(30), **never)) is VerdictKind.REMOVE


def crowd(count: int, due: int) -> list[KeptFacts]:
    return [
        facts(pseudonym=f"p{number:03}", last_treated_on=ago(40 if number < due else 1))
        for number in range(count)
    ]


def test_an_implausibly_small_list_keeps_everybody() -> None:
    assert len(planned(crowd(20, 2), RULE, today=TODAY, listed_counts=[30, 31, 29]).removals) == 2
    for counts in ([30, 31, 14], [30, 31, 0], []):
        plan = planned(crowd(20, 2), RULE, today=TODAY, listed_counts=counts)
        assert plan.removals == ()
        assert plan.freezes


def test_many_who_would_go_at_once_all_stay() -> None:
    counts = [30, 30]
    assert len(planned(crowd(20, 4), RULE, today=TODAY, listed_counts=counts).removals) == 4
    assert planned(crowd(20, 5), RULE, today=TODAY, listed_counts=counts).removals == ()
    assert len(planned(crowd(3, 3), RULE, today=TODAY, listed_counts=counts).removals) == 3


def test_whom_two_people_released_is_not_counted_among_too_many() -> None:
    both = frozenset({"an", "bo"})
    some = [
        replace(item, released_by=both)
        if item.last_treated_on == ago(40) and item.pseudonym > "p003"
        else item
        for item in crowd(20, 9)
    ]
    assert len(planned(some, RULE, today=TODAY, listed_counts=[30]).removals) == 9
    one = [replace(item, released_by=frozenset({"an"})) for item in crowd(20, 9)]
    assert planned(one, RULE, today=TODAY, listed_counts=[30]).removals == ()


def test_a_dispute_keeps_everybody_and_is_named() -> None:
    plan = planned(
        crowd(20, 2), RULE, today=TODAY, listed_counts=[30], frozen_by=["the night of 2026-04-30 is disputed"]
    )
    assert plan.removals == ()
    assert "disputed" in plan.freezes[0].reason


DAYS = st.integers(-5, 400).map(ago)


@given(
    last_listed_on=DAYS,
    last_treated_on=st.none() | DAYS,
    completed_on=st.none() | DAYS,
    fractions_left=st.none() | st.integers(0, 40),
    released=st.sets(st.sampled_from(["a", "b", "c"])),
    held=st.booleans(),
    completion_days=st.none() | st.integers(0, 60),
)
def test_nobody_goes_who_was_treated_lately_is_listed_is_held_or_has_fractions_left(
    last_listed_on: date,
    last_treated_on: date | None,
    completed_on: date | None,
    fractions_left: int | None,
    released: set[str],
    held: bool,
    completion_days: int | None,
) -> None:
    item = KeptFacts(
        pseudonym="a",
        last_listed_on=last_listed_on,
        last_treated_on=last_treated_on,
        completed_on=completed_on,
        fractions_left=fractions_left,
        released_by=frozenset(released),
        held_by=("incident",) * held,
    )
    rule = RetainRule(after_completion_days=completion_days)
    found = verdict(item, rule, TODAY)
    assert found.reason
    if found.kind is not VerdictKind.REMOVE:
        return
    assert not held
    assert last_listed_on < TODAY
    assert found.due_on <= TODAY
    may_be_shorter = completed_on is not None and fractions_left == 0 and completion_days is not None
    shortest = min(30, completion_days if may_be_shorter else 30)  # type: ignore[type-var]
    assert (last_treated_on or last_listed_on) <= ago(shortest)
    if fractions_left and completed_on is None:
        assert len(released) >= 2
