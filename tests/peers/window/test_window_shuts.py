"""Whatever happens, the window shuts: crash, kill -9, hang, of the worker, of the watchdog, of both."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.peers.window.ground import (
    ARCHIVE,
    ARCHIVE_PORT,
    CARD,
    COLLECTOR,
    RECEIVER_PORT,
    STRANGER,
    WORKER,
    Ground,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.peer
LEASE_S = 3


def comes_in(ground: Ground) -> bool:
    return ground.attempt(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT) == "connected"


def came_in(ground: Ground) -> bool:
    return ground.reached(ground.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT) == "connected"


@pytest.fixture
def leased(make_ground: Callable[..., Ground]) -> Ground:
    """A ground whose rules lapse soon, with a receiver that listens."""
    ground = make_ground(lease_s=LEASE_S)
    ground.serve(ground.collector, "::", RECEIVER_PORT)
    ground.serve(ground.hospital, "::", ARCHIVE_PORT)
    return ground


def test_it_shuts_when_the_worker_is_killed(leased: Ground) -> None:
    leased.guard()
    worker = leased.worker()
    held = leased.hold(leased.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    before = held.still()
    worker.kill()
    leased.wait_until(lambda: not leased.card_is_up())

    assert before == "alive"
    assert held.still().startswith("silence")
    assert leased.beamkeeper("status").stdout.startswith("CLOSED")


def test_it_shuts_when_the_worker_is_killed_though_its_child_lives_and_has_the_connection(
    leased: Ground,
) -> None:
    leased.guard()
    worker = leased.worker(code="child = os.fork()\nif child: print(child, flush=True)")
    assert worker.stdout
    child = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    leased.wait_until(lambda: not leased.card_is_up())

    os.kill(child, 0)  # it is alive
    os.kill(child, signal.SIGKILL)
    assert "is gone" in leased.said()


def test_it_shuts_at_the_time_asked_for_though_the_worker_hangs(leased: Ground) -> None:
    leased.guard()
    worker = leased.worker(minutes=0.05)
    worker.send_signal(signal.SIGSTOP)
    leased.wait_until(lambda: not leased.card_is_up())

    assert f"the time of process {worker.pid} is over" in leased.said()
    assert not comes_in(leased)


def test_it_shuts_in_the_kernel_when_the_watchdog_is_killed(leased: Ground) -> None:
    guard = leased.guard()
    leased.worker()
    held = leased.hold(leased.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    before = held.still()
    guard.kill()
    guard.wait()
    leased.wait_until(lambda: "timeout" not in leased.members())

    assert before == "alive"
    assert leased.card_is_up()  # nobody is left to switch it off: the rules alone hold
    assert held.still().startswith("silence")
    assert not comes_in(leased)
    assert leased.attempt(leased.collector, "-", ARCHIVE, ARCHIVE_PORT, user=WORKER) == "silence"
    assert leased.beamkeeper("status").returncode == 26


def test_it_shuts_in_the_kernel_when_the_watchdog_hangs(leased: Ground) -> None:
    guard = leased.guard()
    leased.worker()
    held = leased.hold(leased.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    before = held.still()
    guard.send_signal(signal.SIGSTOP)
    leased.wait_until(lambda: "timeout" not in leased.members())

    assert before == "alive"
    assert held.still().startswith("silence")
    assert not comes_in(leased)


def test_a_watchdog_that_begins_anew_begins_with_the_window_shut(leased: Ground) -> None:
    guard = leased.guard()
    worker = leased.worker()
    guard.kill()
    guard.wait()
    leased.guard()

    assert worker.poll() is None
    assert not leased.card_is_up()
    assert leased.beamkeeper("status").stdout.startswith("CLOSED")


def test_a_worker_finds_the_new_watchdog_when_the_old_one_was_killed(leased: Ground) -> None:
    guard = leased.guard()
    worker = leased.worker(
        code="sys.stdin.readline()\n"
        "window.open(datetime.now(UTC) + timedelta(minutes=5))\n"
        "print(window.reading().state.value, flush=True)"
    )
    guard.kill()
    guard.wait()
    leased.guard()
    assert worker.stdin
    worker.stdin.write("go on\n")
    worker.stdin.flush()
    assert worker.stdout

    assert worker.stdout.readline() == "open\n"
    assert came_in(leased)


def test_it_stays_open_beyond_the_lease_while_worker_and_watchdog_live(leased: Ground) -> None:
    leased.guard()
    leased.worker()
    held = leased.hold(leased.hospital, ARCHIVE, COLLECTOR, RECEIVER_PORT)
    said = {held.still()}
    left_s = [leased.left_s()]
    while sum(later > earlier for earlier, later in pairwise(left_s)) < 2 * LEASE_S:
        left_s.append(leased.left_s())
        said.add(held.still())

    assert said == {"alive"}


def test_stopping_the_watchdog_shuts_it(leased: Ground) -> None:
    guard = leased.guard()
    leased.worker()
    guard.terminate()

    assert guard.wait() == 0
    assert not leased.card_is_up()
    assert "timeout" not in leased.members()


def test_it_starts_shut_though_the_network_was_there_before(leased: Ground) -> None:
    leased.bare_network()
    before = came_in(leased)
    leased.guard()

    assert before
    assert not leased.card_is_up()
    assert not comes_in(leased)


def test_it_is_shut_again_when_somebody_switches_the_card_on(leased: Ground) -> None:
    leased.guard()
    leased.run(leased.collector, "ip", "link", "set", CARD, "up")
    leased.wait_until(lambda: not leased.card_is_up())

    assert "should be shut" in leased.said()


def test_it_is_shut_again_when_somebody_flushes_the_rules(leased: Ground) -> None:
    leased.guard()
    leased.run(leased.collector, "nft", "flush", "ruleset")
    leased.bare_network()
    leased.wait_until(lambda: "policy drop" in leased.rules() and not leased.card_is_up())

    assert not comes_in(leased)


def test_a_stranger_does_not_come_through_long_when_somebody_flushes_the_rules_while_it_is_open(
    leased: Ground,
) -> None:
    leased.guard()
    leased.worker()
    leased.run(leased.collector, "nft", "flush", "ruleset")
    leased.wait_until(lambda: "policy drop" in leased.rules())

    assert leased.attempt(leased.hospital, STRANGER, COLLECTOR, RECEIVER_PORT) == "silence"


def test_closing_is_done_again_without_harm(leased: Ground) -> None:
    leased.guard()
    said = leased.ask(
        "window.close()\n"
        "window.open(datetime.now(UTC) + timedelta(minutes=1))\n"
        "window.close()\n"
        "window.close()\n"
        "print(window.reading().state.value)\n"
    )

    assert said == "closed\n"
    assert leased.beamkeeper("close").stdout.startswith("CLOSED")
    assert leased.beamkeeper("close").stdout.startswith("CLOSED")


def test_root_shuts_it_whoever_holds_it_and_without_a_watchdog_too(leased: Ground) -> None:
    guard = leased.guard()
    leased.worker()
    closed = leased.beamkeeper("close")
    leased.worker()
    guard.kill()
    guard.wait()
    closed_alone = leased.beamkeeper("close")

    assert closed.stdout.startswith("CLOSED")
    assert closed_alone.stdout.startswith("CLOSED")
    assert not leased.card_is_up()


def test_it_stays_open_for_the_second_holder_when_the_first_lets_go(leased: Ground) -> None:
    leased.guard()
    first, second = leased.worker(), leased.worker()
    first.communicate()
    held_by_one = leased.beamkeeper("status", "--json").stdout
    second.communicate()
    leased.wait_until(lambda: not leased.card_is_up())

    assert '"state": "open"' in held_by_one
    assert '"held_by": 1' in held_by_one
