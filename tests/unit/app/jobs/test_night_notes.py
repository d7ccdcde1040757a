"""Tonight's list, which every step of every patient asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.looked import TonightList
from beamkeeper.app.jobs.night_notes import LIST_NAME, NightNotes
from beamkeeper.app.jobs.notes import write_note
from beamkeeper.domain.census import Census
from beamkeeper.errors import NightInterrupted

if TYPE_CHECKING:
    from pathlib import Path


def tonight(*warnings: str) -> TonightList:
    return TonightList(
        census=Census(taken_at=datetime(2026, 3, 2, tzinfo=UTC), sources=(), entries=()),
        pseudonyms=(),
        warnings=warnings,
    )


def test_the_list_is_read_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    write_note(tmp_path / LIST_NAME, tonight("first"))
    notes = NightNotes(tmp_path)

    assert notes.listed_tonight() is notes.listed_tonight()


def test_a_list_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    write_note(tmp_path / LIST_NAME, tonight("first"))
    notes = NightNotes(tmp_path)
    notes.listed_tonight()
    write_note(tmp_path / LIST_NAME, tonight("other"))

    assert notes.listed_tonight().warnings == ("other",)


def test_a_list_that_is_gone_stops_the_night_although_it_was_read_before(tmp_path: Path) -> None:
    write_note(tmp_path / LIST_NAME, tonight())
    notes = NightNotes(tmp_path)
    notes.listed_tonight()
    (tmp_path / LIST_NAME).unlink()

    with pytest.raises(NightInterrupted, match="gone"):
        notes.listed_tonight()
