"""Fetching one document: bounded, read whole or not at all, and never while it changes."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.documents import FetchLimits, Outcome, Place, Wanted, fetch
from beamkeeper.wire.share.folder_files import FolderFiles
from beamkeeper.wire.shared_files import FileFacts, FileRefused

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.protect.documents import Fetched

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
LIMITS = FetchLimits(size_bytes_max=1000, room_bytes=1000, deadline=NOW + timedelta(hours=4))
HERE = Place(share="share", segments=("a.txt",))
ELSEWHERE = Place(share="share", segments=("2026Q1", "a.txt"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "a.txt").write_bytes(b"supine")
    return tmp_path / "share"


def fetched(root: Path, *places: Place, files: object = None, known=None, limits=LIMITS) -> Fetched:
    return fetch(
        Wanted(document_id="1", title="Setup", places=places or (HERE,)),
        {"share": files or FolderFiles(root)},
        limits=limits,
        known=known,
        staging=root.parent / "staging",
        now=lambda: NOW,
    )


def staged(root: Path) -> list[str]:
    return [path.name for path in (root.parent / "staging").glob("*")]


def test_the_first_place_that_has_it_counts_and_its_bytes_are_staged(root: Path) -> None:
    found = fetched(root, ELSEWHERE, HERE)

    assert (found.outcome, found.place, found.size_bytes) == (Outcome.RECEIVED, HERE, 6)
    assert staged(root) == [found.sha256] == [hashlib.sha256(b"supine").hexdigest()]


def test_what_the_share_says_is_as_it_was_is_not_read_again(root: Path) -> None:
    before = fetched(root)

    assert fetched(root, known=(str(HERE), before.stamp)).outcome is Outcome.UNCHANGED
    assert fetched(root, known=("share/b.txt", before.stamp)).outcome is Outcome.RECEIVED


def test_what_no_place_has_is_absent(root: Path) -> None:
    assert fetched(root, ELSEWHERE).outcome is Outcome.ABSENT


def test_an_empty_file_and_one_beyond_the_limit_are_not_taken(root: Path) -> None:
    (root / "a.txt").write_bytes(b"")
    assert fetched(root).outcome is Outcome.EMPTY
    (root / "a.txt").write_bytes(bytes(1000))
    assert fetched(root).outcome is Outcome.RECEIVED
    (root / "a.txt").write_bytes(bytes(1001))
    assert fetched(root).outcome is Outcome.TOO_LARGE
    assert len(staged(root)) == 1


def test_a_share_that_is_filled_does_not_fill_the_collectors_disk(root: Path) -> None:
    full = fetched(root, limits=FetchLimits(size_bytes_max=1000, room_bytes=5, deadline=LIMITS.deadline))

    assert full.outcome is Outcome.NO_ROOM
    assert "6 bytes" in full.reason
    assert not staged(root)


def test_nothing_is_asked_when_the_time_is_over(root: Path) -> None:
    over = FetchLimits(size_bytes_max=9, room_bytes=9, deadline=NOW)

    assert fetched(root, limits=over).outcome is Outcome.NO_TIME


class Writing:
    """A share on which somebody writes: each look finds more, and a read gets what is there by then."""

    def __init__(self, sizes: list[int]) -> None:
        self._sizes = sizes
        self._at = 0

    def look(self, _: object) -> FileFacts:
        self._at = min(self._at + 1, len(self._sizes) - 1)
        size = self._sizes[self._at]
        return FileFacts(size_bytes=size, stamp=str(size))

    def open(self, _: object) -> io.BytesIO | None:
        return io.BytesIO(bytes(self._sizes[self._at]))


def test_a_file_that_grows_is_read_once_more_and_then_left_for_the_next_night(root: Path) -> None:
    settling, growing = Writing([0, 5, 7, 7, 7]), Writing(list(range(1, 90)))

    assert fetched(root, files=settling).size_bytes == 7
    assert fetched(root, files=growing).outcome is Outcome.UNSTEADY
    assert len(staged(root)) == 1


class Answering:
    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def look(self, _: object) -> FileFacts:
        return FileFacts(size_bytes=5, stamp="5")

    def open(self, _: object) -> None:
        if self._error:
            raise self._error


def test_a_file_that_vanishes_between_two_looks_is_no_document(root: Path) -> None:
    assert fetched(root, files=Answering(None)).outcome is Outcome.UNSTEADY


def test_a_file_that_is_held_is_refused_and_a_dead_share_is_no_answer(root: Path) -> None:
    held = fetched(root, files=Answering(FileRefused("Another program holds it.")))

    assert (held.outcome, held.reason) == (Outcome.REFUSED, "Another program holds it.")
    with pytest.raises(SourceUnavailable):
        fetched(root, files=Answering(SourceUnavailable("gone")))
