"""The lists of the department are sealed each night, found on any computer, and let go of whom it lets go."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from night_site import NIGHT_1, NIGHT_2, SmallSite, at, make_objects
from pypdf import PdfReader
from source_changes import give_a_fraction
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.jobs import department
from beamkeeper.app.jobs.department import renew_department
from beamkeeper.app.jobs.rebuilding import rebuild_ledger
from beamkeeper.app.jobs.removals_here import carry_out
from beamkeeper.app.opened import open_by_site
from beamkeeper.domain.night import NightOutcome
from beamkeeper.ledger import RemovalRow
from beamkeeper.vault import DEPARTMENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WANTED = "[night]\npictures = false\nbinder = false\n"
EVERY_FORM = {
    *(f"{name}.{ending}" for name in ("triage-list", "contact-list", "day-schedule") for ending in
      ("pdf", "html", "txt", "csv", "dcm")),
    "lists.xlsx",
}  # fmt: skip


@pytest.fixture(scope="module")
def listed_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of two patients after a night that sealed lists, as a folder; copied for each test."""
    root = tmp_path_factory.mktemp("listed")
    make_objects(root / "source", who=(2, 4), sessions=1)
    assert SmallSite.make(root, settings=WANTED).night(NIGHT_1).outcome is NightOutcome.COMPLETE
    return root


@pytest.fixture
def listed(listed_root: Path, tmp_path: Path) -> SmallSite:
    return SmallSite.copied(listed_root, tmp_path / "house")


def beamkeeper(site: SmallSite, *words: str) -> tuple[int, Any]:
    done = CliRunner().invoke(app, [*words, "--json", "--site", str(site.site_file)])
    return done.exit_code, json.loads(done.stdout)


def lists_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "lists").iterdir()}


def parcels(site: SmallSite) -> list[str]:
    vault = open_by_site(site.site, at(NIGHT_2, 12)).vault
    return [entry.path for entry in vault.entries() if entry.pseudonym == DEPARTMENT]


def test_restore_gives_the_lists_of_the_night_in_every_form(listed: SmallSite, tmp_path: Path) -> None:
    status, _ = beamkeeper(listed, "restore", "department", "--out", str(tmp_path / "out"))
    lists = lists_in(tmp_path / "out")
    names = [row.patient.patient_id for row in listed.runtime().ledger.patients()]

    assert status == 0
    assert lists.keys() == EVERY_FORM
    assert all(name.encode() in lists["triage-list.csv"] for name in names)
    assert f"Night of {NIGHT_1:%A %Y-%m-%d}".encode() in lists["triage-list.html"]


def test_all_gives_the_lists_back_beside_the_patients(listed: SmallSite, tmp_path: Path) -> None:
    status, _ = beamkeeper(listed, "restore", "--all", "--out", str(tmp_path / "out"))
    folders = {path.name for path in (tmp_path / "out").iterdir()}

    assert status == 0
    assert folders == {DEPARTMENT, *listed.runtime().vault.pseudonyms()}
    assert lists_in(tmp_path / "out" / DEPARTMENT).keys() == EVERY_FORM


def test_stock_tools_open_the_lists_and_no_name_stands_in_the_vault(
    listed: SmallSite, tmp_path: Path, program: Callable[[str], str]
) -> None:
    sealed = next((listed.vault_dir / "targets" / DEPARTMENT).iterdir())
    key = tmp_path / "key"
    key.write_text(listed.runtime().keys.identities[0])
    opening = f"{program('age')} -d -i {key} {sealed} | {program('zstd')} -d | tar x -C {tmp_path}"
    subprocess.run(opening, shell=True, check=True)
    patients = [row.patient for row in listed.runtime().ledger.patients()]
    signed = b"".join(path.read_bytes() for path in (listed.vault_dir / "metadata").iterdir())

    assert lists_in(tmp_path).keys() == EVERY_FORM
    assert not any(patient.patient_id.encode() in signed for patient in patients)


