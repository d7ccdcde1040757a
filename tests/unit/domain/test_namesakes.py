"""Two patients of one name are told of, each time, and nobody is told of whose name is plainly another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.census import Appointment, CensusEntry
from beamkeeper.domain.namesakes import (
    NAMED_MAX,
    Alike,
    Others,
    alike,
    alike_among,
    alike_to,
    namesakes,
)
from beamkeeper.domain.patient import Patient

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def patient(name: str, number: int = 1, born: date | None = None) -> Patient:
    return Patient(patient_id=str(number), name=name, birth_on=born)


SAME = [
    ("Jansen^Maria", "JANSEN^MARIA"),
    ("Jansen^Maria", "Jansen^María^"),
    ("Jansen^Maria", "Maria^Jansen"),
    ("Müller^Jürgen", "Mueller^Juergen"),
    ("D'Haese^Joël", "DHAESE^JOEL"),
    ("van den Berg^An", "Vandenberg^An"),
    ("Wang^XiaoDong=王^小東", "Wong^Siu Tung=王^小東"),
]
SIMILAR = [
    ("Jansen^Maria", "Janssen^Maria"),
    ("Jansen^Maria", "Jansen^Marie"),
    ("Peeters^Jan", "Peeters^An"),
    ("Jansen^Maria^Elisabeth", "Jansen^Maria"),
    ("Claes-Maes^Noor", "Claes^Noor"),
    ("Jansen^M.", "Jansen^Maria"),
    ("Jansen^J P", "Jansen^Jan Piet"),
    ("Meyer^Anna", "Meier^Anna"),
    ("van den Berge^An", "Vandenberg^An"),
]
OTHER = [
    ("Jansen^Maria", "Jansen^Piet"),
    ("Jansen^Maria", "Peeters^Maria"),
    ("de Vries^Jan", "de Boer^Piet"),
    ("", ""),
    ("^", "Jansen^Maria"),
    ("Jansen^P.", "Jansen^Maria"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_name_however_it_is_written_is_the_same_name(one: str, other: str) -> None:
    found = alike(patient(one), patient(other, 2))

    assert found == (Alike.SAME_NAME,)


@pytest.mark.parametrize(("one", "other"), SIMILAR)
def test_a_slip_a_part_that_is_missing_and_initials_are_a_very_similar_name(one: str, other: str) -> None:
    assert alike(patient(one), patient(other, 2)) == (Alike.SIMILAR_NAME,)
    assert alike(patient(other), patient(one, 2)) == (Alike.SIMILAR_NAME,)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_names_that_are_plainly_others_are_not_alike(one: str, other: str) -> None:
    assert alike(patient(one), patient(other, 2)) == ()


def test_family_and_birth_date_together_are_what_is_asked_at_the_door() -> None:
    born = date(1990, 5, 17)
    lisa, lotte = patient("Jansen^Lisa", 1, born), patient("Jansen^Charlotte", 2, born)

    assert alike(lisa, lotte) == (Alike.SAME_FAMILY_AND_BIRTH,)
    assert alike(lisa, replace(lotte, birth_on=date(1990, 5, 18))) == ()
    assert alike(replace(lisa, birth_on=None), replace(lotte, birth_on=None)) == ()


def test_one_patient_id_for_two_is_told_whatever_their_names() -> None:
    one, other = patient("Jansen^Maria", 7), patient("Peeters^Jan", 7)

    assert alike(one, other) == (Alike.SAME_ID,)
    assert alike(one, replace(one, issuer_of_patient_id="B")) == (Alike.SAME_ID, Alike.SAME_NAME)


KNOWN = sorted({name for pair in (*SAME, *SIMILAR, *OTHER) for name in pair})
BORN = [None, date(1990, 5, 17), date(1950, 1, 2)]
slipped = st.builds(
    lambda name, at, put, over: name[:at] + put + name[at + over :],
    st.sampled_from(KNOWN),
    st.integers(0, 12),
    st.sampled_from(["", "s", "é", "ß", "^", "-", " ", "="]),
    st.integers(0, 2),
)
swapped = st.sampled_from(KNOWN).map(lambda name: "^".join(reversed(name.split("^"))))
names = st.one_of(st.sampled_from(KNOWN), slipped, swapped)
people = st.builds(patient, names, st.integers(1, 5), st.sampled_from(BORN))


def plainly(everybody: list[Patient], place: int) -> dict[int, tuple[Alike, ...]]:
    found = {
        other: alike(everybody[place], everybody[other]) for other in range(len(everybody)) if other != place
    }
    return {other: how for other, how in found.items() if how}


@given(st.lists(people, max_size=7))
def test_whoever_is_alike_is_found_among_all_and_nobody_else(everybody: list[Patient]) -> None:
    found = alike_among(everybody)

    for place in range(len(everybody)):
        others = found.get(place, Others(others={}))
        assert (others.others, others.many) == (plainly(everybody, place), frozenset())


@given(people, st.lists(people, max_size=7))
def test_one_person_is_compared_as_all_are(one: Patient, others: list[Patient]) -> None:
    among = alike_among([*others, one]).get(len(others), Others(others={}))

    assert alike_to(one, others) == among


def test_a_long_list_is_compared_as_a_short_one() -> None:
    families = [f"{first}{rest}" for first in "BDKM" for rest in ("ergen", "aas", "ol", "unster", "ergens")]
    given_names = ["An", "Anna", "Jan", "Maria", "Marie", "M.", "Maria Elisabeth", "Ann Maria"]
    everybody = [
        patient(f"{family}^{name}", number % 150, BORN[number % 3])
        for number, (family, name) in enumerate(product(families, given_names))
    ]
    found = alike_among(everybody)

    assert {place: dict(others.others) for place, others in found.items()} == {
        place: others for place in range(len(everybody)) if (others := plainly(everybody, place))
    }
    assert not any(others.many for others in found.values())


CROWDS = {
    Alike.SAME_ID: [patient(name) for name in (f"{chr(0x4E00 + n)}{chr(0x5E00 + n)}" for n in range(110))],
    Alike.SAME_NAME: [patient("Test^Patient", n) for n in range(110)],
    Alike.SIMILAR_NAME: [patient(f"Patient{n:02x}^Anna", n) for n in range(110)],
    Alike.SAME_FAMILY_AND_BIRTH: [
        patient(f"Jansen^{chr(0x4E00 + n)}{chr(0x5E00 + n)}{chr(0x6E00 + n)}", n, BORN[1]) for n in range(110)
    ],
}


@pytest.mark.parametrize("how", CROWDS)
def test_of_too_many_the_first_are_kept_and_that_there_are_more(how: Alike) -> None:
    found = alike_among(CROWDS[how])
    last = alike_to(CROWDS[how][-1], CROWDS[how][:-1])

    assert {others.many for others in (*found.values(), last)} == {frozenset({how})}
    assert {len(others.others) for others in (*found.values(), last)} == {NAMED_MAX}
    assert len(found) == len(CROWDS[how])


def test_of_the_other_the_next_session_is_kept_and_no_name_number_or_date_of_birth() -> None:
    soon = Appointment(starts_at=NOW + timedelta(hours=6), activity="Treatment", machine="LINAC 3")
    over = replace(soon, starts_at=NOW - timedelta(hours=6), machine="LINAC 1")
    born = date(1962, 6, 30)
    mine = CensusEntry(patient=patient("Jansen^Maria", 20418, born), claims=())
    other = CensusEntry(patient=patient("Jansen^Maria", 20944, born), claims=(), appointments=(over, soon))
    slight = CensusEntry(patient=patient("Janssen^Maria", 20999), claims=())
    (of_mine, of_other, _) = namesakes([mine, other, slight], NOW)

    assert [one.how for one in of_mine] == [(Alike.SAME_NAME,), (Alike.SIMILAR_NAME,)]
    assert (of_mine[0].same_birth_date, of_mine[0].next_at, of_mine[0].machine) == (
        True,
        soon.starts_at,
        "LINAC 3",
    )
    assert (of_mine[1].same_birth_date, of_mine[1].next_at) == (None, None)
    assert not {"Jansen", "20418", "20944", "1962"} & set(repr(of_other).replace("'", " ").split())
