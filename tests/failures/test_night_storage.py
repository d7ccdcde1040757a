"""Our own side fails: a full disk, a vault that cannot be written, wrong keys, a vault set back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scenarios"))

from night_site import NIGHT_1, NIGHT_2, NIGHT_3, SmallSite, make_objects

from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import BeamkeeperError, KeyUnavailable, StorageFull, VaultRolledBack
from beamkeeper.vault import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Mount = Callable[[Path, str], None]

PAGE_BYTES = 4096


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of one patient after its first night; copy it."""
    root = tmp_path_factory.mktemp("one")
    make_objects(root / "source", who=(2,), sessions=1)
    assert SmallSite.make(root).night(NIGHT_1).outcome is NightOutcome.COMPLETE
    return root


@pytest.fixture
def site(kept: Path, tmp_path: Path) -> SmallSite:
    """The same, with a second patient to keep tonight."""
    copy = SmallSite.copied(kept, tmp_path / "site")
    make_objects(copy.source, who=(3,), sessions=1)
    return copy


@pytest.fixture
def mount(request: pytest.FixtureRequest) -> Iterator[Mount]:
    """Mount something over a folder for the time of a test, where this machine lets us."""
    mounted: list[Path] = []

    def run(folder: Path, options: str) -> None:
        bind = options.startswith("bind")
        command = ["mount", *(["--bind"] if bind else ["-t", "tmpfs", "-o", options, "tmpfs"])]
        command += [str(folder), str(folder)] if bind else [str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root may mount here")
        mounted.append(folder)
        if bind:
            subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True, capture_output=True)

    yield run
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=True)


def pages(size_bytes: int) -> int:
    """Return how much a file takes of a tmpfs."""
    return -(-size_bytes // PAGE_BYTES) * PAGE_BYTES


def on_small_disk(folder: Path, room_bytes: int, mount: Mount) -> None:
    """Put a folder, with what it holds, on a file system of its own with little room left."""
    held = sum(pages(path.stat().st_size) for path in folder.rglob("*") if path.is_file())
    aside = folder.with_name(folder.name + ".aside")
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    mount(folder, f"size={held + pages(room_bytes) + PAGE_BYTES},mode=0700")
    shutil.copytree(aside, folder, dirs_exist_ok=True)


def verify_says_something(error: BeamkeeperError, status: int) -> None:
    assert error.exit_status == status
    assert error.message.endswith(".")
    assert error.do_next


def make_room(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def parcel_bytes(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How large the parcels are that a second patient makes: its own, and news for who has the same name."""
    copy = SmallSite.copied(kept, tmp_path_factory.mktemp("measured") / "site")
    make_objects(copy.source, who=(3,), sessions=1)
    return sum(night.parcel_bytes for night in copy.night(NIGHT_2).patients)


@pytest.mark.parametrize("where", ["parcel", "metadata"])
def test_a_full_vault_disk_ends_the_night_and_the_next_try_completes_it(
    site: SmallSite, mount: Mount, tmp_path: Path, parcel_bytes: int, where: str
) -> None:
    on_small_disk(site.vault_dir, parcel_bytes if where == "metadata" else parcel_bytes // 2, mount)
    with pytest.raises(StorageFull) as full:
        site.night(NIGHT_2)
    verify_says_something(full.value, 24)
    large = parcel_bytes // 2  # the other patient's new facts, of a namesake, fit in any case
    sealed = [path for path in site.vault_dir.rglob("*.2026-03-03-*.age") if path.stat().st_size > large]
    site.verify_vault(NIGHT_1)
    make_room(site.vault_dir)
    report = site.night(NIGHT_2, hour=3)

    assert bool(sealed) == (where == "metadata")
    assert report.outcome is NightOutcome.COMPLETE
    site.verify_holds_the_source(tmp_path / "out")


def test_a_full_disk_below_the_spool_ends_the_night_and_the_next_try_completes_it(
    site: SmallSite, mount: Mount, tmp_path: Path
) -> None:
    nights = site.site.night_dir(NIGHT_2).parent
    on_small_disk(nights, 100_000, mount)
    with pytest.raises(StorageFull) as full:
        site.night(NIGHT_2)
    verify_says_something(full.value, 24)
    make_room(nights)
    report = site.night(NIGHT_2, hour=3)

    assert report.outcome is NightOutcome.COMPLETE
    site.verify_holds_the_source(tmp_path / "out")


def test_a_vault_that_may_only_be_read_ends_the_night_and_nothing_is_lost(
    site: SmallSite, mount: Mount, tmp_path: Path
) -> None:
    mount(site.vault_dir, "bind")
    with pytest.raises(StorageFull) as refused:
        site.night(NIGHT_2)
    verify_says_something(refused.value, 24)
    site.verify_vault(NIGHT_1)
    subprocess.run(["mount", "-o", "remount,bind,rw", str(site.vault_dir)], check=True, capture_output=True)

    assert site.night(NIGHT_2, hour=3).outcome is NightOutcome.COMPLETE
    site.verify_holds_the_source(tmp_path / "out")


def test_a_vault_that_is_not_mounted_is_a_plain_error(site: SmallSite) -> None:
    site.vault_dir.rename(site.vault_dir.with_name("elsewhere"))
    with pytest.raises(BeamkeeperError, match="There is no vault") as refused:
        site.night(NIGHT_2)

    verify_says_something(refused.value, 2)


def test_the_keys_of_another_site_are_refused_before_anything_is_written(
    site: SmallSite, tmp_path: Path
) -> None:
    (tmp_path / "other" / "source").mkdir(parents=True)
    (tmp_path / "other" / "source" / "notes.txt").write_text("no object", encoding="utf-8")
    other = SmallSite.make(tmp_path / "other")
    before = sorted(path.name for path in LocalStore(site.vault_dir).root.rglob("*"))
    keys = site.site.vault.keys_dir
    shutil.rmtree(keys)
    shutil.copytree(other.site.vault.keys_dir, keys)
    with pytest.raises(KeyUnavailable) as refused:
        site.night(NIGHT_2)

    verify_says_something(refused.value, 23)
    assert sorted(path.name for path in LocalStore(site.vault_dir).root.rglob("*")) == before


def test_missing_keys_are_a_plain_error(site: SmallSite) -> None:
    shutil.rmtree(site.site.vault.keys_dir)
    with pytest.raises(KeyUnavailable) as refused:
        site.night(NIGHT_2)

    verify_says_something(refused.value, 23)


def test_a_vault_that_its_owner_set_back_is_refused(site: SmallSite) -> None:
    old = site.root / "old"
    shutil.copytree(site.vault_dir, old)
    assert site.night(NIGHT_2).outcome is NightOutcome.COMPLETE
    shutil.rmtree(site.vault_dir)
    old.rename(site.vault_dir)
    with pytest.raises(VaultRolledBack) as refused:
        site.night(NIGHT_3)

    verify_says_something(refused.value, 21)