def test_the_vault_stays_sound_and_counts_no_patient_more(listed: SmallSite) -> None:
    listed.verify_vault()
    status, said = beamkeeper(listed, "vault", "list")

    assert status == 0
    assert len(said["patients"]) == 2
    assert said["nights"] == [str(NIGHT_1)]


def test_each_night_seals_its_own_and_the_vault_turns_stale_as_before(listed: SmallSite) -> None:
    before = listed.runtime().vault.expires_at
    give_a_fraction(listed.source, 2, on=NIGHT_2, number=2)
    report = listed.night(NIGHT_2)
    vault = listed.runtime().vault

    assert report.outcome is NightOutcome.COMPLETE
    assert [path.partition("/")[2][:10] for path in parcels(listed)] == [str(NIGHT_1), str(NIGHT_2)]
    assert (vault.expires_at - before).days == 1


def test_the_binder_takes_the_dossiers_that_are_sealed_and_is_sealed_where_it_is_wanted(
    listed: SmallSite, tmp_path: Path
) -> None:
    status, said = beamkeeper(listed, "binder", "--out", str(tmp_path / "now.pdf"))
    text = listed.site_file.read_text("utf-8")
    listed.site_file.write_text(text.replace("binder = false", "binder = true"), "utf-8")
    give_a_fraction(listed.source, 2, on=NIGHT_2, number=2)
    listed.night(NIGHT_2)
    beamkeeper(listed, "restore", "department", "--out", str(tmp_path / "out"))
    sealed = tmp_path / "out" / "lists" / "binder.pdf"

    assert (status, said["sheets_made"]) == (0, 2), "chart sheets, and no dossier"
    for binder in (tmp_path / "now.pdf", sealed):
        cover = " ".join(PdfReader(binder).pages[0].extract_text().split())
        assert "2 dossiers, 2 chart sheets" in cover
    assert lists_in(tmp_path / "out").keys() == EVERY_FORM | {"binder.pdf"}


def test_what_keeps_lists_from_being_made_is_told_in_the_report_and_costs_nobody_the_night(
    listed: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Doe^Jane")

    monkeypatch.setattr(department, "list_files", fail)
    give_a_fraction(listed.source, 2, on=NIGHT_2, number=2)
    report = listed.night(NIGHT_2)

    assert report.outcome is NightOutcome.COMPLETE
    assert department.NOT_SEALED.format(why="RuntimeError") in report.remarks
    assert all("Doe" not in remark for remark in report.remarks)
    assert len(parcels(listed)) == 1


def test_lists_go_with_whom_they_name_and_are_made_anew(listed: SmallSite, tmp_path: Path) -> None:
    runtime = listed.runtime()
    gone = next(iter(runtime.ledger.patients()))
    row = RemovalRow(
        removal_id="one",
        pseudonym=gone.pseudonym,
        decided_on=NIGHT_2,
        reason="",
        state="decided",
        patient=gone.patient,
        receipt={},
        changed_at=at(NIGHT_2).now(),
    )
    before = parcels(listed)
    runtime.ledger.removals.begin(row, {})
    removed = carry_out(runtime)
    renew_department(runtime, actor="retention")
    beamkeeper(listed, "restore", "department", "--out", str(tmp_path / "out"))
    files = list((listed.vault_dir / "targets" / DEPARTMENT).iterdir())

    assert removed == (gone.pseudonym,)
    assert len(before) == len(parcels(listed)) == len(files) == 1
    assert before != parcels(listed)
    assert gone.patient.patient_id.encode() not in lists_in(tmp_path / "out")["triage-list.csv"]
    listed.verify_vault()


def test_a_rebuilt_ledger_takes_the_lists_for_nobody(listed: SmallSite) -> None:
    for path in listed.site.data_dir.glob("ledger.db*"):
        path.unlink()
    shutil.rmtree(listed.site.data_dir / "facts")

    assert rebuild_ledger(listed.site, at(NIGHT_1, 12))[0] == 2
    assert {row.pseudonym for row in listed.runtime().ledger.patients()} == set(
        listed.runtime().vault.pseudonyms()
    )
