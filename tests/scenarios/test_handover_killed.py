"""Every command of a handover is killed hard at every touch of its folder; what follows finds it whole."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from forked import forks
from night_site import SmallSite
from test_handover import GIVEN
from two_houses import Houses, beamkeeper, told

from beamkeeper.app.jobs.desk_shelf import shelf
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.respond.handover import Desk
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from forked import Forks

pytestmark = pytest.mark.long
TOUCHES_MAX = 300


@pytest.fixture(scope="module")
def met(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    return Houses.met(root, SmallSite.copied(kept_root, root / "site"))


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with forks(tmp_path_factory.mktemp("said")) as running:
        yield running


def killed_everywhere(forked: Forks, below: Path, *arguments: object) -> Iterator[int]:
    """Run a command again and again, killed one touch later each time, until it comes to its end."""
    for touch in range(TOUCHES_MAX):
        done = forked.run("touching", str(below), f"touched:{touch}", *map(str, arguments))
        assert done.returncode in {0, 20, -signal.SIGKILL}, done.stderr
        yield touch
        if done.returncode >= 0:
            return
    raise AssertionError("it never came to its end")


def test_a_return_killed_at_every_touch_is_known_or_not_there(
    met: Houses, tmp_path: Path, forked: Forks
) -> None:
    person = met.persons()[0]
    bundle_id = met.receive(met.make(person))["manifest"]["bundle_id"]
    export = met.treated(person, GIVEN, 1, tmp_path / "export")
    touches = 0
    for touch in killed_everywhere(forked, met.desk, "desk", "return", bundle_id, export, "--desk", met.desk):
        touches = touch
        known = shelf(Desk.open(met.desk)).answers(bundle_id)
        named = {path.name for path in (met.desk / "out").glob("[!.]*")}
        assert named <= set(known)
    told("desk", "return", bundle_id, export, "--desk", met.desk)
    known = shelf(Desk.open(met.desk)).answers(bundle_id)
    for one in known:
        told("handover", "back", met.desk / "out" / one, "--incident", met.incident)
    rows = IncidentFolder.open(met.incident).journal.rows()
    numbers = sorted(int(str(row.details["number"])) for row in rows if row.action == Deed.RETURNED)

    assert touches > 5
    assert numbers == list(range(1, len(known) + 1)), "none is lost, no number given twice"
    assert {path.name for path in (met.desk / "out").iterdir()} == set(known)
    assert not list(met.desk.glob(".packing-*"))


def test_a_bundle_received_under_kills_is_received_once(met: Houses, tmp_path: Path, forked: Forks) -> None:
    bundle = met.make(met.persons()[1])
    for _ in killed_everywhere(forked, met.desk, "receive", bundle, "--desk", met.desk):
        assert not shelf(Desk.open(met.desk)).damaged
    shown = told("desk", "show", "--desk", met.desk)

    assert [one["bundle_id"] for one in shown["patients"]].count(bundle.name) == 1
    beamkeeper("desk", "tidy", "--desk", met.desk)
    assert not list((met.desk / "received").glob(".*"))


def test_two_processes_that_answer_at_once_give_two_numbers(met: Houses, tmp_path: Path) -> None:
    person = met.persons()[0]
    bundle_id = met.receive(met.make(person))["manifest"]["bundle_id"]
    export = met.treated(person, GIVEN, 1, tmp_path / "export")
    command = [sys.executable, "-m", "beamkeeper", "desk", "return", bundle_id, export, "--desk", met.desk]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]

    assert [one.wait(120) for one in both] == [0, 0]
    assert len(shelf(Desk.open(met.desk)).answers(bundle_id)) == 2
