"""Which folder is whose, and whose an object is."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.app.jobs.division import KeptBefore, Part, divide
from beamkeeper.app.jobs.folders import (
    PERSONS_OF_AN_ID_MAX,
    folders_for,
    new_folder,
    pseudonym_of,
    pseudonyms_of,
)
from beamkeeper.domain.identity import KnownPerson
from beamkeeper.domain.patient import Patient
from beamkeeper.errors import IntegrityError
from beamkeeper.protect.collect import Collection, Outcome
from beamkeeper.vault import pseudonym
from beamkeeper.wire.dicom.requester import ExpectedObject
from beamkeeper.wire.dicom.spool import SpooledObject

KEY = b"k" * 32
JAN = Patient(patient_id="P1", name="Peeters^Jan", birth_on=date(1960, 1, 2))
AN = Patient(patient_id="P1", name="Claes^An", birth_on=date(1948, 5, 6))
NOBODY = Patient(patient_id="P1", name="")
FIRST, SECOND = (pseudonym_of(KEY, "P1", number) for number in (1, 2))


def person(name: str, *known_as: Patient) -> KnownPerson:
    return KnownPerson(pseudonym=name, known_as=known_as)


def test_the_first_person_has_the_folder_a_patient_id_always_had() -> None:
    assert pseudonym(KEY, "", "P1") == FIRST
    assert SECOND != FIRST


def test_whoever_fits_a_folder_gets_it_and_the_other_a_new_one() -> None:
    assert folders_for([AN, JAN], [person(FIRST, JAN)], key=KEY) == (SECOND, FIRST)
    assert folders_for([JAN], [], key=KEY) == (FIRST,)
    assert folders_for([AN], [person(FIRST, JAN), person(SECOND, AN)], key=KEY) == (SECOND,)


PEOPLE = st.lists(st.sampled_from([JAN, AN, NOBODY]), max_size=4)


@given(PEOPLE, st.lists(st.sampled_from([JAN, AN, NOBODY]), max_size=3, unique=True))
def test_no_two_patients_of_a_list_get_one_folder(patients: list[Patient], known: list[Patient]) -> None:
    persons = [person(pseudonym_of(KEY, "P1", n), one) for n, one in enumerate(known, start=1)]
    found = folders_for(patients, persons, key=KEY)

    assert len(set(found)) == len(patients)


def test_the_folders_of_an_id_are_found_with_the_key_alone() -> None:
    there = {SECOND, pseudonym_of(KEY, "P2", 1)}

    assert pseudonyms_of(KEY, "P1", there.__contains__) == (SECOND,)


def test_more_persons_than_anybody_believes_are_refused() -> None:
    taken = {pseudonym_of(KEY, "P1", number) for number in range(1, PERSONS_OF_AN_ID_MAX)}

    assert new_folder(KEY, "P1", taken) == pseudonym_of(KEY, "P1", PERSONS_OF_AN_ID_MAX)
    with pytest.raises(IntegrityError, match="More than 32 persons"):
        new_folder(KEY, "P1", {*taken, pseudonym_of(KEY, "P1", PERSONS_OF_AN_ID_MAX)})


def spooled(uid: str) -> SpooledObject:
    return SpooledObject(
        sha256=uid * 8,
        size_bytes=1,
        sop_class_uid="1.2",
        sop_instance_uid=uid,
        transfer_syntax_uid="",
        calling_ae_title="",
        solicited=True,
        known=False,
        pack="pack",
        offset=0,
        received_at=datetime(2026, 3, 2, tzinfo=UTC).isoformat(),
    )


def divided(said: dict[str, Patient | None], *, missing: tuple[str, ...] = ()) -> tuple[Part, ...]:
    """Divide objects `study.number`, each saying whose it is, between Jan (asked for) and An."""
    expected = {
        uid: ExpectedObject(
            sop_instance_uid=uid,
            series_instance_uid="s",
            study_instance_uid=uid.split(".")[0],
            modality="CT",
            patient_id="P1",
        )
        for uid in (*said, *missing)
    }
    outcomes = {uid: Outcome.RECEIVED if uid in said else Outcome.NO_ANSWER for uid in expected}
    collection = Collection(
        expected=expected, received={uid: (spooled(uid),) for uid in said}, outcomes=outcomes
    )
    return divide(
        collection,
        [person(FIRST, JAN), person(SECOND, AN)],
        patient_id="P1",
        before=KeptBefore([(), ()]),
        stated=lambda item: said[item.sop_instance_uid],
    )


def test_an_object_goes_to_whom_it_names() -> None:
    one, other = divided({"1.1": JAN, "2.1": AN})

    assert (set(one.uids), set(other.uids)) == ({"1.1"}, {"2.1"})


def test_an_object_that_says_too_little_goes_where_its_study_lies_and_is_told() -> None:
    one, other = divided({"1.1": JAN, "2.1": AN, "2.2": NOBODY, "3.1": NOBODY})

    assert (set(one.uids), set(other.uids)) == ({"1.1", "3.1"}, {"2.1", "2.2"})
    assert (one.unclear_count, other.unclear_count) == (1, 1)
    assert "too little" in other.in_words()[0]


def test_what_cannot_be_read_or_did_not_come_is_never_dropped() -> None:
    parts = divided({"1.1": None, "2.1": AN}, missing=("2.2", "4.1"))

    assert set().union(*(part.uids for part in parts)) == {"1.1", "2.1", "2.2", "4.1"}
    assert "2.2" in parts[1].uids


def test_somebody_nobody_knew_is_a_person_of_their_own() -> None:
    third = Patient(patient_id="P1", name="Maes^Piet", birth_on=date(1985, 8, 9))
    parts = divided({"1.1": JAN, "5.1": third, "5.2": third})

    assert [set(part.uids) for part in parts] == [{"1.1"}, set(), {"5.1", "5.2"}]
    assert parts[2].person.known_as == (third,)


def test_an_object_that_names_another_patient_id_stays_with_whom_it_was_asked_for() -> None:
    stranger = Patient(patient_id="P9", name="Maes^Piet", birth_on=date(1985, 8, 9))
    one, other = divided({"1.1": stranger})

    assert (set(one.uids), set(other.uids)) == ({"1.1"}, set())
