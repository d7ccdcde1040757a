"""The ARIA contract over SQLite, and versions of the product that lack something."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine
from tests.contract.aria_contract import CODES, NOW, SETTINGS, AriaContract, ask_aria
from tests.contract.sqlite_plans import scanned

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.census import OisPhotos, aria_mapping
from beamkeeper.rehearse.sim.aria import TABLES, quirky_clinic
from beamkeeper.rehearse.sim.aria.bulk import COLUMNS, Bulk

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.protect.census import SourceAnswer


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("aria") / "aria.db"
    TABLES.write_sqlite(path, quirky_clinic().rows)
    return path


@pytest.fixture(scope="module")
def answer(whole: Path) -> SourceAnswer:
    return ask_aria(f"sqlite:///{whole}")


def lacking(whole: Path, folder: Path, statement: str) -> str:
    """Return the address of a copy that lacks something."""
    path = folder / "older.db"
    shutil.copyfile(whole, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    return f"sqlite:///{path}"


class TestSqliteAria(AriaContract):
    """SQLite gives back padded text and times as text."""


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("ALTER TABLE PlanSetup DROP COLUMN StatusUserName", "[plan] has not what approved_by stands for"),
        ("DROP TABLE Approval", "[prescription] has not what approved_at stands for"),
        ("DROP TABLE PatientParticular", "[patient] has not what deceased_date stands for"),
        ("ALTER TABLE Machine DROP COLUMN MachineScale", "[field] has not what scale stands for"),
        ("DROP TABLE RefPointLog", "[note] is left out"),
        ("DROP TABLE SessionRTPlan", "[fraction: session state] is left out"),
        ("DROP TABLE LookupTable", "[appointment] has not what activity stands for"),
        ("DROP TABLE visit_note", "[document] is left out"),
    ],
)
def test_what_a_version_lacks_is_said_and_the_others_are_read(
    whole: Path, tmp_path: Path, missing: str, words: str
) -> None:
    answer = ask_aria(lacking(whole, tmp_path, missing))

    assert any(said.startswith(words) for said in answer.warnings)
    assert "plain" in {entry.patient.patient_id for entry in answer.entries}


@pytest.mark.parametrize(
    "missing",
    [
        "ALTER TABLE RTPlan DROP COLUMN PlanUID",
        "DROP TABLE Course",
        "ALTER TABLE Patient DROP COLUMN LastName",
    ],
)
def test_what_the_list_cannot_do_without_stops_this_source(whole: Path, tmp_path: Path, missing: str) -> None:
    with pytest.raises(SourceAnswerInvalid, match=r"\[(plan|course|patient)\]"):
        ask_aria(lacking(whole, tmp_path, missing))


def test_only_courses_called_so_are_courses_of_treatment(whole: Path) -> None:
    answer = ask_aria(f"sqlite:///{whole}", SETTINGS.model_copy(update={"courses": ("[1-9]*",)}))

    assert not any(entry.courses for entry in answer.entries)
    assert any("not called as courses of treatment are" in said for said in answer.warnings)


def test_another_column_may_hold_the_patient_id(whole: Path) -> None:
    answer = ask_aria(f"sqlite:///{whole}", SETTINGS.model_copy(update={"mrn_column": "SSN"}))

    assert [entry.patient.patient_id for entry in answer.entries] == ["600102"]
    assert "A patient who must be kept has no Patient ID and cannot be kept." in answer.warnings


def test_no_question_reads_a_table_from_end_to_end(whole: Path, questions: list[tuple[str, Any]]) -> None:
    """Each starts from a patient, a plan or a date: a vendor's database holds decades."""
    ask_aria(f"sqlite:///{whole}")
    photos = OisPhotos(aria_mapping(SETTINGS), f"sqlite:///{whole}", secret="", timeout_s=10, read_only=True)
    assert [one.name for one in photos.names(("plain",))] == ["photo patient"]
    photos.close()
    bounded = [(text, values) for text, values in questions if text.startswith("SELECT q.")]
    with closing(sqlite3.connect(whole)) as connection:
        plans = [
            (text, [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)])
            for text, values in bounded
        ]

    assert len(bounded) > 15
    assert all(re.search(r"q\.\w+ IN \(|q\.\"?\w+\"? >= ", text) for text, _ in bounded)
    assert [tables for text, steps in plans if (tables := scanned(text, steps, CODES))] == []


def test_a_table_that_is_read_from_end_to_end_is_found_out(whole: Path) -> None:
    text = "SELECT q.n FROM (SELECT COUNT(*) AS n FROM RadiationHstry h WHERE h.FractionNumber = 1) AS q"
    with closing(sqlite3.connect(whole)) as connection:
        steps = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]

    assert scanned(text, steps, CODES) == {"RadiationHstry"}


@pytest.mark.long
def test_a_large_department_is_counted_alike_by_beams_and_sessions(tmp_path: Path) -> None:
    now = NOW.astimezone(ZoneInfo(SETTINGS.timezone)).replace(tzinfo=None)
    engine = create_engine(f"sqlite:///{tmp_path / 'bulk.db'}")
    with engine.begin() as connection:
        TABLES.create(connection)
        for name, rows in Bulk(now, courses_per_year=400, years=2).batches():
            values = [dict(zip(COLUMNS[name], row, strict=True)) for row in rows]
            connection.execute(TABLES.meta.tables[name].insert(), values)
        TABLES.create_indexes(connection)
    engine.dispose()

    answer = ask_aria(f"sqlite:///{tmp_path / 'bulk.db'}")
    begun = [entry for entry in answer.entries if len(entry.counts) > 1]
    assert len(begun) > 10
    for entry in begun:
        history, sessions = entry.counts
        assert history.fractions_done == sessions.fractions_done
    assert [entry.disagreements for entry in answer.entries if entry.disagreements] == []


def test_a_note_of_ten_megabytes_is_cut_and_says_so(whole: Path, tmp_path: Path) -> None:
    url = lacking(whole, tmp_path, "UPDATE quick_note SET quick_note_text = printf('%.10000000c', 'x')")
    entries = {entry.patient.patient_id: entry for entry in ask_aria(url).entries}

    (note,) = entries["documents"].charts[0].notes
    assert note.text.endswith("… (cut: 10,000,000 characters in all)")
    assert len(note.text) < 5_000
    assert "plain" in entries
