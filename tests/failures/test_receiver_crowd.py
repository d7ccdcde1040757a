"""A crowd: forty senders at once, slow ones among them, thousands of objects, and memory that stays small."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from raw_sender import EXPLICIT, PLAN, RawSender, associate_rq, config, made_up, pdu, pdv, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raw_sender import Receiving

PLAN_CONTEXT = [(1, PLAN, [EXPLICIT])]
ASSOCIATIONS = 40
SLOW_PEERS = 12
OBJECTS_EACH = 10
OBJECT_BYTES = 60_000
ASSOCIATION_MB_MAX = 20
"""What one association may add beside what it shares: its ring of 8 MiB, Python, and two threads."""

GROWTH_MB_MAX = 10
"""From the 400th object to the 2,000th; the ring may be used to its end only later."""

LIMIT_S = 60.0


def children(here: Receiving) -> list[int]:
    pid = here.receiver.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def own_mb(pid: int) -> float:
    """Return the memory that a process shares with no other."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def send_some(port: int, first_number: int, originator: str, ready: threading.Barrier) -> list[int]:
    """Open an association, wait for all the others, send and release; return the statuses."""
    with RawSender(port, timeout_s=LIMIT_S) as sender:
        assert sender.associate(PLAN_CONTEXT) is None
        ready.wait(LIMIT_S)
        numbers = range(first_number, first_number + OBJECTS_EACH)
        statuses = [sender.store(made_up(OBJECT_BYTES, number=n), originator=originator) for n in numbers]
        sender.release()
        return statuses


@pytest.mark.parametrize("originator", ["", "BEAMKEEPER"])
def test_forty_associations_at_once_lose_nothing(tmp_path: Path, originator: str) -> None:
    ready = threading.Barrier(ASSOCIATIONS)
    with (
        receiving(tmp_path) as here,
        ThreadPoolExecutor(ASSOCIATIONS) as senders,
    ):
        jobs = [
            senders.submit(send_some, here.port, 1 + n * OBJECTS_EACH, originator, ready)
            for n in range(ASSOCIATIONS)
        ]
        statuses = [status for job in jobs for status in job.result()]
        kept = here.reader.poll()

        assert statuses == [0] * ASSOCIATIONS * OBJECTS_EACH
        assert {one.sop_instance_uid for one in kept} == {
            f"1.2.3.4.{number}" for number in range(1, 1 + ASSOCIATIONS * OBJECTS_EACH)
        }
        assert all(here.reader.read(one) for one in kept)


@contextlib.contextmanager
def slow_peers(port: int) -> Iterator[list[RawSender]]:
    """Peers at two addresses that hold on: silent, in mid-request, idle, and in mid-object, byte by byte."""
    peers = [RawSender(port, source=f"127.0.0.{2 + number // 4 % 2}") for number in range(SLOW_PEERS)]
    request = associate_rq(PLAN_CONTEXT)
    fragment = pdu(4, pdv(1, 2, bytes(10_000)))
    drips: list[tuple[RawSender, bytes]] = []
    for number, peer in enumerate(peers):
        if number % 4 == 1:
            drips.append((peer, request))
        elif number % 4:
            assert peer.associate(PLAN_CONTEXT) is None
        if number % 4 == 3:
            peer.send(peer.command_pdu(made_up()))
            drips.append((peer, fragment))
    is_over = threading.Event()

    def drip() -> None:
        for position in range(len(request)):
            for peer, data in drips:
                with contextlib.suppress(OSError):
                    peer.send(data[position : position + 1])
            if is_over.wait(0.1):
                return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield peers
    finally:
        is_over.set()
        thread.join()
        for peer in peers:
            peer.socket.close()


def test_slow_peers_hold_up_nobody_else(tmp_path: Path) -> None:
    with receiving(tmp_path, max_associations=SLOW_PEERS + 1) as here, slow_peers(here.port):
        for _ in range(3):
            statuses = send_some(here.port, 1, "", threading.Barrier(1))

            assert statuses == [0] * OBJECTS_EACH
            wait_for_children(here, SLOW_PEERS)


def test_slow_peers_that_took_every_place_lose_it_in_time(tmp_path: Path) -> None:
    limits = {"artim_s": 1, "idle_s": 2, "object_s": 2}
    with (
        receiving(tmp_path, max_associations=SLOW_PEERS, **limits) as here,
        slow_peers(here.port),
        RawSender(here.port) as turned_away,
    ):
        refusal = turned_away.associate(PLAN_CONTEXT)
        wait_for_children(here, 0)

        assert refusal == bytes((0, 2, 3, 2))  # for now: local limit exceeded
        assert send_some(here.port, 1, "", threading.Barrier(1)) == [0] * OBJECTS_EACH


def test_an_address_that_takes_every_place_it_can_shuts_out_nobody_else(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, contextlib.ExitStack() as stack:
        held, refusal = 0, None
        while refusal is None and held < config().max_associations:
            holder = stack.enter_context(RawSender(here.port, source="127.0.0.2"))
            refusal = holder.associate(PLAN_CONTEXT)
            held += refusal is None

        assert refusal == bytes((0, 2, 3, 2))  # for now: local limit exceeded
        assert held >= ASSOCIATIONS
        assert send_some(here.port, 1, "", threading.Barrier(1)) == [0] * OBJECTS_EACH


def test_an_address_that_gives_a_place_back_gets_another(tmp_path: Path) -> None:
    with receiving(tmp_path, max_associations=2) as here:
        for number in range(1, 4):
            assert send_some(here.port, number, "", threading.Barrier(1)) == [0] * OBJECTS_EACH
            wait_for_children(here, 0)


def wait_for_children(here: Receiving, most: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while len(children(here)) > most:
        assert time.monotonic() < deadline, "peers are served for longer than their limits"
        time.sleep(0.05)


@pytest.mark.parametrize("originator", ["", "BEAMKEEPER"])
def test_thousands_of_objects_take_no_more_memory_than_the_first_hundreds(
    tmp_path: Path, originator: str
) -> None:
    with receiving(tmp_path) as here, RawSender(here.port, timeout_s=LIMIT_S) as sender:
        sender.associate(PLAN_CONTEXT)
        seen_mb = []
        for number in range(1, 2_001):
            assert sender.store(made_up(OBJECT_BYTES, number=number), originator=originator) == 0
            if number in (400, 2_000):
                (child,) = children(here)
                seen_mb.append(own_mb(child))
        sender.release()

        assert len(here.reader.poll()) == 2_000
        assert max(seen_mb) < ASSOCIATION_MB_MAX
        assert seen_mb[1] < seen_mb[0] + GROWTH_MB_MAX


def test_many_associations_with_large_objects_hold_a_bounded_share_each(tmp_path: Path) -> None:
    count = 8
    piece = bytes(range(256)) * 400
    with receiving(tmp_path) as here, contextlib.ExitStack() as stack:
        senders = [stack.enter_context(RawSender(here.port, timeout_s=LIMIT_S)) for _ in range(count)]
        for sender in senders:
            sender.associate(PLAN_CONTEXT)
            sender.send(sender.command_pdu(made_up()))
        for _ in range(200):  # 20 MB each, none finished
            for sender in senders:
                sender.send(pdu(4, pdv(1, 0, piece)))
        for sender in senders:
            sender.send(pdu(4, pdv(1, 2, piece)))
        statuses = [sender.read_status() for sender in senders]
        seen_mb = [own_mb(child) for child in children(here)]

        assert statuses == [0] * count
        assert len(seen_mb) == count
        assert max(seen_mb) < ASSOCIATION_MB_MAX
