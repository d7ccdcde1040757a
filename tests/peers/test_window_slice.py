"""The window with real sockets and the kernel's own rules: who comes through, and when it is shut."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.window_peers.ground import (
    ARCHIVE,
    ARCHIVE6,
    ARCHIVE_PORT,
    COLLECTOR,
    COLLECTOR6,
    OTHER_PORT,
    RECEIVER_PORT,
    STRANGER,
    STRANGER6,
    WORKER,
    Ground,
)

pytestmark = pytest.mark.peer
BEAMKEEPER = str(Path(sys.executable).with_name("beamkeeper"))


@pytest.fixture
def ground(tmp_path: Path, program):
    for name in ("ip", "nft", "setpriv"):
        program(name)
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    with Ground(tmp_path) as made:
        yield made


def open_for_worker(ground: Ground) -> subprocess.Popen[str]:
    """Have a worker hold the window; return the worker."""
    code = (
        "import sys, time\n"
        "from datetime import UTC, datetime, timedelta\n"
        "from pathlib import Path\n"
        "from beamkeeper.protect.isolate import GuardedWindow\n"
        "window = GuardedWindow(Path(sys.argv[1]))\n"
        "window.open(datetime.now(UTC) + timedelta(minutes=5))\n"
        "print(window.reading().state.value, flush=True)\n"
        "sys.stdin.read()\n"
    )
    worker = ground.start(
        ground.collector, sys.executable, "-c", code, str(ground.socket), stdin=subprocess.PIPE
    )
    assert worker.stdout
    assert worker.stdout.readline() == "open\n", ground.said()
    return worker


def all_ways(ground: Ground) -> dict[str, str]:
    return {
        "archive comes in": ground.attempt(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT),
        "stranger comes in": ground.attempt(ground.hospital, STRANGER, COLLECTOR, RECEIVER_PORT),
        "worker to archive": ground.attempt(ground.collector, "-", ARCHIVE, ARCHIVE_PORT, user=WORKER),
        "worker to stranger": ground.attempt(ground.collector, "-", STRANGER, ARCHIVE_PORT, user=WORKER),
        "worker to another port": ground.attempt(ground.collector, "-", ARCHIVE, OTHER_PORT, user=WORKER),
        "archive comes in, IPv6": ground.attempt(ground.hospital, ARCHIVE6, COLLECTOR6, RECEIVER_PORT),
        "stranger comes in, IPv6": ground.attempt(ground.hospital, STRANGER6, COLLECTOR6, RECEIVER_PORT),
        "worker to archive, IPv6": ground.attempt(ground.collector, "-", ARCHIVE6, ARCHIVE_PORT, user=WORKER),
        "worker to stranger, IPv6": ground.attempt(
            ground.collector, "-", STRANGER6, ARCHIVE_PORT, user=WORKER
        ),
    }


MEANT = {"archive comes in", "worker to archive", "archive comes in, IPv6", "worker to archive, IPv6"}


def test_only_named_peers_come_through_and_only_while_it_is_open(ground: Ground) -> None:
    ground.serve(ground.hospital, "::", ARCHIVE_PORT)
    ground.serve(ground.hospital, "::", OTHER_PORT)
    ground.serve(ground.collector, "::", RECEIVER_PORT)
    ground.guard()
    shut = all_ways(ground)
    worker = open_for_worker(ground)
    opened = all_ways(ground)
    worker.communicate("done")
    ground.wait_until(lambda: not ground.card_is_up())
    shut_again = all_ways(ground)

    assert {way for way, came in shut.items() if came == "connected"} == set()
    assert {way for way, came in opened.items() if came == "connected"} == MEANT
    assert {way for way, came in shut_again.items() if came == "connected"} == set()


def test_the_window_shuts_when_the_worker_is_killed(ground: Ground) -> None:
    ground.serve(ground.collector, "::", RECEIVER_PORT)
    ground.guard()
    worker = open_for_worker(ground)
    held = ground.hold(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    before = held.still()
    worker.kill()
    ground.wait_until(lambda: not ground.card_is_up())

    assert before == "alive"
    assert held.still().startswith("silence")
    assert ground.beamkeeper("status").stdout.startswith("CLOSED")
