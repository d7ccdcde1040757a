"""A folder of CSV reports is asked like a database, and a report that is not whole is no answer."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.sql import TableRelation, oldest_report, open_source, reports

if TYPE_CHECKING:
    from pathlib import Path

PATIENT = TableRelation(table="bk_patient", columns=(("patient_id", "mrn"), ("last_name", "name")))
WRITTEN = datetime(2026, 11, 21, 20, tzinfo=UTC)


def told(folder: Path, **files: bytes | str) -> str:
    for name, data in files.items():
        (folder / f"{name}.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
    return f"csv:///{folder}"


def people(url: str) -> list[tuple[str, str]]:
    with open_source(url) as source:
        return [(r["patient_id"], r["last_name"]) for r in source.rows(PATIENT, ("patient_id", "last_name"))]


@pytest.mark.parametrize(
    "data",
    [
        "mrn,name\n0012,Peeters\n",
        "mrn;name\r\n0012;Peeters\r\n\r\n",
        'mrn\tname\n"0012"\tPeeters',
        "\ufeffMRN, Name\n0012, Peeters \n",
        "mrn;name\n0012;Peeters\n".encode("utf-16"),
    ],
)
def test_a_report_is_read_as_spreadsheets_write_it(tmp_path: Path, data: bytes | str) -> None:
    assert people(told(tmp_path, bk_patient=data)) == [("0012", "Peeters")]


def test_what_is_sql_is_text_and_an_empty_cell_is_nothing(tmp_path: Path) -> None:
    url = told(tmp_path, bk_patient='mrn,name\n"1\'); DROP TABLE bk_patient;--",\n')

    assert people(url) == [("1'); DROP TABLE bk_patient;--", None)]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("mrn,name\n1,Peeters,An\n", r"Line 2 of the report bk_patient has 3 cells, the first line 2"),
        ("mrn,name\n1\n", "has 1 cells"),
        ('mrn,name\n1,"Peeters\n', "Line 2 of the report bk_patient is no CSV"),
        ("mrn,name\n1,Pee\0ters\n", "is no CSV"),
        (b"mrn,name\n1,Zo\xeb\n", "is no UTF-8"),
        ("", "does not name its columns"),
        ('mrn,"na""me"\n', "does not name its columns"),
        ("mrn,MRN\n", "Two columns of the report bk_patient have one name"),
        ("mrn,name\n1," + "x" * (reports.CELL_CHARACTERS_MAX + 1), "is no CSV"),
    ],
)
def test_a_report_that_is_not_whole_refuses_the_folder(tmp_path: Path, data: bytes | str, said: str) -> None:
    with pytest.raises(SourceAnswerInvalid, match=said):
        open_source(told(tmp_path, bk_patient=data))


def test_a_report_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "FILE_BYTES_MAX", 20)

    assert people(told(tmp_path, bk_patient="mrn,name\n1,Peeters\n"[:20])) == [("1", "Peeters")]
    with pytest.raises(SourceAnswerInvalid, match="is longer than"):
        open_source(told(tmp_path, bk_patient="mrn,name\n1,Peeters An\n"))


def test_a_folder_without_reports_is_no_answer_and_no_empty_list(tmp_path: Path) -> None:
    (tmp_path / "Peeters An 2026.csv").write_text("mrn,name\n", encoding="utf-8")
    for url in (f"csv:///{tmp_path}", f"csv:///{tmp_path / 'away'}", "csv:///"):
        with pytest.raises(SourceUnavailable) as caught:
            open_source(url)
        assert "Peeters" not in str(caught.value)


def test_the_report_that_was_written_longest_ago_is_named(tmp_path: Path) -> None:
    url = told(tmp_path, bk_patient="mrn,name\n", bk_plan="plan_key\n")
    os.utime(tmp_path / "bk_plan.csv", (WRITTEN.timestamp(), WRITTEN.timestamp()))

    assert oldest_report(url) == ("bk_plan", WRITTEN)
    assert oldest_report(f"sqlite:///{tmp_path}/ois.db") is None
