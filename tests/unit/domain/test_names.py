"""When two spellings are one name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.names import near_name, same_name

SAME = [
    ("Peeters^Jan", "PEETERS^JAN "),
    ("Peeters^Jan", "Jan Peeters"),
    ("Peeters^Jan", "Peeters, Jan"),
    ("Peeters^Jan^^^", "Peeters^Jan"),
    ("Peeters^Jan^^Dr", "Peeters^Jan"),
    ("Müller^Jörg", "Mueller^Joerg"),
    ("Müller^Jörg", "Muller^Jorg"),
    ("Łukasz^Żółć", "LUKASZ^ZOLC"),
    ("Ångström^Åsa", "Aangstroem^Aasa"),
    ("O'Brien^Anne-Marie", "OBRIEN^ANNE MARIE"),
    ("Dvořák^Antonín", "Dvorak^Antonin"),
    ("Dvořák", "Dvořák"),
    ("Wang^XiaoDong=王^小東", "WANG^XIAODONG"),
    ("Strauß^Eva", "STRAUSS^EVA"),
]

DIFFERENT = [
    ("Peeters^Jan", "Pieters^Jan"),
    ("Peeters^Jan", "Peeters^Jan^Karel"),
    ("Peeters^Jan", "Peeters"),
    ("Peeters^Jan", ""),
    ("Janssens^An", "Janssens^Jan"),
    ("王^小東", "王^小西"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_case_accents_padding_and_order_make_no_other_person(one: str, other: str) -> None:
    assert same_name(one, other)
    assert same_name(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_letter_or_another_word_is_a_real_difference(one: str, other: str) -> None:
    assert not same_name(one, other)
    assert not same_name(other, one)


@given(st.text(max_size=40))
def test_a_name_is_itself_in_any_case_and_padding(name: str) -> None:
    assert same_name(name, name)
    assert same_name(f"  {name} ", name)


@given(st.text(max_size=20), st.text(max_size=20))
def test_it_does_not_matter_who_is_asked_first(one: str, other: str) -> None:
    assert same_name(one, other) == same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Peeters^Jan", "Pieters^Jan"),
        ("Jansen^Maria", "Jansen-Peeters^Maria"),
        ("Jansen^Maria^Elisabeth", "JANSEN^MARIA"),
    ],
)
def test_a_slip_of_the_pen_or_a_part_left_out_is_near(one: str, other: str) -> None:
    assert near_name(one, other)
    assert near_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Peeters^Jan", "Peeters^Karel"),
        ("Jansen^Maria", "Peeters^Maria"),
        ("Li^An", "Lu^Bo"),
        ("Jan", "Jan^Piet"),
    ],
)
def test_another_family_or_given_name_is_not_near(one: str, other: str) -> None:
    assert not near_name(one, other)
