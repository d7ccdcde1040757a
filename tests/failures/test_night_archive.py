"""The archive and the database fail: each ends in a plain sentence, and nothing that came is lost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenarios"))

from archive_site import copied, rewrite, site_of, small_department
from night_site import NIGHT_1, NIGHT_2
from tests.listening import free_port

from beamkeeper.app.cli.night import EXIT_OF
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.report import render_text
from beamkeeper.rehearse.sim import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from night_site import SmallSite

    from beamkeeper.domain.night import NightReport, NotKept
    from beamkeeper.rehearse.sim import Department


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    with small_department(tmp_path_factory.mktemp("department")) as running:
        yield running


@pytest.fixture(autouse=True)
def well_behaved(department: Department) -> Iterator[None]:
    yield
    department.archive.set_faults(Faults())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, department: Department) -> SmallSite:
    return site_of(tmp_path_factory.mktemp("made") / "one", department, port=free_port())


@pytest.fixture
def site(made: SmallSite, tmp_path: Path) -> SmallSite:
    """A site before its first night."""
    return copied(made, tmp_path / "copy")


def not_kept(report: NightReport) -> list[NotKept]:
    return [item for night in report.patients for item in night.not_kept]


def held(department: Department) -> set[str]:
    return {
        uid for patient in department.patients for uid in department.sop_instance_uids(patient.patient_id)
    }


def kept(site: SmallSite, report: NightReport) -> set[str]:
    ledger = site.runtime().ledger
    return {o.sop_instance_uid for night in report.patients for o in ledger.current_objects(night.pseudonym)}


def verify_second_night_completes(site: SmallSite, department: Department) -> None:
    """What failed is made up for as soon as the peer behaves."""
    department.archive.set_faults(Faults())
    report = site.night(NIGHT_2)

    assert report.outcome is NightOutcome.COMPLETE
    assert kept(site, report) == held(department)
    site.verify_vault()


def test_one_refused_object_is_named_as_refused_and_all_others_are_kept(
    site: SmallSite, department: Department
) -> None:
    patient_id = department.patients[0].patient_id
    refused = department.sop_instance_uids(patient_id)[3]
    department.archive.set_faults(Faults(refuse_sop_instance_uid=refused))
    report = site.night(NIGHT_1)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert EXIT_OF[report.outcome] == 3
    (said,) = not_kept(report)
    assert said.sop_instance_uid == refused
    assert said.reason.startswith("refused by the source")
    assert refused in render_text(report)
    assert kept(site, report) == held(department) - {refused}
    assert all(night.stored for night in report.patients)
    verify_second_night_completes(site, department)


@pytest.mark.parametrize("faults", [Faults(hang_up_after=20), Faults(garbage_after=20)])
def test_a_peer_that_breaks_off_in_the_middle_loses_nothing_that_came(
    site: SmallSite, department: Department, faults: Faults
) -> None:
    department.archive.set_faults(faults)
    report = site.night(NIGHT_1)
    missing = {item.sop_instance_uid for item in not_kept(report)}

    assert kept(site, report) == held(department) - missing
    if missing:
        assert report.outcome is NightOutcome.INCOMPLETE
        assert all("no answer" in item.reason for item in not_kept(report))
    verify_second_night_completes(site, department)


def test_a_silent_peer_is_given_up_and_nobody_is_called_kept(site: SmallSite, department: Department) -> None:
    department.archive.set_faults(Faults(silent_after=0))
    report = site.night(NIGHT_1)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert report.patients, "the database still says who is on the list"
    assert not [night for night in report.patients if night.is_whole]
    assert all(night.error for night in report.patients)
    verify_second_night_completes(site, department)


def test_an_archive_that_does_not_know_us_says_so_in_the_report(
    site: SmallSite, department: Department
) -> None:
    rewrite(site, {'ae_title = "BEAMKEEPER"': 'ae_title = "UNKNOWN"'})
    report = site.night(NIGHT_1)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert {item.sop_instance_uid for item in not_kept(report)} == held(department)
    assert "does not know the move destination" in " ".join(render_text(report).split())


@pytest.mark.parametrize(
    ("line", "instead", "setting"),
    [
        ('allowed_callers = ["SIMARCHIVE"]', 'allowed_callers = ["SOMEBODY"]', "not in allowed_callers"),
        (
            'allowed_networks = ["127.0.0.0/8"]',
            'allowed_networks = ["192.0.2.0/24"]',
            "in none of allowed_networks",
        ),
    ],
)
def test_an_archive_that_our_own_receiver_turns_away_is_told_with_what_to_change(
    site: SmallSite, department: Department, line: str, instead: str, setting: str
) -> None:
    rewrite(site, {line: instead})
    report = site.night(NIGHT_1)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert not kept(site, report)
    (said,) = report.warnings
    assert f"turned away AE title '{department.archive_ae}' at 127.0.0.1" in said
    assert setting in said
    assert "under [receiver] in the site file" in " ".join(render_text(report).split())
    rewrite(site, {instead: line})
    mended = site.night(NIGHT_1, hour=8)
    assert not mended.warnings, "what was mended is not told again"
    assert mended.outcome is NightOutcome.COMPLETE
    assert kept(site, mended) == held(department)
    site.verify_vault()


def test_an_archive_called_by_a_wrong_name_refuses_and_is_quoted(
    site: SmallSite, department: Department
) -> None:
    rewrite(site, {f'ae_title = "{department.archive_ae}"': 'ae_title = "NOBODY"'})
    report = site.night(NIGHT_1)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert not kept(site, report)
    assert all("NOBODY" in night.error for night in report.patients)


def test_without_its_database_a_night_asks_the_archive_who_was_treated_and_says_so(
    site: SmallSite, department: Department
) -> None:
    rewrite(site, {department.ois_url: department.ois_url.replace("ois.sqlite", "gone.sqlite")})
    report = site.night(NIGHT_1)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert {source.source: source.answered for source in report.sources} == {"archive": True, "ois": False}
    assert report.patients
    assert all(night.is_whole for night in report.patients)
    assert not report.stale_census


def test_with_everything_down_the_last_list_is_used_and_marked_stale(
    site: SmallSite, department: Department
) -> None:
    first = site.night(NIGHT_1)
    rewrite(site, {department.ois_url: department.ois_url.replace("ois.sqlite", "gone.sqlite")})
    rewrite(site, {f"port = {department.port}": f"port = {free_port()}"})
    report = site.night(NIGHT_2)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert report.stale_census
    assert {n.patient_id for n in report.patients} == {n.patient_id for n in first.patients}
    assert not [night for night in report.patients if night.is_whole]
    assert kept(site, first) == held(department)
    assert not [item for night in report.patients for item in night.comparisons], "nothing is called missing"


def test_a_first_night_with_everything_down_is_a_plain_error(site: SmallSite, department: Department) -> None:
    rewrite(site, {department.ois_url: department.ois_url.replace("ois.sqlite", "gone.sqlite")})
    rewrite(site, {f"port = {department.port}": f"port = {free_port()}"})
    with pytest.raises(SourceUnavailable, match="No source of the list answered") as refused:
        site.night(NIGHT_1)

    assert refused.value.exit_status == 10
    assert "ois" in refused.value.do_next
