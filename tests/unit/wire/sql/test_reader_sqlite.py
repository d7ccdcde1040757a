"""Reading an SQLite file that belongs to somebody else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import ConfigError, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.sql import SelectRelation, Since, TableRelation, open_source

if TYPE_CHECKING:
    from pathlib import Path

PATIENT = TableRelation(table="Patient", columns=(("patient_key", "PatientSer"), ("sex", "Sex")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "o i?s#.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE Patient (PatientSer INTEGER, Sex TEXT, At TEXT);")
        connection.executemany(
            "INSERT INTO Patient VALUES (?, ?, ?)",
            [(n, "F   ", f"2026-01-{n % 28 + 1:02} 10:00:00") for n in range(1500)],
        )
        connection.commit()
    return file


@pytest.fixture
def url(path: Path) -> str:
    return "sqlite:///" + str(path).replace("?", "%3F")


def test_rows_come_back_by_alias(url: str) -> None:
    with open_source(url) as source:
        rows = source.rows(PATIENT, ("patient_key", "sex"))

    assert len(rows) == 1500
    assert dict(rows[0]) == {"patient_key": 0, "sex": "F   "}


def test_many_keys_are_asked_for_in_portions(url: str) -> None:
    with open_source(url) as source:
        rows = source.rows_among(PATIENT, ("patient_key",), "patient_key", list(range(1200)))

    assert sorted(row["patient_key"] for row in rows) == list(range(1200))


def test_an_answer_at_the_row_limit_is_read_and_beyond_it_refused(url: str) -> None:
    with open_source(url) as source:
        assert len(source.rows(PATIENT, ("patient_key",), row_limit=1500)) == 1500
        with pytest.raises(SourceAnswerInvalid, match="more than 1499 rows"):
            source.rows(PATIENT, ("patient_key",), row_limit=1499)


def test_a_time_window_is_applied_by_the_database(url: str) -> None:
    relation = TableRelation(table="Patient", columns=(("patient_key", "PatientSer"), ("at", "At")))
    window = Since(alias="at", start=datetime(2026, 1, 2), end=datetime(2026, 1, 4))  # noqa: DTZ001 - server times
    with open_source(url) as source:
        days = {row["at"][:10] for row in source.rows(relation, ("at",), (window,))}

    assert days == {"2026-01-02", "2026-01-03"}


def test_the_file_cannot_be_written_through_the_connection(url: str, path: Path) -> None:
    before = path.read_bytes()
    with open_source(url) as source, pytest.raises(Exception, match=r"readonly|read-only|query_only"):
        source._open().exec_driver_sql("DELETE FROM Patient")

    assert path.read_bytes() == before


def test_the_session_itself_refuses_to_write_beside_the_file_being_read_only(url: str) -> None:
    with open_source(url) as source:
        assert source._open().exec_driver_sql("PRAGMA query_only").scalar_one() == 1


def test_a_column_of_another_version_is_simply_not_there(url: str) -> None:
    relation = TableRelation(
        table="Patient", columns=(("patient_key", "patientser"), ("language", "Language"))
    )
    with open_source(url) as source:
        assert source.aliases(relation) == {"patient_key"}
        assert source.resolve(relation) == TableRelation(
            table="Patient", columns=(("patient_key", "PatientSer"),)
        )


def test_a_missing_column_in_a_select_is_never_answered_with_its_own_name(url: str) -> None:
    """SQLite reads an unknown quoted name as text; a column of such text would look like data."""
    relation = TableRelation(table="Patient", columns=(("patient_key", "NoSuchColumn"),))
    with open_source(url) as source, pytest.raises(SourceAnswerInvalid):
        source.rows(relation, ("patient_key",))


def test_a_table_that_is_not_there_is_a_wrong_question(url: str) -> None:
    with (
        open_source(url) as source,
        pytest.raises(SourceAnswerInvalid, match="no table or view called 'Nobody'"),
    ):
        source.aliases(TableRelation(table="Nobody", columns=(("a", "a"),)))


def test_a_question_that_takes_too_long_is_no_answer(url: str) -> None:
    endless = SelectRelation(
        statement="SELECT count(*) AS n FROM Patient AS a, Patient AS b, Patient AS c, Patient AS d "
        "WHERE a.Sex = b.At"
    )
    with open_source(url, timeout_s=0.2) as source:
        with pytest.raises(SourceUnavailable, match="no answer"):
            source.rows(endless, ("n",))
        assert len(source.rows(PATIENT, ("sex",))) == 1500


def test_parameters_are_bound_and_unused_ones_left_out(url: str) -> None:
    relation = SelectRelation(
        statement="SELECT PatientSer AS k FROM Patient WHERE At < :now AND Sex <> ' \\:x'"
    )
    values = {"now": datetime(2026, 1, 2), "other": datetime(2026, 1, 2)}  # noqa: DTZ001 - server times
    with open_source(url) as source:
        assert source.aliases(relation, parameters=values) == {"k"}
        assert len(source.rows(relation, ("k",), parameters=values)) == 54


def test_an_absent_file_is_no_answer_and_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no database file called"):
        open_source(f"sqlite:///{tmp_path}/none.db")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_said_so_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"Peeters^Jan " * 500)
    with (
        pytest.raises(SourceAnswerInvalid, match="refused the question") as caught,
        open_source(f"sqlite:///{tmp_path}/x.db") as source,
    ):
        source.aliases(PATIENT)

    assert "Peeters" not in str(caught.value)


def test_a_file_that_somebody_else_holds_is_no_answer(url: str, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceUnavailable, match="no answer"), open_source(url, timeout_s=0.1) as source:
            source.rows(PATIENT, ("sex",))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("not a url", "not a URL"),
        ("oracle://host/x", "no reader for oracle"),
        ("sqlite://", "names no SQLite file"),
        ("postgresql://reader:hunter2@host/ois", "carries a password"),
        ("mssql+pyodbc://reader@host/ois", "driver for mssql"),
    ],
)
def test_a_wrong_address_is_refused_without_showing_it(address: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        open_source(address)

    assert "hunter2" not in str(caught.value)
