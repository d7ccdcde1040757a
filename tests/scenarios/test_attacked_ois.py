"""Somebody alters one number in the OIS database: the next night names it, and people have to confirm it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from archive_site import free_port, site_of, small_department
from night_site import NIGHT_1, NIGHT_2, NIGHT_3

from beamkeeper.domain.position import ConflictKind
from beamkeeper.protect.quorum import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from night_site import SmallSite

    from beamkeeper.domain.night import NightReport, PatientNight
    from beamkeeper.rehearse.sim import Department


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    with small_department(tmp_path_factory.mktemp("department")) as running:
        yield running


@pytest.fixture(scope="module")
def kept(department: Department, tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A site after its first night with archive and OIS."""
    site = site_of(tmp_path_factory.mktemp("site"), department, port=free_port())
    site.night(NIGHT_1)
    return site


def alter(department: Department, statement: str) -> None:
    path = department.ois_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database, database:
        assert database.execute(statement).rowcount == 1


def has_conflict(night: PatientNight, kind: ConflictKind) -> bool:
    plans = night.position.plans if night.position is not None else ()
    return any(conflict.kind is kind for plan in plans for conflict in plan.conflicts)


def waiting(report: NightReport) -> set[str]:
    return set(facts_of(report, people_needed=2).items)


def test_one_altered_dose_and_one_altered_count_are_named_and_the_dose_waits_for_two_people(
    kept: SmallSite, department: Department
) -> None:
    alter(department, "UPDATE Prescription SET FractionDoseGy = FractionDoseGy + 0.2 WHERE RxSer = 1")
    alter(department, "UPDATE PlanSetup SET Fractions = Fractions - 1 WHERE PlanSer = 2")
    report = kept.night(NIGHT_2)
    altered = {night.pseudonym for night in report.patients if night.prescribed}
    counted = {n.pseudonym for n in report.patients if has_conflict(n, ConflictKind.COUNT_DIFFERS)}

    assert len(altered) == 1
    assert waiting(report) == altered
    assert not report.is_quiet
    assert len(counted) == 1
    (text,) = next(night.prescribed for night in report.patients if night.prescribed)
    assert "The OIS prescribes otherwise, prescription 1 of course 1: " in text
    told = (kept.site.night_dir(NIGHT_2) / "report.txt").read_text("utf-8")
    assert "prescribed otherwise in the ois" in told.casefold()

    again = kept.night(NIGHT_3)
    assert not any(night.prescribed for night in again.patients)
