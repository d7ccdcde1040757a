"""A record that comes back is recognised by number and plan together, and never guessed at."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from beamkeeper.domain.crosswalk import KnownBy, Link, Stated, home_of
from beamkeeper.domain.patient import Patient

BORN = date(1970, 1, 31)
HOME = Patient(patient_id="4711", issuer_of_patient_id="HOME", name="Doe^Jane", birth_on=BORN)
THERE = Patient(patient_id="P-77", issuer_of_patient_id="PARTNER", name="Doe^J.", birth_on=BORN)
LINK = Link(home=HOME, partner=THERE, plan_uids=frozenset({"1.2.3"}))
OTHER = Link(
    home=Patient(patient_id="4712", name="Roe^Mary", birth_on=date(1955, 5, 5)),
    partner=Patient(patient_id="4711", issuer_of_patient_id="PARTNER", name="Roe^Mary"),
    plan_uids=frozenset({"1.2.9"}),
)
RECORD = Stated(patient=THERE, plan_uids=("1.2.3",))


@pytest.mark.parametrize(
    ("stated", "known_by"),
    [
        (RECORD, KnownBy.PARTNER_NUMBER),
        (replace(RECORD, patient=HOME), KnownBy.HOME_NUMBER),
        (
            replace(RECORD, patient=replace(THERE, patient_id="LINAC-1"), other_ids=(("4711", "HOME"),)),
            KnownBy.OTHER_NUMBER,
        ),
        (
            replace(RECORD, patient=replace(THERE, issuer_of_patient_id="", name="", birth_on=None)),
            KnownBy.PARTNER_NUMBER,
        ),
    ],
)
def test_a_record_made_there_is_of_the_patient_who_went(stated: Stated, known_by: KnownBy) -> None:
    found = home_of(stated, (OTHER, LINK))

    assert (found.home, found.known_by, found.doubts) == (HOME, known_by, ())


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        (Stated(patient=None, plan_uids=("1.2.3",)), "stands under another"),
        (replace(RECORD, patient=replace(THERE, patient_id="P-78")), "stands under another"),
        (replace(RECORD, patient=replace(THERE, issuer_of_patient_id="ELSEWHERE")), "stands under another"),
        (
            replace(RECORD, patient=replace(THERE, name="Roe^Mary", birth_on=date(1955, 5, 5))),
            "stands under another",
        ),
        (replace(RECORD, plan_uids=("1.2.9",)), "went along with another"),
        (Stated(patient=replace(THERE, patient_id="X")), "Nobody"),
    ],
)
def test_where_number_and_plan_disagree_a_person_looks(stated: Stated, why: str) -> None:
    found = home_of(stated, (OTHER, LINK))

    assert found.home is None
    assert found.known_by is KnownBy.NOTHING
    assert why in found.doubts[0]
    assert "Doe" not in found.doubts[0]


def test_a_partner_who_writes_no_name_vouches_for_nobody() -> None:
    bare = replace(LINK, partner=Patient(patient_id="P-77", name=""))
    stranger = replace(THERE, name="Roe^Mary", birth_on=date(1955, 5, 5))

    assert home_of(replace(RECORD, patient=stranger), (bare,)).home is None
    assert home_of(RECORD, (bare,)).home == HOME


def test_one_patient_may_have_several_numbers_there() -> None:
    second = replace(LINK, partner=replace(THERE, patient_id="P-78"))

    assert home_of(replace(RECORD, patient=HOME), (LINK, second)) == home_of(
        replace(RECORD, patient=HOME), (second,)
    )


def test_the_number_of_two_patients_is_nobodys() -> None:
    twin = replace(LINK, home=replace(HOME, patient_id="4799"))

    assert home_of(RECORD, (LINK, twin)).home is None


def test_one_number_at_both_hospitals_is_told_apart_by_who_gave_it() -> None:
    there = replace(OTHER.partner, birth_on=date(1955, 5, 5))

    assert home_of(Stated(patient=there, plan_uids=("1.2.9",)), (LINK, OTHER)).home == OTHER.home
    assert home_of(Stated(patient=HOME, plan_uids=("1.2.3",)), (LINK, OTHER)).home == HOME


@pytest.mark.parametrize(
    ("stated", "doubt"),
    [
        (replace(RECORD, plan_uids=()), "names no plan"),
        (replace(RECORD, plan_uids=("1.2.4",)), "did not go along"),
        (replace(RECORD, patient=replace(THERE, name="Smith^Jane")), "is not written"),
    ],
)
def test_what_is_odd_about_a_known_record_is_said(stated: Stated, doubt: str) -> None:
    found = home_of(stated, (LINK,))

    assert found.home == HOME
    assert doubt in found.doubts[0]
