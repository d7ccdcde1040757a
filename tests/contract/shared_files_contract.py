"""What every share with documents must do; run over a folder and over a real Samba."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import pytest

from beamkeeper.wire.shared_files import FileRefused, Named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.wire.shared_files import SharedFiles


class Share(Protocol):
    """A share under test: the folder behind it, and the adapter in front."""

    root: Path

    def connect(self) -> SharedFiles: ...


class SharedFilesContract:
    """A subclass gives a fixture `share`."""

    @pytest.fixture
    def files(self, share: Share):
        (share.root / "2026Q1").mkdir()
        (share.root / "2026Q1" / "note.txt").write_bytes(b"supine")
        connected = share.connect()
        yield connected
        connected.close()

    def test_a_file_is_read_byte_for_byte(self, files: SharedFiles, share: Share) -> None:
        data = os.urandom(3_000_000)
        (share.root / "scan.tif").write_bytes(data)

        with files.open(("scan.tif",)) as source:
            assert source.read() == data

    def test_a_file_is_looked_at_without_being_read(self, files: SharedFiles) -> None:
        assert files.look(("2026Q1", "note.txt")).size_bytes == 6

    def test_what_changes_gets_another_stamp(self, files: SharedFiles, share: Share) -> None:
        before = files.look(("2026Q1", "note.txt"))
        (share.root / "2026Q1" / "note.txt").write_bytes(b"prone.")
        os.utime(share.root / "2026Q1" / "note.txt", (1_900_000_000, 1_900_000_000))

        assert files.look(("2026Q1", "note.txt")) != before
        assert files.look(("2026Q1", "note.txt")) == files.look(("2026Q1", "note.txt"))

    @pytest.mark.parametrize(
        "place", [("gone.txt",), ("gone", "note.txt"), ("2026Q1", "note.txt", "deeper.txt")]
    )
    def test_what_is_not_there_is_absent_by_the_shares_word(
        self, files: SharedFiles, place: tuple[str, ...]
    ) -> None:
        assert files.look(place) is None
        assert files.open(place) is None

    def test_a_folder_is_no_document(self, files: SharedFiles) -> None:
        with pytest.raises(FileRefused, match="no file"):
            files.look(("2026Q1",))

    def test_names_are_listed_without_links(self, files: SharedFiles, share: Share) -> None:
        (share.root / "top.txt").write_bytes(b"x")
        (share.root / "link.txt").symlink_to("/etc/passwd")

        assert set(files.names(())) == {
            Named(name="2026Q1", is_folder=True),
            Named(name="top.txt", is_folder=False),
        }
        assert list(files.names(("nowhere",))) == []

    @pytest.mark.parametrize("place", [("link.txt",), ("linked", "note.txt")])
    def test_a_link_that_leads_out_is_never_followed(
        self, files: SharedFiles, share: Share, tmp_path: Path, place: tuple[str, ...]
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "note.txt").write_bytes(b"secret")
        (share.root / "link.txt").symlink_to(outside / "note.txt")
        (share.root / "linked").symlink_to(outside)

        assert unseen(files.look, place)
        assert unseen(files.open, place)


def unseen(ask: Callable[[tuple[str, ...]], object], place: tuple[str, ...]) -> bool:
    """Whether a link is refused, or hidden by the server itself, as Samba hides what leads out of a share."""
    try:
        return ask(place) is None
    except FileRefused:
        return True
