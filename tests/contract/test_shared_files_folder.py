"""The contract of `SharedFiles` over a folder, and what only a folder does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.contract.shared_files_contract import SharedFilesContract

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.share.folder_files import FolderFiles
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from pathlib import Path


class FolderShare:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def connect(self) -> FolderFiles:
        return FolderFiles(self.root)


@pytest.fixture
def share(tmp_path: Path) -> FolderShare:
    return FolderShare(tmp_path / "documents")


class TestFolder(SharedFilesContract):
    """A folder of a local file system."""


def test_a_folder_that_is_not_there_gives_no_answer(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="gives no answer"):
        FolderFiles(tmp_path / "nowhere").look(("a.txt",))


def test_an_empty_folder_gives_no_answer_as_where_a_share_is_not_mounted(share: FolderShare) -> None:
    with pytest.raises(SourceUnavailable, match="not mounted"):
        share.connect().look(("a.txt",))


def test_a_pipe_is_refused_and_nobody_waits_for_it(share: FolderShare) -> None:
    os.mkfifo(share.root / "pipe.txt")

    with pytest.raises(FileRefused, match="no file"):
        share.connect().look(("pipe.txt",))


def test_a_name_that_no_file_can_have_is_refused(share: FolderShare) -> None:
    (share.root / "a.txt").write_bytes(b"x")

    with pytest.raises(FileRefused, match="of that name"):
        share.connect().look(("x" * 300,))


def test_a_link_is_refused_even_when_it_stays_inside(share: FolderShare) -> None:
    (share.root / "a.txt").write_bytes(b"x")
    (share.root / "b.txt").symlink_to("a.txt")

    with pytest.raises(FileRefused, match="link"):
        share.connect().open(("b.txt",))
