"""The console is in use while 2,000 objects come through 40 associations, and slow peers hold on."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.dicom_peers.raw_sender import EXPLICIT, PLAN, RawSender, made_up, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.dicom_peers.raw_sender import Receiving

    from .conftest import Morning

PLAN_CONTEXT = [(1, PLAN, [EXPLICIT])]
ASSOCIATIONS, OBJECTS_EACH = 40, 50
OBJECTS = ASSOCIATIONS * OBJECTS_EACH
OBJECT_BYTES = 60_000
SLOW_PEERS = 12
STAFF = {"an": "physicist", "bo": "physician", "cy": "physicist"}
PAGES = ("/", "/changes/", "/patients/", "/nights/")
LIMIT_S = 120.0
CHILD_MB_MAX, PARENT_MB_MAX = 20, 80
"""What an association may hold beside what it shares; and the process that they are forked from."""


def send_some(port: int, first_number: int, ready: threading.Barrier) -> list[int]:
    """Open an association, wait for all the others, send and release; return the statuses."""
    with RawSender(port, timeout_s=LIMIT_S) as sender:
        assert sender.associate(PLAN_CONTEXT) is None
        ready.wait(LIMIT_S)
        numbers = range(first_number, first_number + OBJECTS_EACH)
        statuses = [sender.store(made_up(OBJECT_BYTES, number=n), originator="BEAMKEEPER") for n in numbers]
        sender.release()
        return statuses


@contextlib.contextmanager
def slow_peers(port: int) -> Iterator[None]:
    """Peers that open an association and then say one byte of an object at a time, or nothing."""
    with contextlib.ExitStack() as stack:
        for number in range(SLOW_PEERS):
            peer = stack.enter_context(RawSender(port, source="127.0.0.2", timeout_s=LIMIT_S))
            assert peer.associate(PLAN_CONTEXT) is None
            if number % 2:
                peer.send(peer.command_pdu(made_up())[:-1])
        yield


@contextlib.contextmanager
def in_use(morning: Morning) -> Iterator[list[tuple[str, int]]]:
    """Let three people turn pages until the block ends; yield the pages they got."""
    is_over, got = threading.Event(), list[tuple[str, int]]()

    def turn(login: str) -> None:
        visitor = morning.staff[login]
        while not is_over.is_set():
            got.extend((page, visitor.get(page).status) for page in PAGES)

    with ThreadPoolExecutor(3) as people:
        jobs = [people.submit(turn, login) for login in ("an", "bo", "cy")]
        try:
            yield got
        finally:
            is_over.set()
        for job in jobs:
            job.result()


def own_mb(pid: int) -> float:
    """Return the memory that a process shares with no other; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


@contextlib.contextmanager
def weighed(here: Receiving) -> Iterator[dict[int, float]]:
    """Yield the most memory that the receiver and each of its children had, by process."""
    parent, is_over, most = here.receiver.pid, threading.Event(), dict[int, float]()

    def weigh() -> None:
        while not is_over.wait(0.2):
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            for pid in (parent, *map(int, children)):
                most[pid] = max(most.get(pid, 0.0), own_mb(pid))

    scales = threading.Thread(target=weigh)
    scales.start()
    try:
        yield most
    finally:
        is_over.set()
        scales.join()


def test_two_thousand_objects_arrive_while_people_read_and_slow_peers_hold_on(
    morning: Morning, tmp_path: Path
) -> None:
    ready = threading.Barrier(ASSOCIATIONS)
    with (
        receiving(tmp_path) as here,
        slow_peers(here.port),
        in_use(morning) as pages,
        weighed(here) as most,
        ThreadPoolExecutor(ASSOCIATIONS) as senders,
    ):
        firsts = range(1, 1 + OBJECTS, OBJECTS_EACH)
        jobs = [senders.submit(send_some, here.port, first, ready) for first in firsts]
        statuses = [status for job in jobs for status in job.result()]
        kept = here.reader.poll()

    assert statuses == [0] * OBJECTS
    assert len({one.sop_instance_uid for one in kept}) == OBJECTS
    assert len(pages) >= len(PAGES)
    assert {status for _, status in pages} == {200}
    parent = most.pop(here.receiver.pid)
    assert parent < PARENT_MB_MAX
    assert max(most.values()) < CHILD_MB_MAX
