"""When two statements under one Patient ID are about one person."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.identity import KnownPerson, likeness, told_apart, who_is_it
from beamkeeper.domain.patient import Patient

if TYPE_CHECKING:
    import random

BORN, SWAPPED, CORRECTED = date(1960, 1, 2), date(1960, 2, 1), date(1958, 7, 1)


def said(name: str = "Jansen^Maria", born: date | None = BORN, issuer: str = "") -> Patient:
    return Patient(patient_id="P1", name=name, birth_on=born, issuer_of_patient_id=issuer)


def known(*statements: Patient) -> KnownPerson:
    return KnownPerson(pseudonym="", known_as=statements)


@pytest.mark.parametrize(
    ("other", "doubtful"),
    [
        (said("JANSEN^MARIA"), False),
        (said("Jänsen^María"), False),
        (said("Jansenn^Maria"), True),  # a corrected spelling
        (said("Peeters^Maria"), True),  # a marriage
        (said(born=CORRECTED), True),
        (said("Jansen-Peeters^Maria", SWAPPED), True),
        (said("Jansenn^Maria", CORRECTED), True),  # two slips, mended in one go
        (said("Peeters^Maria", SWAPPED), True),
        (said(born=None), False),
        (said(""), False),
        (said(issuer="HOSP"), False),
    ],
)
def test_one_fact_that_changes_splits_nobody(other: Patient, doubtful: bool) -> None:
    found = likeness(said(), other)

    assert (found.is_other, found.is_doubtful) == (False, doubtful)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (said(), said("Peeters^Karel", date(1948, 5, 6))),
        (said(), said("Jansen^Karel", date(1985, 5, 6))),  # a mother and her son
        (said(issuer="A"), said("Peeters^Karel", issuer="B")),
        (said(issuer="A"), said(born=CORRECTED, issuer="B")),
        (said("", None, "A"), said("", None, "B")),
    ],
)
def test_two_facts_that_differ_are_two_persons(one: Patient, other: Patient) -> None:
    assert likeness(one, other).is_other


def test_an_issuer_that_is_written_another_way_splits_nobody() -> None:
    assert not likeness(said(issuer="HOSP"), said(issuer="HOSPITAL")).is_other


def test_a_date_that_stands_for_none_says_nothing() -> None:
    assert not likeness(said(), said("Peeters^Maria", date(1900, 1, 1))).is_other


def test_a_marriage_and_later_a_corrected_birth_date_are_one_person_who_was_told_in_between() -> None:
    married = said("Peeters^Maria")
    corrected = said("Peeters^Maria", CORRECTED)

    assert not who_is_it(corrected, [known(said())]).indexes
    assert who_is_it(corrected, [known(said(), married)]).indexes == (0,)


def test_a_statement_without_issuer_does_not_make_a_person_like_everybody() -> None:
    person = known(said(), said(issuer="HOME"))

    assert not who_is_it(said("Peeters^Karel", issuer="OTHER"), [person]).indexes


def test_who_says_too_little_to_be_told_apart_fits_both() -> None:
    persons = [known(said()), known(said("Peeters^Karel", date(1948, 5, 6)))]

    assert who_is_it(said("", None), persons).indexes == (0, 1)
    assert who_is_it(said("Peeters^Karel", None), persons).indexes == (1,)


STATEMENTS = st.builds(
    said,
    st.sampled_from(["Jansen^Maria", "Peeters^Maria", "Peeters^Karel", ""]),
    st.sampled_from([None, BORN, SWAPPED, CORRECTED]),
    st.sampled_from(["", "A", "B"]),
)


@given(st.lists(STATEMENTS, max_size=6), st.randoms())
def test_the_order_of_statements_does_not_matter(statements: list[Patient], order: random.Random) -> None:
    shuffled = list(statements)
    order.shuffle(shuffled)

    assert told_apart(shuffled) == told_apart(statements)


@given(STATEMENTS, STATEMENTS)
def test_likeness_is_mutual(one: Patient, other: Patient) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert not likeness(one, one).different
