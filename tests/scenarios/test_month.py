"""A month by the moved clock: who is called when, what is confirmed, mirrored and told, line by line.

The timeline below was written by the rules, not by the program (docs/guide/two-people-confirm.md,
mirrors.md, watch.md). Stars are what people and misfortune do; everything else must happen, and nothing more.

The department has two patients, two mirrors and a watcher that reads the far mirror once an hour. The night
is at 02:00, the deadline at 10:00. Nobody has to confirm a quiet night.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from moved_clock import Played, in_zone, outside
from night_site import SmallSite, at, make_objects
from source_changes import give_a_fraction, move_a_leaf, rename_structures
from tests.mail_peers.hook_server import gateway

from beamkeeper.app.site_watch import WatchFile
from beamkeeper.vault import SiteKeys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from moved_clock import Outside

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
FIRST_NIGHT = """
03-02         01:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-02         01:00                   the watcher calls: night missing
03-02         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-02         02:00                   the night of {night} is unverified
03-02         02:00                   mirror near: mirrored, 2 sent; mirror far: mirrored, 2 sent
03-02         03:00                   the watcher calls: night missing, over
03-02         08:00                   * an confirms; an votes: confirm
03-02         08:05                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
"""
A_CHANGE_NOBODY_LOOKS_AT_IN_TIME = """
03-03         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-03         02:00                   the night of {night} is quiet
03-03         18:00                   * somebody moves a leaf

03-04         02:00                   night complete, 1 changes to look at; letter to an bo: report
03-04         02:00                   the night of {night} is unverified
03-04         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-04         10:00                   the night of {night} is overdue
03-04         10:00..10:50 every 10   letter to an bo: overdue; pager: overdue
03-04         10:15                   * an confirms; an votes: confirm
03-04         11:00                   letter to an bo head: escalated; pager: escalated
03-04         11:05                   * bo confirms; bo votes: confirm; the night of {night} is confirmed
03-04         11:05                   letter to an bo head: all_clear; pager: all_clear
"""
A_DISPUTE = """
03-05         02:00                   night complete, 0 changes to look at; letter to an bo: report
03-05         02:00                   the night of {night} is quiet
03-05         18:00                   * somebody renames the structures

03-06         02:00                   night complete, 1 changes to look at; letter to an bo: report
03-06         02:00                   the night of {night} is unverified
03-06         02:00                   mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
03-06         07:40                   * bo disputes; bo votes: dispute; the night of {night} is disputed
03-06         07:40                   letter to an bo head: disputed; pager: disputed
03-06         09:00                   * bo confirms; bo votes: confirm
03-06         09:10                   * an confirms; an votes: confirm; the night of {night} is confirmed
03-06         09:10                   letter to an bo head: all_clear; pager: all_clear
"""
A_DEAD_MIRROR = """
03-07..03-11  02:00                   night complete, 0 changes to look at; letter to an bo: report
03-07..03-11  02:00                   the night of {night} is quiet
03-09         14:00                   * the near mirror dies
03-09         17:00                   * fraction 3 is given
03-10         02:00                   mirror near: unreachable; mirror far: mirrored, 1 sent
03-11         02:00                   letter to an bo cy head: mirror; pager: mirror
03-11         09:05                   * the near mirror is back
03-11         09:15                   mirror near: mirrored, 1 sent
"""
MARCH = FIRST_NIGHT + A_CHANGE_NOBODY_LOOKS_AT_IN_TIME + A_DISPUTE + A_DEAD_MIRROR


class Town:
    """The world around a small site: a source, a network, a near and a far mirror."""

    def __init__(self, root: Path, around: Outside) -> None:
        self._root, self._around = root, around
        for name in ("near", "far"):
            (root / name).mkdir()
        (root / "net").mkdir()
        for name in ("near", "far"):
            self._connect(name)
        make_objects(root / "source", who=(2, 3))
        self.site = in_zone(SmallSite.make(root, settings=around.settings + MIRRORS))
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

    def _treat(self, on: date, number: int) -> None:
        here = next(path for path in (self._root / "source", self._root / "unreached") if path.is_dir())
        give_a_fraction(here, 3, on=on, number=number)

    def _connect(self, name: str) -> None:
        (self._root / "net" / name).symlink_to(self._root / name)

    def _disconnect(self) -> None:
        self._around.stop_mail()
        (self._root / "source").rename(self._root / "unreached")
        for link in (self._root / "net").iterdir():
            link.unlink()

    def _reconnect(self) -> None:
        self._around.start_mail()
        (self._root / "unreached").rename(self._root / "source")
        for name in ("near", "far"):
            self._connect(name)

    def watch_file(self, port: int) -> WatchFile:
        """Return the file of a watcher that reads the far mirror and calls by a gateway of its own."""
        hook = {"name": "hook", "kind": "http", "url": f"http://127.0.0.1:{port}/"}
        return WatchFile.model_validate(
            {
                "format": 1,
                "name": "elsewhere",
                "time_zone": "Europe/Brussels",
                "root_key": SiteKeys.load(self.site.site.vault.keys_dir).root_public_key,
                "memory_dir": self._root / "memory",
                "mirror": {"path": self._root / "far"},
                "every_minutes": 60,
                "repeat_minutes": 24 * 60,
                "alerts": [hook],
            }
        )


@pytest.fixture
def town(tmp_path: Path) -> Iterator[tuple[Town, Played]]:
    with outside() as around, gateway() as elsewhere:
        town = Town(tmp_path, around)
        played = Played(town.site, at(date(2026, 3, 2), 0), around)
        played.watched_from(town.watch_file(elsewhere.port))
        yield town, played


def test_in_march_everything_happens_when_the_rules_say(town: tuple[Town, Played]) -> None:
    here, played = town
    played.follow(MARCH, here.actions, until=played.at(date(2026, 3, 12), "00:00"))
