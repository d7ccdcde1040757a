"""Somebody alters one number in the OIS database: the next night names it, and people have to confirm it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from archive_site import site_of, small_department
from night_site import NIGHT_1, NIGHT_2, NIGHT_3
from tests.listening import free_port

from beamkeeper.app.jobs import nightly
from beamkeeper.domain.position import ConflictKind
from beamkeeper.domain.prescribed import COUNT, PRESCRIPTION
from beamkeeper.errors import StorageFull
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


def altered_by_kind(report: NightReport) -> dict[str, list[tuple[str, str]]]:
    """Return whom the OIS orders something else, and in which words, by what it is."""
    found: dict[str, list[tuple[str, str]]] = {}
    for night in report.patients:
        for item in night.eyes:
            found.setdefault(item.kind, []).append((night.pseudonym, item.changes[0].text))
    return found


def test_one_altered_dose_and_one_altered_count_are_named_and_wait_for_two_people(
    kept: SmallSite, department: Department
) -> None:
    alter(department, "UPDATE Prescription SET FractionDoseGy = FractionDoseGy + 0.2 WHERE RxSer = 1")
    alter(department, "UPDATE PlanSetup SET Fractions = Fractions - 1 WHERE PlanSer = 2")
    report = kept.night(NIGHT_2)
    found = altered_by_kind(report)
    differing = {n.pseudonym for n in report.patients if has_conflict(n, ConflictKind.COUNT_DIFFERS)}

    ((dosed, dose),) = found.pop(PRESCRIPTION)
    ((counted, count),) = found.pop(COUNT)
    assert not found
    assert waiting(report) == {dosed, counted}
    assert not report.is_quiet
    assert differing == {counted}
    assert "The OIS prescribes otherwise, prescription 1 of course 1: " in dose
    assert re.search(r"The OIS counts otherwise, .+: (\d+) → \d+ fractions planned", count)
    told = " ".join((kept.site.night_dir(NIGHT_2) / "report.txt").read_text("utf-8").split())
    assert "[CLINICAL] prescription in the OIS: prescription 1 of course 1" in told
    assert "[CLINICAL] fraction count in the OIS: " in told
    told_again = kept.night(NIGHT_3)
    assert not altered_by_kind(told_again)


def test_what_a_night_that_never_ended_found_altered_is_told_by_the_next(
    kept: SmallSite, department: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise StorageFull("No room for the report.")

    alter(department, "UPDATE Prescription SET FractionDoseGy = FractionDoseGy + 0.3 WHERE RxSer = 2")
    with monkeypatch.context() as full:
        full.setattr(nightly, "write_report", no_room)
        with pytest.raises(StorageFull):
            kept.night(NIGHT_3.replace(day=5))
    report = kept.night(NIGHT_3.replace(day=6))

    ((who, _),) = altered_by_kind(report)[PRESCRIPTION]
    assert waiting(report) == {who}
