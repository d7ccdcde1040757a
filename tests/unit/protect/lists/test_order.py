"""The order of the list is published, total and stable, loses nobody, and gives a reason for each place."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from people_on_lists import HEAD, person

from beamkeeper.protect.lists import Section, list_rows
from beamkeeper.protect.lists.order import RULES, because, code_number, waiting_days

if TYPE_CHECKING:
    import random

DIAGNOSES = ("C61 prostate", "C53.9 cervix", "C79.5 metastasis", "")
people = st.builds(
    person,
    st.integers(0, 9999),
    name=st.sampled_from(["", "Jansen^Maria", "JANSEN^MARIA", "王^小東"]),
    given=st.sampled_from([None, 0, 1, 12, 25]),
    partial=st.booleans(),
    days_ago=st.integers(0, 30),
    code=st.sampled_from(["", "1", "2", "P3", "5", "urgent"]),
    missing=st.sampled_from([(), ("The structure set is missing.",)]),
    diagnosis=st.sampled_from(DIAGNOSES),
    appointment_in=st.sampled_from([None, timedelta(hours=1), timedelta(days=2)]),
    finished=st.booleans(),
)
departments = st.lists(people, max_size=12, unique_by=lambda item: item.pseudonym)


@given(departments, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_loses_nobody_and_does_not_hang_on_the_order_before(
    persons: list, chance: random.Random
) -> None:
    rows = list_rows(persons, HEAD)
    shuffled = [*persons]
    chance.shuffle(shuffled)

    assert list_rows(shuffled, HEAD) == rows
    assert sorted(row.pseudonym for row in rows) == sorted(item.pseudonym for item in persons)
    assert [row.rank for row in rows] == list(range(1, len(persons) + 1))


@given(departments)
@settings(max_examples=30, deadline=None)
def test_each_place_is_explained_by_the_first_rule_that_tells_two_apart(persons: list) -> None:
    rows = list_rows(persons, HEAD)

    for row, after in itertools.pairwise(rows):
        keys = [(rule.key(row), rule.key(after)) for rule in RULES]
        first = next(pair for pair in keys if pair[0] != pair[1])
        assert first[0] < first[1]
        assert row.because == because(row, after)
        assert row.because.startswith("Before ")


@given(departments)
@settings(max_examples=30, deadline=None)
def test_sections_stand_in_order_and_codes_in_order_within_them(persons: list) -> None:
    rows = list_rows(persons, HEAD)

    places = [row.section.place for row in rows]
    assert places == sorted(places)
    for section in Section:
        codes = [code_number(row) for row in rows if row.section is section]
        weighed = [1.5 if code is None else code for code in codes]
        assert weighed == sorted(weighed)


def order_of(*persons: object) -> list[str]:
    return [row.pseudonym for row in list_rows(persons, HEAD)]  # type: ignore[arg-type]


def test_on_treatment_stands_before_ready_before_not_ready_before_finished() -> None:
    finished, not_ready = person(1, given=25), person(2, given=None, code="1")
    ready, treated = person(3, given=0, code="1"), person(4, given=3, code="5")

    assert order_of(finished, not_ready, ready, treated) == ["p0004", "p0003", "p0002", "p0001"]


def test_without_a_code_a_patient_stands_behind_code_1_and_before_all_others() -> None:
    assert order_of(person(1, code="2"), person(2), person(3, code="1")) == ["p0003", "p0002", "p0001"]


def test_a_code_without_a_number_is_no_code_and_is_shown_as_it_is_written() -> None:
    rows = list_rows([person(1, code="soon"), person(2, code="2")], HEAD)

    assert (
        rows[0].because
        == "Before Patient002, Anna: triage code soon (without a number) against triage code 2."
    )


def test_a_fraction_begun_stands_before_none_begun() -> None:
    assert order_of(person(1, code="3", days_ago=9), person(2, code="3", partial=True)) == ["p0002", "p0001"]


def test_the_category_1_stands_before_not_known_before_2_before_3() -> None:
    slow, fast, unknown = person(1), person(2, diagnosis="C53.9"), person(3, diagnosis="")

    assert order_of(slow, fast, unknown) == ["p0002", "p0003", "p0001"]


def test_who_waits_longest_stands_first_and_who_nobody_knows_of_before() -> None:
    yesterday, week = person(1), person(2, days_ago=7)

    assert order_of(yesterday, week) == ["p0002", "p0001"]
    assert waiting_days(list_rows([week], HEAD)[0]) == 7


def test_the_earlier_appointment_stands_first_and_none_last() -> None:
    late, none, soon = (
        person(1, appointment_in=timedelta(days=2)),
        person(2, appointment_in=None),
        person(3, appointment_in=timedelta(hours=1)),
    )

    assert order_of(late, none, soon) == ["p0003", "p0001", "p0002"]


def test_by_name_alone_is_said_to_be_no_difference() -> None:
    rows = list_rows([person(1, "Beta^A"), person(2, "Alpha^A")], HEAD)

    assert rows[0].because == "Before Beta, A by name only: no difference in urgency."
    assert rows[1].because == "Last of the list."


def test_two_folders_of_one_person_stand_in_one_order_whatever_came_first() -> None:
    one, other = person(1, "Jansen^Maria", patient_id="7"), person(2, "Jansen^Maria", patient_id="7")

    assert order_of(one, other) == order_of(other, one) == ["p0001", "p0002"]
