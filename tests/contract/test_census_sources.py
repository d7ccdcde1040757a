"""The contract of a source over every source the census brings."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.contract.census_source_contract import NOW, CensusSourceContract
from tests.contract.ois_department import CONTENT, MAPPING, TABLES
from tests.unit.protect.census.receipt_builders import write_receipt

from beamkeeper.domain.patient import Patient
from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable
from beamkeeper.protect.census import (
    CensusWindow,
    DicomSource,
    ReceiptSource,
    Source,
    SqlSource,
    parse_mapping,
)
from beamkeeper.protect.census.dicom_source import PATIENTS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BRUSSELS = ZoneInfo("Europe/Brussels")


class TestSqlSource(CensusSourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        path = tmp_path / "ois.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(TABLES)
            for table, rows in CONTENT.items():
                marks = ", ".join("?" * len(rows[0]))
                statement = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - our own names
                connection.executemany(statement, rows)
            connection.commit()
        return SqlSource(parse_mapping(MAPPING), f"sqlite:///{path}", name="aria")

    @pytest.fixture
    def absent(self, tmp_path: Path) -> Source:
        return SqlSource(parse_mapping(MAPPING), f"sqlite:///{tmp_path}/nowhere.db")


class TestDicomSource(CensusSourceContract):
    @pytest.fixture
    def source(self) -> Source:
        return DicomSource("pacs", lambda _: [Patient(patient_id="P1", name="Peeters^Jan")], zone=BRUSSELS)

    @pytest.fixture
    def absent(self) -> Source:
        def silent(_: date) -> Iterable[Patient]:
            raise SourceUnavailable("The archive gave no answer.", do_next="Check that it runs.")

        return DicomSource("pacs", silent, zone=BRUSSELS)


class TestReceiptSource(CensusSourceContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        write_receipt(tmp_path)
        return ReceiptSource("raystation", tmp_path, zone=BRUSSELS, days=60)

    @pytest.fixture
    def absent(self, tmp_path: Path) -> Source:
        return ReceiptSource("raystation", tmp_path / "unplugged", zone=BRUSSELS, days=60)


def test_an_archive_is_asked_from_the_first_local_day_of_the_window() -> None:
    asked: list[date] = []

    def port(day: date) -> Iterable[Patient]:
        asked.append(day)
        return []

    DicomSource("pacs", port, zone=BRUSSELS).ask(NOW, CensusWindow(treated_days=7))
    late = NOW.replace(hour=23, minute=30)
    DicomSource("pacs", port, zone=BRUSSELS).ask(late, CensusWindow(treated_days=7))

    assert asked == [date(2026, 11, 15), date(2026, 11, 16)]


def test_an_archive_may_name_a_patient_twice_and_two_spellings_stay_two() -> None:
    one, other = Patient(patient_id="P1", name="Peeters^Jan"), Patient(patient_id="P1", name="Pieters^Jan")
    answer = DicomSource("pacs", lambda _: [one, other, one], zone=BRUSSELS).ask(NOW, CensusWindow())

    assert [entry.patient for entry in answer.entries] == [one, other]


def test_an_archive_tells_test_patients_by_the_sites_rule() -> None:
    source = DicomSource(
        "pacs",
        lambda _: [Patient(patient_id="$QA", name="Cube")],
        zone=BRUSSELS,
        is_test_patient=lambda patient_id: patient_id.startswith("$"),
    )

    assert source.ask(NOW, CensusWindow()).test_patient_ids == {"$QA"}


def test_an_archive_that_names_everybody_it_ever_knew_is_stopped() -> None:
    def everybody(_: date) -> Iterable[Patient]:
        return (Patient(patient_id=f"P{number}", name="") for number in range(PATIENTS_MAX + 1))

    with pytest.raises(SourceAnswerInvalid, match="more than 100000 patients"):
        DicomSource("pacs", everybody, zone=BRUSSELS).ask(NOW, CensusWindow())


def test_a_window_that_looks_at_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        CensusWindow(treated_days=0)
