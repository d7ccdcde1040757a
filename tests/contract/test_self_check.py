"""The self-check over the invented ARIA and MOSAIQ: every column is there, odd words and counts are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract import aria_contract, mosaiq_contract

from beamkeeper.app.source_check.people import methods_part
from beamkeeper.protect.census import CensusWindow, SqlSource, aria_mapping, mosaiq_mapping
from beamkeeper.rehearse.sim import aria, mosaiq

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.protect.census import SelfCheck

WINDOW = CensusWindow()


@pytest.fixture(scope="module")
def aria_source(tmp_path_factory: pytest.TempPathFactory) -> SqlSource:
    path: Path = tmp_path_factory.mktemp("aria") / "aria.db"
    aria.TABLES.write_sqlite(path, aria.quirky_clinic().rows)
    return SqlSource(aria_mapping(aria_contract.SETTINGS), f"sqlite:///{path}", name="aria")


@pytest.fixture(scope="module")
def mosaiq_source(tmp_path_factory: pytest.TempPathFactory) -> SqlSource:
    path: Path = tmp_path_factory.mktemp("mosaiq") / "mosaiq.db"
    mosaiq.TABLES.write_sqlite(path, mosaiq.quirky_clinic().rows)
    return SqlSource(mosaiq_mapping(mosaiq_contract.SETTINGS), f"sqlite:///{path}")


def unknown(check: SelfCheck) -> set[str]:
    return {word.text for word in check.words if not word.meaning}


def test_an_invented_aria_has_every_column_and_its_odd_words_are_found(aria_source: SqlSource) -> None:
    check = aria_source.check(aria_contract.NOW, WINDOW)

    assert [section.label for section in check.sections if section.error or section.absent] == []
    assert unknown(check) == {"Pt. In Taxi", "SKIPPED"}
    assert check.unasked == ()


def test_an_invented_mosaiq_has_every_column_and_its_odd_words_are_found(mosaiq_source: SqlSource) -> None:
    check = mosaiq_source.check(mosaiq_contract.NOW, WINDOW)

    assert [section.label for section in check.sections if section.error or section.absent] == []
    assert unknown(check) == {"Q", "X,"}


def test_plans_that_an_ois_counts_in_two_ways_differently_are_found(
    aria_source: SqlSource, mosaiq_source: SqlSource
) -> None:
    of_aria = methods_part(aria_source.ask(aria_contract.NOW, WINDOW).entries)
    of_mosaiq = methods_part(mosaiq_source.ask(mosaiq_contract.NOW, WINDOW).entries)

    assert [line.split(",")[0].strip(" ▲") for line in of_aria.lines[2:]] == [
        "course-moved",
        "session-ahead",
    ]
    assert [line.split(",")[0].strip(" ▲") for line in of_mosaiq.lines[2:]] == [
        "M1025",
        "M1027",
        "M1033",
    ]
