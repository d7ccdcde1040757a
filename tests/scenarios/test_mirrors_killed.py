"""A run over the mirrors that is killed at any point loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at

from beamkeeper.app.jobs.mirroring import published, run_mirrors, standings
from beamkeeper.app.jobs.runtime import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from forked import Forks

pytestmark = pytest.mark.long

KILLS_MAX = 100
SETTINGS = """
[[mirrors]]
name = "usb"
kind = "directory"
path = "../usb"
unsafe_same_disk = true
"""


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "targets").rglob("*.age")}


def test_killed_at_every_touch_of_the_place_a_run_still_comes_to_its_end_whole(
    kept_site: SmallSite, forked: Forks
) -> None:
    """The first run is killed before its first touch, the second before its second, and so on."""
    usb = kept_site.root / "usb"
    usb.mkdir()
    with kept_site.site_file.open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    clock, kills = at(NIGHT_1, 12), 0
    while kills < KILLS_MAX and forked.is_killed("mirrors", kept_site, clock.now(), f"touched:{kills}"):
        kills += 1
    (outcome,) = run_mirrors(kept_site.site, clock, kept_site.site.mirrors)

    assert kills >= 10
    assert outcome.state.value == "mirrored"
    (standing,) = standings(kept_site.site, open_ledger(kept_site.site), published(kept_site.site, clock))
    assert standing.is_mirrored
    assert files_in(usb) == files_in(kept_site.vault_dir)
