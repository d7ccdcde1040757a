"""A small town: a site with its source, a network with a near and a far mirror, and a watcher elsewhere."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING

from moved_clock import Played, in_zone
from night_site import NIGHT_1, SmallSite, make_objects
from reachable import outside
from source_changes import give_a_fraction, move_a_leaf, rename_structures
from tests.mail_peers.hook_server import gateway

from beamkeeper.app.site_watch import WatchFile
from beamkeeper.clock import MovableClock, local_instant
from beamkeeper.vault import SiteKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reachable import Outside

WHO = (2, 3)
"""Tangents with a leaf bank, and electrons."""
MIRRORS = """
[[mirrors]]
name = "near"
kind = "directory"
path = "../net/near"
unsafe_same_disk = true

[[mirrors]]
name = "far"
kind = "directory"
path = "../net/far"
unsafe_same_disk = true
"""


class Town:
    """The world around a small site: a source, a network, a near and a far mirror."""

    def __init__(self, root: Path, around: Outside) -> None:
        self.root, self._around = root, around
        self.site = SmallSite(root)
        self.actions = {
            "somebody moves a leaf": lambda: move_a_leaf(self.site, "p2"),
            "somebody renames the structures": lambda: rename_structures(self.site, "p2"),
            "fraction 3 is given": lambda: self._treat(date(2026, 3, 9), 3),
            "fraction 4 is given": lambda: self._treat(date(2026, 3, 16), 4),
            "the near mirror dies": (root / "net" / "near").unlink,
            "the near mirror is back": lambda: self._connect("near"),
            "the network goes": self._disconnect,
            "the network is back": self._reconnect,
        }

    @classmethod
    def founded(cls, root: Path, around: Outside, *, who: tuple[int, ...] = WHO, on: date = NIGHT_1) -> Town:
        """Make everything anew, before the first night."""
        for name in ("near", "far", "net"):
            (root / name).mkdir(parents=True)
        made = cls(root, around)
        made._connect("near")
        made._connect("far")
        make_objects(root / "source", who=who)
        in_zone(SmallSite.make(root, settings=around.settings + MIRRORS, on=on))
        return made

    @classmethod
    def copied(cls, original: Path, root: Path, around: Outside) -> Town:
        """Copy a whole town to another place."""
        shutil.copytree(original, root, symlinks=True)
        made = cls(root, around)
        text = made.site.site_file.read_text(encoding="utf-8")
        made.site.site_file.write_text(text.replace(str(original.resolve()), str(root.resolve())), "utf-8")
        return made

    def _treat(self, on: date, number: int) -> None:
        here = next(path for path in (self.root / "source", self.root / "unreached") if path.is_dir())
        give_a_fraction(here, 3, on=on, number=number)

    def _connect(self, name: str) -> None:
        (self.root / "net" / name).symlink_to(Path("..") / name)

    def _disconnect(self) -> None:
        self._around.stop()
        (self.root / "source").rename(self.root / "unreached")
        for link in (self.root / "net").iterdir():
            link.unlink()

    def _reconnect(self) -> None:
        self._around.start()
        (self.root / "unreached").rename(self.root / "source")
        for name in ("near", "far"):
            self._connect(name)

    def watch_file(self, port: int, *, every_minutes: int = 60, repeat_minutes: int = 24 * 60) -> WatchFile:
        """Return the file of a watcher that reads the far mirror and calls by a gateway of its own."""
        return watch_file(
            self.site, self.root, port, every_minutes=every_minutes, repeat_minutes=repeat_minutes
        )


def watch_file(
    site: SmallSite, root: Path, port: int, *, every_minutes: int = 60, repeat_minutes: int = 24 * 60
) -> WatchFile:
    """Return the file of a watcher that reads `root/far` and calls by a gateway of its own."""
    hook = {"name": "hook", "kind": "http", "url": f"http://127.0.0.1:{port}/"}
    return WatchFile.model_validate(
        {
            "format": 1,
            "name": "elsewhere",
            "time_zone": site.site.site.time_zone,
            "root_key": SiteKeys.load(site.site.vault.keys_dir).root_public_key,
            "memory_dir": root / "memory",
            "mirror": {"path": root / "far"},
            "every_minutes": every_minutes,
            "repeat_minutes": repeat_minutes,
            "alerts": [hook],
        }
    )


@contextmanager
def watched_town(root: Path, first: date, *, watch_hours: int = 1) -> Iterator[tuple[Town, Played]]:
    """Found a town in the first hour of a day, with a watcher elsewhere, and serve mail and pagers."""
    with outside() as around, gateway() as elsewhere:
        town = Town.founded(root, around, on=first)
        zone = town.site.site.zone
        played = Played(town.site, MovableClock(local_instant(first, time(1), zone)), around)
        played.watched_from(town.watch_file(elsewhere.port, every_minutes=60 * watch_hours))
        yield town, played
