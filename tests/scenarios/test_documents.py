"""Documents of the share in the night: kept, changed, missing, refused, and a share that is down."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from archive_site import site_of, small_department
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, at, make_objects
from tests.listening import free_port
from two_houses import Houses
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.app.opened import open_by_site
from beamkeeper.domain.change import DOCUMENT, Grade
from beamkeeper.domain.night import NightOutcome
from beamkeeper.respond.handover import Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.night import NightReport, PatientNight
    from beamkeeper.rehearse.sim import Department


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Department]:
    with small_department(tmp_path_factory.mktemp("department")) as running:
        yield running


@pytest.fixture(scope="module")
def kept(department: Department, tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A site after its first night with archive, OIS and document share."""
    section = f'[[documents]]\nname = "share"\nkind = "folder"\npath = "{department.documents_dir}"\n'
    site = site_of(
        tmp_path_factory.mktemp("site"),
        department,
        port=free_port(),
        changed={'[[sources]]\nkind = "dicom"': f'{section}\n[[sources]]\nkind = "dicom"'},
    )
    site.night(NIGHT_1)
    return site


def restored(site: SmallSite, out: Path, *, everything: bool = False) -> dict[str, bytes]:
    opened = open_by_site(site.site, at(NIGHT_3, 12))
    for pseudonym in opened.vault.pseudonyms():
        opened.vault.restore_patient(
            pseudonym, identities=opened.identities, out_dir=out / pseudonym, everything=everything
        )
    return {path.name: path.read_bytes() for path in out.rglob("documents/*")}


def of_documents(report: NightReport) -> list[tuple[PatientNight, ObjectComparison]]:
    return [(one, item) for one in report.patients for item in one.comparisons if item.kind == DOCUMENT]


def alter(department: Department, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(department.ois_url.removeprefix("sqlite:///"))) as database, database:
        assert database.execute(statement, values).rowcount == 1


def test_status_and_restore_say_how_many_documents_there_are(
    kept: SmallSite, department: Department, tmp_path: Path
) -> None:
    count = sum(1 for _ in department.documents_dir.rglob("*.*"))
    site = ["--site", str(kept.site_file)]
    told = CliRunner().invoke(app, ["status", "--json", *site]).output
    shown = CliRunner().invoke(app, ["status", *site]).output
    given = CliRunner().invoke(app, ["restore", "--all", "--out", str(tmp_path), "--json", *site]).output

    assert json.loads(told)["nights"][0]["summary"]["documents"] == count
    assert "documents" in shown
    reports = json.loads(given[given.index("{") :])["reports"]
    assert sum(report["document_count"] for report in reports) == count


def test_a_night_keeps_every_document_byte_for_byte(
    kept: SmallSite, department: Department, tmp_path: Path
) -> None:
    files = {path.read_bytes() for path in department.documents_dir.rglob("*.*")}

    assert set(restored(kept, tmp_path).values()) == files


def test_everything_that_the_next_house_needs_goes_along_documents_too(
    kept: SmallSite, department: Department, tmp_path: Path
) -> None:
    houses = Houses.met(tmp_path, kept)
    person = houses.persons()[0]
    agreed = ("--first-on", "2090-01-02", "--at", "09:40", "--machine", "TB2", "--accessory", "vacuum bag 7")
    words = ("--consent", "by telephone 10:05: agrees", "--law", "our lawyers, Art. 9(2)(c)")
    manifest = houses.receive(houses.make(person, *agreed, *words))["manifest"]
    folder = houses.desk / "received" / manifest["bundle_id"]
    packed = {item["name"]: item for item in manifest["packed"]}
    of_role = {role: {name for name in packed if packed[name]["role"] == role} for role in Role}
    letter = " ".join((folder / "letter.txt").read_text().split())
    kinds = {name.split("-", 1)[1] for name in of_role[Role.MESSAGE]}
    share = {sha256(path.read_bytes()).hexdigest() for path in department.documents_dir.rglob("*.*")}
    titles = {packed[name]["title"] for name in of_role[Role.DOCUMENT]}

    assert {packed[name]["sha256"] for name in of_role[Role.DOCUMENT]} <= share
    assert titles == {"Setup instructions", "Prescription summary"}
    assert of_role[Role.LETTER] == {"letter.pdf", "letter.txt"}
    assert kinds == {"adt-a28.hl7", "adt-a04.hl7", "siu-s12.hl7", "mdm-t02.hl7"}
    assert any("treatment summary" in packed[name]["title"] for name in of_role[Role.DICOM])
    for said in ("vacuum bag 7", "by telephone 10:05: agrees", "our lawyers, Art. 9(2)(c)", "09:40, TB2"):
        assert said in letter
    for name, item in packed.items():
        assert sha256((folder / name).read_bytes()).hexdigest() == item["sha256"]


