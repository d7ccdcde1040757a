"""Whoever owns the share of a mirror deletes, alters, turns back, freezes and plants: all of it is told.

The timeline is that of `moved_clock`: the far mirror belongs to the attacker from 14:05 on 2 March; the
watcher elsewhere looks at it every ten minutes, the collector after every night. "Nothing good overwritten"
is the vault and the near mirror, which stay whole, and what was altered, which stays as evidence.
"""

from __future__ import annotations

import os
import shutil
from datetime import date
from typing import TYPE_CHECKING

import pytest
from moved_clock import Played
from night_site import at
from reachable import outside
from tests.mail_peers.hook_server import gateway
from town import Town

from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.clock import SystemClock
from beamkeeper.vault import LocalStore, SiteKeys, Vault
from beamkeeper.vault.age import encrypt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reachable import Outside

    from beamkeeper.ledger import MirrorRow

TODAY, TOMORROW, LATER = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
MOVED = """
03-02  13:00  mirror near: mirrored; mirror far: mirrored
"""
QUIET_NIGHT = """
{day}  02:00  night complete, 0 changes to look at; letter to an bo: report; the night of {day} is quiet
"""
CALLED = """
{day}  {hour}  letter to an bo cy head: mirror; pager: mirror
"""


@pytest.fixture(scope="module")
def around() -> Iterator[Outside]:
    with outside() as made:
        yield made


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, around: Outside) -> Path:
    """A town after its first night, confirmed and mirrored; copied for each test."""
    town = Town.founded(tmp_path_factory.mktemp("town") / "kept", around)
    played = Played(town.site, at(TODAY, 1), around)
    votes = [
        (played.at(TODAY, "08:00"), lambda who=who: played.vote(who, night=TODAY)) for who in ("an", "bo")
    ]
    played.play(played.at(TODAY, "12:00"), votes)
    return town.root


@pytest.fixture
def attacked(kept: Path, tmp_path: Path, around: Outside) -> Iterator[tuple[Town, Played]]:
    town = Town.copied(kept, tmp_path / "town", around)
    with gateway() as elsewhere:
        played = Played(town.site, at(TODAY, 12), around)
        played.watched_from(town.watch_file(elsewhere.port, every_minutes=10))
        yield town, played
    verify_whole(town, town.site.vault_dir, tmp_path / "vault")
    verify_whole(town, town.root / "near", tmp_path / "near")


def verify_whole(town: Town, copy: Path, out: Path) -> None:
    """A vault gives back every byte of the source, to somebody who never saw it and has the keys."""
    found = restored(town, copy, out)

    assert sorted(found) == sorted(town.site.sources_by_uid().values())


def restored(town: Town, copy: Path, out: Path) -> list[bytes]:
    keys = SiteKeys.load(town.site.site.vault.keys_dir)
    vault = Vault.open(
        LocalStore(copy),
        trusted_dir=out / "memory",
        now=SystemClock().now(),
        root_public_key=keys.root_public_key,
    )
    vault.restore_all(identities=keys.identities, out_dir=out / "restored")
    return [path.read_bytes() for path in (out / "restored").rglob("*.dcm")]


def a_parcel(folder: Path) -> Path:
    """Return the largest sealed parcel of a copy."""
    return max((folder / "targets").rglob("*.age"), key=lambda path: path.stat().st_size)


def flip(path: Path, *, hide: bool = False) -> bytes:
    """Change one byte in the middle, and with `hide` set the file's times back; return what lies there."""
    was = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    if hide:
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    return bytes(data)


def row_of(town: Town, name: str = "far") -> MirrorRow:
    row = open_ledger(town.site.site).mirrors.find(name)
    assert row is not None
    return row


def problems(town: Town) -> set[str]:
    found = row_of(town).facts["problems"]
    assert isinstance(found, list)
    return {str(problem["kind"]) for problem in found}


def told(around: Outside) -> str:
    """Return the last text of the pager."""
    return around.pager.texts()[-1]


def test_a_deleted_parcel_is_told_within_ten_minutes_and_sent_again_that_night(
    attacked: tuple[Town, Played], around: Outside
) -> None:
    town, played = attacked
    gone = a_parcel(town.root / "far")
    good = gone.read_bytes()
    played.follow(
        MOVED + "03-02  14:05  * somebody deletes a parcel"
        "\n03-02  14:10  the watcher calls: parcel missing"
        + QUIET_NIGHT.format(day="03-03")
        + CALLED.format(day="03-03", hour="02:00")
        + "\n03-03  02:00  mirror far: altered, 1 sent"
        + "\n03-03  02:10  the watcher calls: parcel missing, over"
        + "\n03-03  02:15  mirror far: mirrored",
        {"somebody deletes a parcel": gone.unlink},
        until=played.at(TOMORROW, "12:00"),
    )

    assert "is gone: somebody removed it" in told(around)
    assert gone.read_bytes() == good


