"""Who first: the rules decide what they can, ask what nobody knows, and a physician's word stands above."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.respond.triage import (
    Capacity,
    CutState,
    Facts,
    Statement,
    changed,
    cut,
    rank,
    read_rules,
    shipped_rules,
)
from beamkeeper.respond.triage.ranking import level_of

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES = read_rules(shipped_rules())
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
KNOWN = Facts(
    pseudonym="a",
    name="Jansen",
    begun=True,
    rcr_category=2,
    intent="radical",
    site_code=3,
    gap_days=1,
    days_since_last=3,
    fractions_left=10,
    within_hours=False,
    cord_compression=False,
    brachytherapy_pending=False,
    concurrent_chemotherapy=False,
    adjuvant_low_risk=False,
    on_hormones=False,
)


def said(about: str, value: str, pseudonym: str = "a") -> Statement:
    return Statement(pseudonym=pseudonym, about=about, value=value, reason="seen", by="Dr. P", at=NOW)


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({"rcr_category": 1}, 1),
        ({"rcr_category": 1, "begun": False}, 1),
        ({"brachytherapy_pending": True}, 1),
        ({"cord_compression": True, "rcr_category": 3, "intent": "palliative"}, 2),
        ({}, 3),
        ({"rcr_category": 3, "intent": "palliative"}, 4),
        ({"rcr_category": 3}, 4),
        ({"rcr_category": 3, "intent": None}, 4),
        ({"adjuvant_low_risk": True}, 5),
        ({"on_hormones": True}, 5),
        ({"rcr_category": None, "intent": None}, None),
        ({"rcr_category": 1, "intent": "palliative"}, 4),
    ],
)
def test_the_level_is_that_of_the_first_rule_that_holds(facts: dict[str, object], level: int | None) -> None:
    assert level_of(replace(KNOWN, **facts), RULES).number == level


def test_what_nobody_knows_is_asked_where_it_could_make_somebody_more_urgent() -> None:
    one = replace(KNOWN, cord_compression=None, brachytherapy_pending=None, adjuvant_low_risk=None)
    found = level_of(one, RULES)

    assert found.number == 3
    assert found.questions == (("brachytherapy pending", "yes", 1), ("cord compression", "yes", 2))


def test_a_question_says_which_answer_would_change_the_level() -> None:
    found = level_of(replace(KNOWN, rcr_category=None), RULES)

    assert found.questions == (("rcr category", "1", 1), ("rcr category", "2", 3), ("rcr category", "3", 4))
    assert found.asks == ("RCR category? (1: level 1; 2: level 3; 3: level 4)",)


def test_whose_level_a_physician_said_does_not_wait_by_the_code() -> None:
    ranked = rank([replace(KNOWN, site_code=5)], RULES, [said("level", "1")])

    assert cut(ranked, RULES, Capacity(places=1, percent=20)) == (CutState.TREATED,)


def test_an_answer_takes_the_question_away() -> None:
    one = replace(KNOWN, cord_compression=None)
    (ranked,) = rank([one], RULES, [said("cord_compression", "no")])

    assert (ranked.level.number, ranked.level.questions) == (3, ())
    assert rank([one], RULES, [said("cord_compression", "yes")])[0].level.number == 2


def test_a_physicians_level_stands_above_the_rules_with_name_and_reason() -> None:
    (ranked,) = rank([KNOWN], RULES, [said("level", "4"), said("level", "1")])

    assert (ranked.level.number, ranked.level.by_rule, ranked.level.overridden) == (1, 3, True)
    assert "Dr. P" in ranked.level.reason
    assert "seen" in ranked.level.reason


def test_a_word_about_one_patient_changes_no_other() -> None:
    other = replace(KNOWN, pseudonym="b", name="Peeters")
    ranked = rank([KNOWN, other], RULES, [said("level", "1", "b")])

    assert [(one.pseudonym, one.level.number) for one in ranked] == [("b", 1), ("a", 3)]


@pytest.mark.parametrize(
    ("first", "then", "because"),
    [
        ({"within_hours": True}, {"rcr_category": 1}, "an emergency of hours"),
        ({"rcr_category": 1}, {}, "level 1 against level 3"),
        ({"rcr_category": None, "intent": None}, {}, "level ? against level 3"),
        ({"rcr_category": 1}, {"rcr_category": None, "intent": None}, "level 1 against level ?"),
        ({"site_code": 1}, {"site_code": None}, "triage code 1 against no triage code"),
        ({"site_code": None}, {"site_code": 2}, "no triage code against triage code 2"),
        ({"fraction_open": True}, {}, "a fraction begun and not finished"),
        ({}, {"begun": False}, "on treatment against not begun"),
        ({"gap_days": 7}, {"gap_days": 2}, "2 days longer than allowed against 3 days to spare"),
        ({"gap_days": None}, {"gap_days": 9}, "days to spare not known against"),
        (
            {"concurrent_chemotherapy": True},
            {"concurrent_chemotherapy": None},
            "against concurrent chemotherapy not known",
        ),
        ({"concurrent_chemotherapy": None}, {}, "against no concurrent chemotherapy"),
        ({"days_since_last": 5}, {"days_since_last": 2}, "5 days ago against"),
        ({"fractions_left": 2}, {"fractions_left": 8}, "2 fractions left"),
    ],
)
def test_two_patients_are_parted_by_the_first_rule_that_differs(
    first: dict[str, object], then: dict[str, object], because: str
) -> None:
    a = replace(KNOWN, pseudonym="a", name="Zuiderwijk", **first)
    b = replace(KNOWN, pseudonym="b", name="Aerts", **then)
    ranked = rank([b, a], RULES)

    assert [one.pseudonym for one in ranked] == ["a", "b"]
    assert because in ranked[0].because


def test_whom_nothing_parts_are_parted_by_name_and_it_is_said() -> None:
    ranked = rank([KNOWN, replace(KNOWN, pseudonym="b", name="Aerts")], RULES)

    assert [one.facts.name for one in ranked] == ["Aerts", "Jansen"]
    assert ranked[0].because.endswith("by name only: no difference in urgency.")


some_facts = st.builds(
    Facts,
    pseudonym=st.uuids().map(str),
    name=st.text(max_size=5),
    begun=st.booleans(),
    in_doubt=st.booleans(),
    fraction_open=st.booleans(),
    rcr_category=st.sampled_from([None, 1, 2, 3]),
    intent=st.sampled_from([None, "radical", "palliative"]),
    site_code=st.sampled_from([None, 1, 2, 3, 4, 5]),
    gap_days=st.none() | st.integers(0, 60),
    days_since_last=st.none() | st.integers(0, 60),
    fractions_left=st.none() | st.integers(0, 40),
    within_hours=st.sampled_from([None, True, False]),
    cord_compression=st.sampled_from([None, True, False]),
    concurrent_chemotherapy=st.sampled_from([None, True, False]),
)


some_people = st.lists(some_facts, max_size=12, unique_by=lambda one: one.pseudonym)


@given(some_people, st.randoms())
def test_nobody_is_left_out_and_the_order_of_asking_changes_nothing(everybody: list[Facts], random) -> None:
    shuffled = [*everybody]
    random.shuffle(shuffled)

    assert rank(everybody, RULES) == rank(shuffled, RULES)
    assert [one.rank for one in rank(everybody, RULES)] == list(range(1, len(everybody) + 1))


@given(some_facts)
def test_not_knowing_never_makes_anybody_less_urgent_than_a_no(facts: Facts) -> None:
    unknown = level_of(replace(facts, cord_compression=None, brachytherapy_pending=None), RULES)
    no = level_of(replace(facts, cord_compression=False, brachytherapy_pending=False), RULES)

    assert unknown.number == no.number


def states(ranked: Sequence[object], places: int, percent: float | None = None) -> list[CutState]:
    return list(cut(ranked, RULES, Capacity(places=places, percent=percent)))  # type: ignore[arg-type]


def test_the_line_is_drawn_at_the_places() -> None:
    ranked = rank([replace(KNOWN, pseudonym=name, name=name) for name in "abc"], RULES)

    assert states(ranked, 2) == [CutState.TREATED, CutState.TREATED, CutState.NO_PLACE]
    assert states(ranked, 0) == [CutState.NO_PLACE] * 3


def test_a_code_whose_share_is_not_there_waits_and_takes_no_place() -> None:
    urgent = replace(KNOWN, pseudonym="u", name="u", rcr_category=1, site_code=5)
    standard = replace(KNOWN, pseudonym="s", name="s", site_code=3)
    ranked = rank([urgent, standard], RULES)

    assert states(ranked, 1, 50) == [CutState.CODE_WAITS, CutState.TREATED]
    assert states(ranked, 1, 49.9) == [CutState.CODE_WAITS, CutState.CODE_WAITS]


def test_an_emergency_of_hours_never_waits_for_a_share() -> None:
    ranked = rank([replace(KNOWN, within_hours=True, site_code=5)], RULES)

    assert states(ranked, 1, 0) == [CutState.TREATED]


def test_what_changes_with_the_capacity_is_told() -> None:
    ranked = rank([replace(KNOWN, pseudonym=name, name=name) for name in "abc"], RULES)
    found = changed(ranked, states(ranked, 1), states(ranked, 2))

    assert [(one.pseudonym, old, new) for one, old, new in found] == [
        ("b", CutState.NO_PLACE, CutState.TREATED)
    ]


@given(
    st.lists(some_facts, max_size=12, unique_by=lambda one: one.pseudonym),
    st.integers(0, 12),
    st.integers(0, 100),
)
def test_more_capacity_takes_a_place_from_nobody(everybody: list[Facts], places: int, percent: int) -> None:
    ranked = rank(everybody, RULES)
    less, more = states(ranked, places, percent), states(ranked, places + 1, percent)

    assert all(
        new is CutState.TREATED for old, new in zip(less, more, strict=True) if old is CutState.TREATED
    )
    assert sum(one is CutState.TREATED for one in less) <= places


@pytest.mark.parametrize(
    ("gap", "left", "good"),
    [(5, 20, 5), (5, 8, 3), (5, 5, 0), (5, 3, 0), (0, 3, 0), (None, 3, None), (5, None, None)],
)
def test_a_gap_can_be_made_good_on_the_days_left_until_the_planned_end(
    gap: int | None, left: int | None, good: int | None
) -> None:
    (ranked,) = rank([replace(KNOWN, gap_days=gap, fractions_left=left)], RULES)

    assert ranked.compensable_days == good


def test_of_two_who_are_alike_the_one_whose_gap_cannot_be_made_good_stands_first() -> None:
    late = replace(KNOWN, pseudonym="b", name="Maes", gap_days=5, fractions_left=6)
    early = replace(KNOWN, pseudonym="c", name="Adam", gap_days=5, fractions_left=20)
    ranked = rank([early, late], RULES)

    assert [one.facts.name for one in ranked] == ["Maes", "Adam"]
    assert "1 of 5 missed days can be made good against 5 of 5" in ranked[0].because


@pytest.mark.parametrize("fact", ["paediatric", "anaesthesia", "concurrent_chemotherapy"])
def test_every_fact_that_is_known_counts_and_is_said(fact: str) -> None:
    one = replace(KNOWN, pseudonym="b", name="Zoe", **{fact: True})
    ranked = rank([replace(KNOWN, paediatric=False, anaesthesia=False), one], RULES)

    assert ranked[0].facts.name == "Zoe"
    assert fact.replace("_", " ") in ranked[0].said_facts
    assert fact.replace("_", " ") not in ranked[1].said_facts


def test_a_sentence_about_a_gap_says_whether_public_holidays_are_known() -> None:
    longer = replace(KNOWN, pseudonym="a", gap_days=4)
    for known, said in ((False, "public holidays not known"), (True, "public holidays left out")):
        pair = [replace(one, is_by_calendar=known) for one in (longer, replace(KNOWN, pseudonym="b"))]
        assert rank(pair, RULES)[0].because.endswith(f"({said}).")
    other = replace(KNOWN, pseudonym="a", fractions_left=KNOWN.fractions_left and KNOWN.fractions_left - 1)
    assert "holidays" not in rank([replace(KNOWN, pseudonym="b"), other], RULES)[0].because
