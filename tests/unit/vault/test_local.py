"""The directory store: bytes are durable before their name is, and the name before success is said."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from beamkeeper.errors import IntegrityError, SourceUnavailable
from beamkeeper.vault import LocalStore


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the disk, in order; every call is carried out."""
    made: list[str] = []
    fsync, link, rename = os.fsync, os.link, os.rename

    def spy_fsync(handle: int) -> None:
        made.append(f"fsync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        fsync(handle)

    def spy_link(source: Path, final: Path) -> None:
        made.append(f"link {final.name}")
        link(source, final)

    def spy_rename(source: Path, final: Path) -> None:
        made.append(f"rename {final.name}")
        rename(source, final)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "link", spy_link)
    monkeypatch.setattr(os, "rename", spy_rename)
    return made


def test_bytes_are_synced_before_they_are_named_and_the_name_before_put_returns(
    tmp_path: Path, calls: list[str]
) -> None:
    store = LocalStore(tmp_path / "vault", create=True)
    store.put("targets/first", io.BytesIO(b"1"))
    calls.clear()
    store.put("targets/a", io.BytesIO(b"sealed"))
    file, named, folder = calls

    assert file.startswith("fsync ")
    assert (named, folder) == ("link a", "fsync targets")


def test_a_new_folder_is_synced_into_the_one_above_it(tmp_path: Path, calls: list[str]) -> None:
    store = LocalStore(tmp_path / "vault", create=True)
    calls.clear()
    store.put("targets/patient/a", io.BytesIO(b"sealed"))

    assert calls[:3] == ["fsync vault", "fsync vault", "fsync targets"]  # .staging, targets, patient
    assert calls[-2:] == ["link a", "fsync patient"]


def test_a_replaced_file_is_synced_before_the_swap_and_the_folder_after(
    tmp_path: Path, calls: list[str]
) -> None:
    store = LocalStore(tmp_path / "vault", create=True)
    store.replace("metadata/timestamp.json", b"1")
    calls.clear()
    store.replace("metadata/timestamp.json", b"2")
    file, swapped, folder = calls

    assert file.startswith("fsync ")
    assert (swapped, folder) == ("rename timestamp.json", "fsync metadata")


def test_files_and_folders_are_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        LocalStore(tmp_path / "vault", create=True).put("targets/patient/a", io.BytesIO(b"sealed"))
    finally:
        os.umask(before)
    paths = [tmp_path / "vault", *(tmp_path / "vault").rglob("*")]

    assert {path.stat().st_mode & 0o777 for path in paths if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in paths if path.is_file()} == {0o600}


def test_a_missing_directory_is_not_made_unless_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="does not answer"):
        LocalStore(tmp_path / "mnt" / "share")
    assert not (tmp_path / "mnt").exists()


def test_a_file_is_no_vault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(SourceUnavailable, match="a vault is a directory"):
        LocalStore(tmp_path / "file")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("what", ["pipe", "link", "folder"])
def test_what_the_owner_of_the_directory_lays_in_place_of_a_file_is_named_and_waited_for_by_nobody(
    tmp_path: Path, what: str
) -> None:
    store = LocalStore(tmp_path / "vault", create=True)
    store.put("metadata/timestamp.json", io.BytesIO(b"1"))
    path = tmp_path / "vault" / "metadata" / "timestamp.json"
    path.unlink()
    {"pipe": os.mkfifo, "link": lambda at: at.symlink_to("/dev/zero"), "folder": Path.mkdir}[what](path)

    with pytest.raises(IntegrityError, match=r"metadata/timestamp\.json is a link, a pipe or a folder"):
        store.get("metadata/timestamp.json")


def test_nothing_is_listed_written_or_deleted_through_a_folder_that_leads_out_of_the_vault(
    tmp_path: Path,
) -> None:
    store = LocalStore(tmp_path / "vault", create=True)
    store.put("targets/site/a", io.BytesIO(b"1"))
    mirror = tmp_path / "mirror" / "other"
    mirror.mkdir(parents=True)
    (mirror / "parcel").write_bytes(b"another patient's")
    (tmp_path / "vault" / "targets" / "gone").symlink_to(mirror)

    for step in (
        lambda: list(store.list("targets/gone/")),
        lambda: store.delete("targets/gone/parcel"),
        lambda: store.put("targets/gone/new", io.BytesIO(b"1")),
        lambda: store.replace("targets/gone/parcel", b"1"),
    ):
        with pytest.raises(IntegrityError, match="targets/gone is a link"):
            step()
    assert {path.name: path.read_bytes() for path in mirror.iterdir()} == {"parcel": b"another patient's"}