def test_an_altered_parcel_is_told_and_left_as_evidence(attacked: tuple[Town, Played]) -> None:
    town, played = attacked
    altered = a_parcel(town.root / "far")
    played.follow(
        MOVED
        + "03-02  14:05  * somebody alters a parcel"
        + QUIET_NIGHT.format(day="03-03")
        + CALLED.format(day="03-03", hour="02:00")
        + "\n03-03  02:00  mirror far: altered",
        {"somebody alters a parcel": lambda: flip(altered)},
        until=played.at(TOMORROW, "12:00"),
    )
    left, good = altered.read_bytes(), a_parcel(town.root / "near").read_bytes()

    assert problems(town) == {"altered"}
    assert len(left) == len(good)
    assert left != good


def test_an_alteration_hidden_behind_old_file_times_is_told_too(attacked: tuple[Town, Played]) -> None:
    town, played = attacked
    altered = a_parcel(town.root / "far")
    played.follow(
        MOVED
        + "03-02  14:05  * somebody alters a parcel"
        + QUIET_NIGHT.format(day="03-03")
        + CALLED.format(day="03-03", hour="02:00")
        + "\n03-03  02:00  mirror far: altered",
        {"somebody alters a parcel": lambda: flip(altered, hide=True)},
        until=played.at(TOMORROW, "12:00"),
    )

    assert problems(town) == {"altered"}


def test_a_mirror_turned_back_is_told_within_ten_minutes_and_brought_forward(
    attacked: tuple[Town, Played], around: Outside
) -> None:
    town, played = attacked
    yesterday = town.root / "yesterday"
    shutil.copytree(town.root / "far", yesterday)

    def turn_back() -> None:
        shutil.rmtree(town.root / "far")
        yesterday.rename(town.root / "far")

    played.follow(
        MOVED
        + QUIET_NIGHT.format(day="03-03")
        + "\n03-03  14:05  * somebody puts yesterday's state back"
        + "\n03-03  14:10  the watcher calls: rolled back"
        + QUIET_NIGHT.format(day="03-04")
        + CALLED.format(day="03-04", hour="02:00")
        + "\n03-04  02:00  mirror far: altered"
        + "\n03-04  02:00  the watcher calls: rolled back, over"
        + "\n03-04  02:15  mirror far: mirrored",
        {"somebody puts yesterday's state back": turn_back},
        until=played.at(LATER, "12:00"),
    )

    assert "turned back" in told(around)


def test_a_frozen_mirror_is_told_by_the_agreed_hour(attacked: tuple[Town, Played]) -> None:
    town, played = attacked
    frozen = town.root / "frozen"

    def freeze() -> None:
        """Take what the collector writes into another place, and show the world the old state."""
        shutil.copytree(town.root / "far", frozen)
        (town.root / "net" / "far").unlink()
        (town.root / "net" / "far").symlink_to(frozen)

    played.follow(
        MOVED
        + "03-02  14:05  * somebody freezes what the far mirror shows"
        + QUIET_NIGHT.format(day="03-03")
        + "\n03-03  07:00  the watcher calls: night missing"
        + "\n03-03  08:00  the watcher calls: stale",
        {"somebody freezes what the far mirror shows": freeze},
        until=played.at(TOMORROW, "12:00"),
    )


def test_a_parcel_signed_by_nobody_is_named_and_opened_by_nobody(
    attacked: tuple[Town, Played], tmp_path: Path
) -> None:
    town, played = attacked
    recipient = SiteKeys.load(town.site.site.vault.keys_dir).recipients[0]

    def plant() -> None:
        """Seal the attacker's own parcel to the site's public key, in the folder of a real patient."""
        folder = a_parcel(town.root / "far").parent
        with (tmp_path / "forged").open("w+b") as forged, (folder / "2026-03-03.age").open("wb") as sealed:
            forged.write(b"not a parcel of yours")
            forged.seek(0)
            encrypt(forged, sealed, [recipient])

    played.follow(
        MOVED + "03-02  14:05  * somebody plants a parcel" + QUIET_NIGHT.format(day="03-03"),
        {"somebody plants a parcel": plant},
        until=played.at(TOMORROW, "12:00"),
    )

    assert problems(town) == {"strange"}
    assert sorted(restored(town, town.root / "far", tmp_path / "far")) == sorted(
        town.site.sources_by_uid().values()
    )