def test_documents_changed_missing_empty_or_named_wrongly_are_told_in_one_night(
    kept: SmallSite, department: Department, tmp_path: Path
) -> None:
    """And nothing of it keeps the objects of anybody from being kept."""
    note, other = sorted(department.documents_dir.rglob("setup.txt"))
    before = note.read_bytes()
    note.write_bytes(before.replace(b"shift limit 10 mm", b"shift limit 20 mm"))
    first, second = sorted(department.documents_dir.rglob("prescription.pdf"))
    first.unlink()
    second.write_bytes(b"")
    relative = other.relative_to(department.documents_dir)
    alter(department, "UPDATE Document SET Path = '../../etc/passwd' WHERE Path = ?", str(relative))

    report = kept.night(NIGHT_2)

    assert report.outcome is NightOutcome.INCOMPLETE
    assert len(of_documents(report)) == 3
    (said,) = [item for _, item in of_documents(report) if item.grade is Grade.CLINICAL]
    assert said.label == "Setup instructions"
    (change,) = said.changes
    assert change.text == f"“{change.old}” → “{change.new}”"
    assert change.old == "Image before every fraction the plan asks for; shift limit 10 mm."
    assert change.new == "Image before every fraction the plan asks for; shift limit 20 mm."
    mailed = (kept.site.night_dir(NIGHT_2) / "report.txt").read_text("utf-8")
    assert "shift limit" not in mailed
    assert not [title for title in ("Setup instructions", "Prescription summary") if title in mailed]
    assert "· document: refused: its path leads back" in mailed
    assert "[CLINICAL] document" in mailed
    remarks = [line for one in report.patients for line in one.disagreements]
    assert "document missing on the share: Prescription summary" in remarks
    assert "document with no bytes on the share: Prescription summary" in remarks
    (lost,) = [item for one in report.patients for item in one.not_kept]
    assert lost.shown == "document Setup instructions"
    assert lost.reason == 'refused: its path leads back through "." or ".."'
    page = (kept.site.night_dir(NIGHT_2) / "report.html").read_text("utf-8")
    assert "document Setup instructions: refused" in page
    assert "1 document" in mailed
    (who,) = [one.patient_id for one, item in of_documents(report) if item.grade is Grade.MISSING]
    asked = CliRunner().invoke(app, ["patient", who, "--site", str(kept.site_file)]).output
    assert f"Prescription summary, as of {NIGHT_1}: on the share no longer since" in " ".join(asked.split())
    everything = restored(kept, tmp_path / "all", everything=True)
    assert before in everything.values()
    assert note.read_bytes() in restored(kept, tmp_path / "now").values()
    kept.verify_vault(NIGHT_2)


def test_a_share_that_is_down_is_said_and_stops_nothing_else(kept: SmallSite, department: Department) -> None:
    away = department.documents_dir.with_name("away")
    department.documents_dir.rename(away)
    try:
        report = kept.night(NIGHT_3)
    finally:
        away.rename(department.documents_dir)

    lines = [(item.what, item.reason) for one in report.patients for item in one.not_kept]
    assert report.outcome is NightOutcome.INCOMPLETE
    assert all(one.stored and one.received_count == one.expected_count for one in report.patients)
    assert ("2 documents", "no answer") in [(what, reason[:9]) for what, reason in lines]
    assert not of_documents(report)


def test_without_an_ois_files_are_found_by_the_patient_id_in_their_names(tmp_path: Path) -> None:
    share = tmp_path / "share"
    section = f'[[documents]]\nname = "share"\nkind = "folder"\npath = "{share}"\nfind = '
    make_objects(tmp_path / "source", who=(2,), sessions=1)
    site = SmallSite.make(tmp_path, settings=section + '["{patient_id}/**", "scans/{patient_id}_*.pdf"]')
    share.mkdir()
    (share / "other.txt").write_bytes(b"of nobody")
    (night,) = site.night(NIGHT_1).patients
    assert (night.document_count, night.is_whole) == (0, True)
    (share / night.patient_id / "notes").mkdir(parents=True)
    (share / "scans").mkdir()
    (share / night.patient_id / "notes" / "note.txt").write_bytes(b"supine")
    (share / "scans" / f"{night.patient_id}_consent.pdf").write_bytes(b"%PDF-1.4 scan")
    (share / "scans" / f"{night.patient_id}1_consent.pdf").write_bytes(b"%PDF-1.4 of another")

    (night,) = site.night(NIGHT_2).patients

    labels = [item.label for item in night.comparisons if item.kind == DOCUMENT]
    assert (night.document_count, night.is_whole) == (2, True)
    assert sorted(labels) == ["consent.pdf", "note.txt"]
    assert not night.eyes
    assert set(restored(site, tmp_path / "out").values()) == {b"supine", b"%PDF-1.4 scan"}
