"""A run over the mirrors that is killed at any point loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at, make_objects

from beamkeeper.app.jobs.mirroring import published, standings
from beamkeeper.app.jobs.runtime import open_ledger

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

KILLS_MAX = 40
WAIT_S_MAX = 60.0
SETTINGS = """
[[mirrors]]
name = "usb"
kind = "directory"
path = "../usb"
unsafe_same_disk = true
megabits_per_second = 40
"""


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    make_objects(tmp_path / "source")
    made = SmallSite.make(tmp_path, settings=SETTINGS)
    made.night(NIGHT_1)
    (tmp_path / "usb").mkdir()
    return made


def start(site: SmallSite) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "beamkeeper", "mirrors", "run", "--json", "--site", str(site.site_file)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def things_there(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def kill_when_something_new_is_there(site: SmallSite, before: int) -> bool:
    """Kill a run as soon as a file appeared; return whether it was killed before its end."""
    with start(site) as process:
        deadline = time.monotonic() + WAIT_S_MAX
        while process.poll() is None and things_there(site.root / "usb") == before:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        killed = process.poll() is None
        process.kill()
        process.communicate()
    return killed


@pytest.mark.slow
def test_killed_at_every_new_file_a_run_still_comes_to_its_end_whole(site: SmallSite) -> None:
    kills = 0
    while kills < KILLS_MAX and kill_when_something_new_is_there(site, things_there(site.root / "usb")):
        kills += 1
    with start(site) as process:
        told, _ = process.communicate(timeout=WAIT_S_MAX)

    assert kills >= 4
    assert process.returncode == 0
    assert json.loads(told)["outcomes"][0]["state"] == "mirrored"
    standing = standings(site.site, open_ledger(site.site), published(site.site, at(NIGHT_1, 12)))[0]
    assert standing.is_mirrored
    mine = {path.name: path.read_bytes() for path in (site.root / "usb" / "targets").rglob("*.age")}
    theirs = {path.name: path.read_bytes() for path in (site.vault_dir / "targets").rglob("*.age")}
    assert mine == theirs
