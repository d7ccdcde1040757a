"""A machine's share where others lay what they like: links, pipes, other files of our names."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from beamkeeper.errors import IntegrityError, SourceUnavailable, StorageFull
from beamkeeper.wire.share import drop_folder as subject
from beamkeeper.wire.share.drop_folder import DropFolder
from beamkeeper.wire.shared_files import FileRefused


@pytest.fixture
def share(tmp_path: Path) -> Path:
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_written_whole_and_read_back(share: Path) -> None:
    root = DropFolder(share)
    root.put(("a", "x.dcm"), b"plan")
    root.put(("a", "x.dcm"), b"plan")

    assert root.read(("a", "x.dcm")) == b"plan"
    assert [one.place for one in root.walk().files] == [("a", "x.dcm")]
    assert root.read(("a", "none")) is None
    assert root.read(("none", "none")) is None


def test_another_file_of_the_name_is_never_overwritten(share: Path) -> None:
    (share / "x.dcm").write_bytes(b"theirs")
    with pytest.raises(IntegrityError, match="not what was written"):
        DropFolder(share).put(("x.dcm",), b"ours")

    assert (share / "x.dcm").read_bytes() == b"theirs"


def test_what_was_changed_is_not_removed(share: Path) -> None:
    root = DropFolder(share)
    root.put(("a", "x.dcm"), b"plan")
    (share / "a" / "x.dcm").write_bytes(b"PLAN")

    assert "changed" in root.remove(("a", "x.dcm"), digest(b"plan"))
    assert (share / "a" / "x.dcm").read_bytes() == b"PLAN"
    assert root.remove(("a", "x.dcm"), digest(b"PLAN")) == ""
    assert root.remove(("a", "x.dcm"), digest(b"PLAN")) == ""
    assert root.remove_empty(("a",))
    assert root.remove_empty(("a",))


def test_a_folder_that_is_not_empty_stays(share: Path) -> None:
    root = DropFolder(share)
    root.put(("a", "x.dcm"), b"plan")

    assert not root.remove_empty(("a",))


def test_links_are_neither_read_nor_written_through_nor_removed(share: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"s")
    (share / "file").symlink_to(outside / "secret")
    (share / "folder").symlink_to(outside)
    root = DropFolder(share)

    with pytest.raises(FileRefused, match="link"):
        root.read(("file",))
    with pytest.raises(FileRefused, match="link"):
        root.read(("folder", "secret"))
    with pytest.raises(FileRefused, match="link"):
        root.put(("folder", "new"), b"x")
    assert "link" in root.remove(("file",), digest(b"s"))
    assert {one.place for one in root.walk().odd} == {("file",), ("folder",)}
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]


def test_a_pipe_is_named_and_nobody_waits_at_it(share: Path) -> None:
    os.mkfifo(share / "pipe")
    root = DropFolder(share)

    assert [one.why for one in root.walk().odd] == ["It is neither a file nor a folder."]
    with pytest.raises(FileRefused, match="no file"):
        root.read(("pipe",))


def test_a_name_that_is_no_text_is_named_and_stops_nothing(share: Path) -> None:
    (share / "good").write_bytes(b"1")
    Path(os.fsdecode(os.fsencode(share) + b"/\xff\n")).write_bytes(b"2")
    walked = DropFolder(share).walk()

    assert [one.place for one in walked.files] == [("good",)]
    assert [one.why for one in walked.odd] == ["Its name is no text."]


def test_more_files_than_anybody_would_look_through_are_refused(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "NAMES_MAX", 3)
    for number in range(3):
        (share / str(number)).write_bytes(b"")
    assert len(DropFolder(share).walk().files) == 3
    (share / "one more").write_bytes(b"")

    with pytest.raises(FileRefused, match="more than 3"):
        DropFolder(share).walk()


def test_folders_without_end_are_cut_off_and_named(share: Path) -> None:
    share.joinpath(*"abcdefghijk").mkdir(parents=True)

    assert [one.why for one in DropFolder(share).walk().odd] == ["It lies deeper than 8 folders."]


def test_a_folder_gets_its_name_only_while_nobody_bears_it(share: Path) -> None:
    root = DropFolder(share)
    root.put((".new", "x"), b"1")
    (share / "taken").mkdir()
    with pytest.raises(IntegrityError, match="already"):
        root.rename(".new", "taken")
    root.rename(".new", "free")

    assert (share / "free" / "x").read_bytes() == b"1"


def test_a_share_that_is_not_there_is_no_answer_and_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        DropFolder(tmp_path / "none").walk()
    with pytest.raises(SourceUnavailable):
        DropFolder(tmp_path / "none").put(("a", "b"), b"")

    assert not (tmp_path / "none").exists()


def test_a_file_too_large_is_not_read(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "FILE_BYTES_MAX", 3)
    (share / "x").write_bytes(b"1234")

    with pytest.raises(FileRefused, match="at most"):
        DropFolder(share).read(("x",))


def test_no_room_leaves_nothing_half_written(share: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="No space left"):
        DropFolder(share).put(("a", "x"), b"1")

    assert not list((share / "a").iterdir())
