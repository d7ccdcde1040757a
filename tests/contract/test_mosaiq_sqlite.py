"""The MOSAIQ contract over SQLite, and what only needs one server: versions of the product, query plans."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import mssql
from tests.contract.mosaiq_contract import CODES, SETTINGS, MosaiqContract, ask, parts
from tests.contract.sqlite_plans import scanned

from beamkeeper.domain.chart import Triage
from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.protect.ois_settings import NextOfKin, TriageCode
from beamkeeper.rehearse.sim.mosaiq import TABLES, Clinic, quirky_clinic
from beamkeeper.wire.sql.relation import Among, relation_select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def clinic() -> Clinic:
    return quirky_clinic()


@pytest.fixture(scope="module")
def url(clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("mosaiq") / "mosaiq.db"
    TABLES.write_sqlite(path, clinic.rows)
    return f"sqlite:///{path}"


class TestSqliteMosaiq(MosaiqContract):
    """SQLite pads nothing by itself: the invented rows carry their blanks."""


def lacking(clinic: Clinic, path: Path, *columns: tuple[str, str]) -> str:
    """Return a database of a version that lacks some columns."""
    engine = create_engine(f"sqlite:///{path}")
    absent = {(table, column) for table, column in columns}
    rows = {
        table: [{k: v for k, v in row.items() if (table, k) not in absent} for row in of_table]
        for table, of_table in clinic.rows.items()
    }
    with engine.begin() as connection:
        TABLES.create(connection, without=columns)
        TABLES.write(connection, rows, without=columns)
    engine.dispose()
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        ("Site", "IsDoseInCcGE", "[plan]"),
        ("Admin", "Language_Spoken_Pro_ID", "[patient] has not what language stands for"),
        ("TxField", "IsFFF", "[field] has not what energy stands for"),
        ("Staff", "Machine_Type", "[appointment] has not what kind stands for"),
    ],
)
def test_a_version_without_an_optional_column_is_read_without_it_and_that_is_said(
    clinic: Clinic, tmp_path: Path, table: str, column: str, said: str
) -> None:
    answer = ask(lacking(clinic, tmp_path / "old.db", (table, column)))

    assert "M1001" in {entry.patient.patient_id for entry in answer.entries}
    assert any(said in warning for warning in answer.warnings) or table == "Site"


@pytest.mark.parametrize(
    ("table", "column", "section"),
    [
        ("Ident", "IDA", r"\[patient\]"),
        ("PatCPlan", "Course", r"\[course\]"),
        ("TxField", "Version", r"\[plan\]"),
    ],
)
def test_a_version_without_a_needed_column_stops_this_source(
    clinic: Clinic, tmp_path: Path, table: str, column: str, section: str
) -> None:
    with pytest.raises(SourceAnswerInvalid, match=section):
        ask(lacking(clinic, tmp_path / "odd.db", (table, column)))


def test_a_database_without_a_history_still_gives_the_calendar(clinic: Clinic, tmp_path: Path) -> None:
    answer = ask(lacking(clinic, tmp_path / "old.db", ("Dose_Hst", "Fx_Number_InEffect")))

    assert any(said.startswith("[fraction_count: dose history] is left out") for said in answer.warnings)
    plain = next(e for e in answer.entries if e.patient.patient_id == "M1001")
    assert {count.source for count in plain.counts} == {"mosaiq, calendar", "mosaiq, field counter"}


def test_no_question_reads_a_whole_table(url: str, questions: list[tuple[str, Any]]) -> None:
    """Each starts from a patient, a key or a date: a vendor's database holds decades."""
    ask(url)
    bounded = [
        (text, values) for text, values in questions if "FROM" in text and "1 = 0" not in text and values
    ]
    engine = create_engine(url)
    with engine.connect() as connection:
        plans = {
            text: [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
            for text, values in bounded
        }
    engine.dispose()

    scans = {table for text, steps in plans.items() for table in scanned(text, steps, CODES)}
    assert len(bounded) > 12
    assert scans == set()


AGGREGATE = re.compile(r"\(\s*SELECT\s+(?:MAX|MIN|SUM|COUNT)\(", re.IGNORECASE)
"""In a subselect; SQL Server allows no second table in it when one of them is of the question around it."""


def arguments(statement: str) -> Iterator[str]:
    """Yield what stands in the parentheses of each aggregate."""
    for match in AGGREGATE.finditer(statement):
        depth, position = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(statement[position], 0)
            position += 1
        yield statement[match.end() : position - 1]


@pytest.mark.parametrize(("entity", "relation"), list(parts()))
def test_each_question_is_written_for_sql_server(entity: Any, relation: Any) -> None:
    """Compiled, not run: no server is here. What it is known to refuse must not be there."""
    aliases = tuple(alias for alias, _ in relation.columns)
    key = next(alias for alias in aliases if alias.endswith("_key"))
    statement = relation_select(
        relation.select(aliases), aliases, (Among(alias=key, keys=(1, 2)),), row_limit=10
    )
    text = str(statement.compile(dialect=mssql.dialect(), compile_kwargs={"literal_binds": True}))

    assert text.startswith("SELECT TOP 11 ")
    assert not re.search(r"\|\||\bLIMIT\b|\bTRUE\b|\bFALSE\b|::|\bUSING\b", text)
    several = [one for one in arguments(text) if len(set(re.findall(r"\b([a-z])\.", one))) > 1]
    assert not several, entity


def test_the_settings_of_a_department_change_what_is_a_treatment(url: str) -> None:
    elsewhere = ask(url, SETTINGS.model_copy(update={"treatment_rooms": ("LINAC9",)}))
    by_code = ask(url, SETTINGS.model_copy(update={"treatment_activities": ("99213*",)}))
    word = ask(url, SETTINGS.model_copy(update={"schedule_status": {"Q": "cancelled"}}))

    assert "M1041" not in {entry.patient.patient_id for entry in elsewhere.entries}
    assert "M1046" in {entry.patient.patient_id for entry in by_code.entries}
    assert "M1048" not in {entry.patient.patient_id for entry in word.entries}


def test_next_of_kin_and_triage_code_come_from_the_columns_a_department_names(
    clinic: Clinic, tmp_path: Path
) -> None:
    """In an invented MOSAIQ the columns are called otherwise than in any real one: nobody knows how."""
    url = lacking(clinic, tmp_path / "kin.db", ("Admin", "Nurse_Unit"))
    engine = create_engine(url)
    with engine.begin() as connection:
        for name in ("Kin_Name", "Kin_Phone", "Urgency"):
            connection.exec_driver_sql(f"ALTER TABLE Admin ADD COLUMN {name} CHAR(40)")
        kin = "Kin_Name = 'Janssens, Jan   ', Kin_Phone = '+32 2   ', Urgency = '2   '"
        connection.exec_driver_sql(f"UPDATE Admin SET {kin} WHERE Pat_ID1 = 1")  # noqa: S608 - our own words
    engine.dispose()
    where = {
        "next_of_kin": NextOfKin(name="Kin_Name", phone="Kin_Phone"),
        "triage": TriageCode(code="Urgency"),
    }

    told = {e.patient.patient_id: e for e in ask(url, SETTINGS.model_copy(update=where)).entries}
    assert [(one.relation, one.name, one.phone) for one in told["M1001"].patient.contacts] == [
        ("next of kin", "Janssens, Jan", "+32 2")
    ]
    assert told["M1001"].charts[0].triage == Triage(code="2")
    assert told["M1011"].patient.contacts == ()
    absent = ask(
        url, SETTINGS.model_copy(update={"next_of_kin": NextOfKin(name="Nobody", phone="Kin_Phone")})
    )
    assert any(said.startswith("[contact] is left out") for said in absent.warnings)


def test_a_note_of_ten_megabytes_is_cut_and_says_so(url: str, tmp_path: Path) -> None:
    path = tmp_path / "long.db"
    shutil.copyfile(url.removeprefix("sqlite:///"), path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            r"UPDATE Notes SET notes = '{\rtf1 ' || printf('%.10000000c', 'x') || '}' WHERE Note_ID = 1"
        )
        connection.commit()
    entries = {entry.patient.patient_id: entry for entry in ask(f"sqlite:///{path}").entries}

    (note,) = [note for note in entries["M1061"].charts[0].notes if "cut" in note.text]
    assert len(note.text) < 5_000
    assert "M1001" in entries
