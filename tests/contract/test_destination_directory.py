"""The contract of `Destination` over a directory, and what only a directory does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.destination_contract import NAME, DestinationContract, FolderPlace, ResumingContract, put

from beamkeeper.errors import IntegrityError, SourceUnavailable
from beamkeeper.wire.destination import WORK
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.wire.destination import Destination


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    root = tmp_path / "copies"
    return FolderPlace(root, lambda: DirectoryDestination(root))


@pytest.fixture
def destination(place: FolderPlace) -> Destination:
    return place.connect()


class TestDirectory(DestinationContract, ResumingContract):
    """A directory of a local file system."""


def test_a_directory_that_is_not_there_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="does not answer"):
        DirectoryDestination(tmp_path / "usb")
    assert not (tmp_path / "usb").exists()


def test_an_unmounted_disk_is_no_answer_and_not_an_empty_one(place: FolderPlace) -> None:
    destination = place.connect()
    put(destination, NAME, b"sealed")
    place.root.rename(place.root.with_name("unplugged"))
    place.root.mkdir()

    with pytest.raises(SourceUnavailable, match="unmounted or replaced"):
        destination.open(NAME)
    with pytest.raises(SourceUnavailable, match="unmounted or replaced"):
        list(destination.list("targets/"))


def test_a_copy_on_the_disk_of_the_vault_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="same disk as the vault"):
        DirectoryDestination(tmp_path, other_disk_than=tmp_path)


def test_where_the_vault_is_lost_its_copy_is_read_all_the_same(tmp_path: Path) -> None:
    destination = DirectoryDestination(tmp_path, other_disk_than=tmp_path / "lost")

    assert destination.open(NAME) is None


@pytest.mark.parametrize("folder", ["targets", WORK])
def test_a_link_that_leads_out_of_the_directory_is_not_followed(
    place: FolderPlace, tmp_path: Path, folder: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (place.root / folder).symlink_to(tmp_path / "elsewhere")
    destination = place.connect()

    with pytest.raises(IntegrityError, match="a link that leads out"):
        put(destination, NAME, b"sealed")
    if folder == WORK:
        with pytest.raises(IntegrityError, match="a link that leads out"):
            destination.replace("metadata/timestamp.json", b"{}")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_where_a_file_system_has_no_links_a_taken_name_still_stays(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("beamkeeper.wire.share.directory.os.link", no_links)
    destination = place.connect()
    put(destination, NAME, b"sealed")

    assert place.read(NAME) == b"sealed"
    with pytest.raises(IntegrityError, match="already holds"):
        put(destination, NAME, b"other")
