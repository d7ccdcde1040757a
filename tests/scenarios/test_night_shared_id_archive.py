"""Two persons under one Patient ID in the hospital's own systems: an archive on the network, and the OIS."""

from __future__ import annotations

import sqlite3
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from archive_site import site_of, small_department
from night_site import NIGHT_1, NIGHT_2
from pydicom import dcmread
from tests.listening import free_port

from beamkeeper.protect.quorum import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from night_site import SmallSite

    from beamkeeper.domain.night import NightReport
    from beamkeeper.rehearse.sim import Department


@pytest.fixture
def department(tmp_path: Path) -> Iterator[Department]:
    with small_department(tmp_path / "department") as running:
        yield running


def share_an_id(department: Department) -> tuple[str, frozenset[str], frozenset[str]]:
    """Give the second patient the first one's ID, in archive and database; return it and whose is what."""
    first, second = (patient.patient_id for patient in department.patients)
    ones, others = (frozenset(department.sop_instance_uids(who)) for who in (first, second))
    for uid in others:
        stated = dcmread(BytesIO(department.source_file(uid)))
        stated.PatientID = first
        written = BytesIO()
        stated.save_as(written)
        department.archive.remove(uid)
        department.archive.store(written.getvalue())
    with sqlite3.connect(department.ois_url.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE Patient SET PatId = ? WHERE trim(PatId) = ?", (first, second))
    database.close()
    return first, ones, others


def kept(site: SmallSite, report: NightReport) -> set[frozenset[str]]:
    ledger = site.runtime().ledger
    return {
        frozenset(item.sop_instance_uid for item in ledger.current_objects(night.pseudonym))
        for night in report.patients
    }


@pytest.mark.parametrize("with_ois", [True, pytest.param(False, marks=pytest.mark.long)])
def test_two_persons_of_one_id_in_archive_and_ois_get_a_folder_each(
    department: Department, tmp_path: Path, with_ois: bool
) -> None:
    shared, ones, others = share_an_id(department)
    site = site_of(tmp_path / "site", department, port=free_port(), with_ois=with_ois)
    first, second = site.night(NIGHT_1), site.night(NIGHT_2)

    assert {night.patient_id for night in first.patients} == {shared}
    assert kept(site, first) == {ones, others}
    assert all(any("of another person" in text for text in night.identity) for night in first.patients)
    assert {night.pseudonym for night in second.patients} == {night.pseudonym for night in first.patients}
    assert not any(item.grade.value != "identical" for n in second.patients for item in n.comparisons)
    assert not second.is_quiet
    assert set(facts_of(second, people_needed=2).items) == {night.pseudonym for night in second.patients}


def test_a_patient_keeps_the_folder_when_the_source_of_the_list_changes(
    department: Department, tmp_path: Path
) -> None:
    site = site_of(tmp_path / "site", department, port=free_port())
    first = site.night(NIGHT_1)
    with sqlite3.connect(department.ois_url.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE Patient SET LastName = 'Wed'")
    database.close()
    second = site.night(NIGHT_2)

    assert {night.pseudonym for night in second.patients} == {night.pseudonym for night in first.patients}
    for night in second.patients:
        assert any("states another name" in text for text in night.identity)
