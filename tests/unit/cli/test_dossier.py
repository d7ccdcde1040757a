"""`beamkeeper dossier FOLDER`: a paper for each patient, whatever else lies in the folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beamkeeper.app.cli.main import app
from beamkeeper.errors import ConfigError

sys.path.insert(0, str(Path(__file__).parents[1] / "wire" / "dicom"))
from reader_objects import file_of, identity, plan


def run(*arguments: str):
    return CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, ["dossier", *arguments])


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "one.dcm").write_bytes(file_of(plan()))
    (folder / "two.dcm").write_bytes(
        file_of(plan(PatientID="4712", SOPInstanceUID="1.2.9", PatientName="Other"))
    )
    (folder / "broken.dcm").write_bytes(file_of(plan())[:-40])
    (folder / "readme.txt").write_text("not DICOM", encoding="utf-8")
    return folder


def test_each_patient_gets_a_paper_and_a_broken_file_is_named(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(str(folder), "--out", str(out), "--text", "--html", "--dicom")

    assert done.exit_code == 1
    assert sorted(path.name for path in out.iterdir()) == [
        f"dossier-0{n}{suffix}" for n in (1, 2) for suffix in (".dcm", ".html", ".pdf", ".txt")
    ]
    assert "broken.dcm" in done.output
    assert "Left out, being no DICOM object: 1 file." in done.output
    assert "1 file of the folder could not be read" in " ".join((out / "dossier-01.txt").read_text().split())


def test_no_name_stands_in_a_file_name(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(str(folder), "--out", str(out))

    assert {path.name for path in out.iterdir()} == {"dossier-01.pdf", "dossier-02.pdf"}


def test_the_same_instant_gives_the_same_files_and_another_is_never_written_over(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    said = (str(folder), "--out", str(out), "--as-of", "2026-11-22T08:00")
    run(*said)
    before = (out / "dossier-01.pdf").read_bytes()

    assert run(*said).exit_code == 1  # the broken file, nothing else
    assert (out / "dossier-01.pdf").read_bytes() == before
    refused = run(*said[:-1], "2026-11-23T08:00")
    assert isinstance(refused.exception, ConfigError)
    assert (out / "dossier-01.pdf").read_bytes() == before


def test_programs_read_what_was_made(folder: Path, tmp_path: Path) -> None:
    done = run(str(folder), "--out", str(tmp_path / "out"), "--json")
    said = json.loads(done.stdout)

    assert (said["format"], said["version"]) == ("beamkeeper-dossiers", 1)
    assert [len(one["files"]) for one in said["made"]] == [1, 1]
    assert [one["path"] for one in said["broken"]] == ["broken.dcm"]


def test_a_folder_with_nothing_to_use_says_why(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("not DICOM", encoding="utf-8")
    done = run(str(tmp_path), "--out", str(tmp_path / "out"))

    assert isinstance(done.exception, ConfigError)
    assert "1 no DICOM objects" in done.exception.message
    assert "readme.txt" in done.exception.message


@pytest.mark.parametrize("said", ["yesterday", "2026-13-01"])
def test_a_time_that_is_none_is_refused(said: str, folder: Path, tmp_path: Path) -> None:
    done = run(str(folder), "--out", str(tmp_path / "out"), "--as-of", said)

    assert isinstance(done.exception, ConfigError)


def test_two_people_under_one_number_are_asked_about(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    for place, name in enumerate(("Jansen^Maria", "Peeters^Jan")):
        content = plan(PatientName=name, SOPInstanceUID=f"1.2.{place}")
        (folder / f"{place}.dcm").write_bytes(file_of(content))
    run(str(folder), "--out", str(tmp_path / "out"), "--text")
    text = " ".join((tmp_path / "out" / "dossier-01.txt").read_text().split())

    assert "“Jansen, Maria” and “Peeters, Jan”: is that one person?" in text


def test_objects_that_name_nobody_are_said(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "one.dcm").write_bytes(file_of(plan()))
    (folder / "nobody.dcm").write_bytes(file_of(identity("1.2.840.10008.5.1.4.1.1.2", "CT", PatientID="")))
    done = run(str(folder), "--out", str(tmp_path / "out"))

    assert "naming no Patient ID: 1 object" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("dates", "said", "asked"),
    [(("", "19700102"), "1970-01-02", False), (("19700102", "19700201"), "1970-01-02", True)],
)
def test_a_birth_date_left_out_is_no_second_one(
    dates: tuple[str, str], said: str, asked: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    for place, date in enumerate(dates):
        content = plan(PatientBirthDate=date, SOPInstanceUID=f"1.2.{place}")
        (folder / f"{place}.dcm").write_bytes(file_of(content))
    run(str(folder), "--out", str(tmp_path / "out"), "--text")
    text = " ".join((tmp_path / "out" / "dossier-01.txt").read_text().split())

    assert f"Born {said}" in text
    assert ("several birth dates: 1970-01-02, 1970-02-01" in text) is asked
