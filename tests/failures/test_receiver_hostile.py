"""Peers that break the rules, hang up, go silent or send garbage: refused by the book, never fatal."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_sender import (
    EXPLICIT,
    PLAN,
    VERIFICATION,
    RawSender,
    Receiving,
    associate_rq,
    command_set,
    element,
    item,
    made_up,
    pdu,
    pdv,
    receiving,
    store_command,
)

PLAN_CONTEXT = [(1, PLAN, [EXPLICIT])]
BY_PROVIDER, BY_USER = 2, 0
UNRECOGNIZED, UNEXPECTED, UNEXPECTED_PARAMETER, INVALID = 1, 2, 5, 6
REQUEST = associate_rq(PLAN_CONTEXT)


def abort_of(sender: RawSender) -> tuple[int, int]:
    """Return source and reason of the A-ABORT that comes next."""
    kind, body = sender.read_pdu()
    assert (kind, len(body)) == (7, 4)
    return body[2], body[3]


def works(here: Receiving, number: int = 99) -> bool:
    """Return whether a well-behaved sender is still served."""
    with RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        status = sender.store(made_up(number=number))
        sender.release()
    return status == 0


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (pdu(0x99, b"what?"), (BY_PROVIDER, UNRECOGNIZED)),
        (REQUEST, (BY_PROVIDER, UNEXPECTED)),
        (pdu(6, bytes(4)), (BY_PROVIDER, UNEXPECTED)),
        (pdu(2, bytes(70)), (BY_PROVIDER, UNEXPECTED)),
        (pdu(4, b""), (BY_PROVIDER, INVALID)),
        (pdu(4, bytes(5)), (BY_PROVIDER, INVALID)),
        (pdu(4, struct.pack(">IBB", 1, 1, 3)), (BY_PROVIDER, INVALID)),
        (pdu(4, struct.pack(">IBB", 1000, 1, 3) + b"short"), (BY_PROVIDER, INVALID)),
        (struct.pack(">BBI", 4, 0, 0xFFFFFFFF) + bytes(6), (BY_PROVIDER, INVALID)),
        (struct.pack(">BBI", 5, 0, 0xFFFFFFFF) + bytes(6), (BY_PROVIDER, INVALID)),
        (pdu(4, pdv(3, 3, store_command(made_up()))), (BY_PROVIDER, INVALID)),
        (pdu(4, pdv(1, 2, b"data first")), (BY_PROVIDER, UNEXPECTED_PARAMETER)),
        (pdu(4, pdv(1, 3, b"not a command")), (BY_PROVIDER, INVALID)),
        (pdu(4, pdv(1, 3, store_command(made_up())[:-4])), (BY_PROVIDER, INVALID)),
        (pdu(4, pdv(1, 3, store_command(made_up())) + pdv(3, 2, b"x")), (BY_PROVIDER, INVALID)),
        (pdu(4, pdv(1, 3, store_command(made_up())) * 2), (BY_PROVIDER, UNEXPECTED_PARAMETER)),
        (pdu(4, pdv(1, 1, bytes(16_000)) + pdv(1, 1, bytes(1000))), (BY_PROVIDER, INVALID)),
        (
            pdu(4, pdv(1, 3, command_set(element(0x100, b"\x01\x80"), element(0x800, b"\x01\x01")))),
            (BY_PROVIDER, INVALID),
        ),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else "",
)
def test_a_violation_is_answered_by_an_abort_with_its_reason(
    tmp_path: Path, sent: bytes, expected: tuple[int, int]
) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.store(made_up())
        sender.send(sent)

        assert abort_of(sender) == expected
        sender.socket.close()
        assert works(here)
        assert len(here.reader.poll()) == 2
        assert "association_crashed" not in here.log()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (pdu(4, pdv(1, 3, b"")), (BY_USER, 0)),
        (pdu(5, bytes(4)), (BY_USER, 0)),
        (b"GET / HTTP/1.1\r\n\r\n", (BY_USER, 0)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (BY_USER, 0)),
        (pdu(1, b"short"), (BY_USER, 0)),
        (pdu(1, bytes(68) + item(0x20, b"\x02\0\0\0")), (BY_USER, 0)),
        (pdu(1, bytes(68) + item(0x10, b"1.2")[:-1]), (BY_USER, 0)),
        (pdu(1, bytes(68) + b"\x20\0\xff\xff"), (BY_USER, 0)),
        (struct.pack(">BBI", 1, 0, 0xFFFFFFF0), (BY_USER, 0)),
        (associate_rq([(1, PLAN, [EXPLICIT]), (1, PLAN, [EXPLICIT])]), (BY_USER, 0)),
        (associate_rq([(1, "not a uid", [EXPLICIT])]), (BY_USER, 0)),
        (associate_rq([(1, "1" * 65, [EXPLICIT])]), (BY_USER, 0)),
        (associate_rq([(1, PLAN, [])]), (BY_USER, 0)),
        (associate_rq([(1, PLAN, [EXPLICIT] * 129)]), (BY_USER, 0)),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else "",
)
def test_nonsense_before_an_association_is_aborted(
    tmp_path: Path, sent: bytes, expected: tuple[int, int]
) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.send(sent)

        assert abort_of(sender) == expected
        assert works(here)


def test_128_contexts_are_accepted_and_more_than_the_limit_are_not(tmp_path: Path) -> None:
    contexts = [(2 * n + 1, f"1.2.3.{n}", [EXPLICIT]) for n in range(128)]
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        assert sender.associate(contexts) is None
        assert set(sender.results.values()) == {0}
    with receiving(tmp_path, max_contexts=10) as here, RawSender(here.port) as sender:
        sender.send(associate_rq(contexts[:11]))
        assert abort_of(sender) == (BY_USER, 0)


def test_an_abort_in_mid_object_ends_it_at_once(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.store(made_up(number=1))
        sender.send(sender.command_pdu(made_up(number=2)) + pdu(4, pdv(1, 0, b"half")) + pdu(7, bytes(4)))

        assert sender.is_closed_by_peer()
        assert [kept.sop_instance_uid for kept in here.reader.poll()] == ["1.2.3.4.1"]


@pytest.mark.parametrize("size", [100, 20_000_000])
def test_a_peer_that_hangs_up_in_mid_object_leaves_only_whole_objects(tmp_path: Path, size: int) -> None:
    with receiving(tmp_path) as here:
        with RawSender(here.port) as sender:
            sender.associate(PLAN_CONTEXT)
            sender.store(made_up(number=1), originator="BEAMKEEPER")
            sender.send(sender.command_pdu(made_up(number=2), originator="BEAMKEEPER"))
            for _ in range(size // 10_000):
                sender.send(pdu(4, pdv(1, 0, bytes(10_000))))
            sender.send(pdu(4, pdv(1, 0, bytes(100)))[:50])
        wait_for_end(here, 1)
        (kept,) = here.reader.poll()

        assert kept.sop_instance_uid == "1.2.3.4.1"
        assert here.reader.read(kept)
        assert (tmp_path / "spool" / kept.pack).stat().st_size == kept.size_bytes
        assert works(here)


def wait_for_end(here: Receiving, count: int, limit_s: float = 15.0) -> None:
    deadline = time.monotonic() + limit_s
    while here.log().count('"association_') < count:
        assert time.monotonic() < deadline, here.log()
        time.sleep(0.02)


def test_a_peer_that_says_nothing_is_left_after_the_artim_time(tmp_path: Path) -> None:
    with receiving(tmp_path, artim_s=1) as here, RawSender(here.port) as sender:
        assert sender.is_closed_by_peer()
        wait_for_end(here, 1)
        assert "nothing for" in here.log() or "time limit" in here.log()


def test_a_request_that_drips_in_is_left_after_the_artim_time(tmp_path: Path) -> None:
    with receiving(tmp_path, artim_s=1.5) as here, RawSender(here.port) as sender:
        assert drip(sender, REQUEST, 0.2) < len(REQUEST)
        assert works(here)


def drip(sender: RawSender, data: bytes, pause_s: float) -> int:
    """Send byte by byte until the peer answers or ends it; return how many went out."""
    sender.socket.settimeout(pause_s)
    for count, byte in enumerate(data):
        try:
            sender.send(bytes((byte,)))
            sender.socket.recv(1000)
        except TimeoutError:
            continue
        except OSError:
            pass
        return count
    return len(data)


def test_an_object_that_drips_in_is_left_after_its_time(tmp_path: Path) -> None:
    with receiving(tmp_path, object_s=1.5, idle_s=30, artim_s=1) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.send(sender.command_pdu(made_up()))
        sent = drip(sender, pdu(4, pdv(1, 2, bytes(1000))), 0.1)

        assert sent < 100
        assert works(here)
        assert len(here.reader.poll()) == 1


def test_endless_empty_fragments_are_left_after_their_time(tmp_path: Path) -> None:
    with receiving(tmp_path, object_s=1, artim_s=1) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.send(sender.command_pdu(made_up()))
        empty = pdu(4, pdv(1, 0, b"")) * 1000
        with pytest.raises(ConnectionError):
            send_for_ever(sender, empty)
        assert works(here)


def send_for_ever(sender: RawSender, data: bytes) -> None:
    for _ in range(100_000):
        sender.send(data)


def test_an_association_that_idles_is_aborted(tmp_path: Path) -> None:
    with receiving(tmp_path, idle_s=0.5) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)

        assert abort_of(sender) == (BY_USER, 0)


def test_a_peer_that_does_not_close_after_its_release_is_left(tmp_path: Path) -> None:
    with receiving(tmp_path, artim_s=1) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.send(pdu(5, bytes(4)))
        sender.read_pdu()
        sender.send(pdu(4, pdv(1, 3, b"still there")) + pdu(5, bytes(4)))

        assert sender.is_closed_by_peer()


def test_connections_without_a_word_do_not_keep_others_out(tmp_path: Path) -> None:
    """A crowd from an address that is not allowed takes the refusals' places only."""
    with receiving(tmp_path, allowed_networks=("127.0.0.1/32",)) as here:
        crowd = [RawSender(here.port, source="127.0.0.2") for _ in range(60)]
        try:
            assert works(here)
        finally:
            for one in crowd:
                one.socket.close()


def test_an_object_beyond_the_size_limit_is_refused_and_the_next_is_kept(tmp_path: Path) -> None:
    with receiving(tmp_path, max_object_bytes=1000) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)

        assert sender.store(made_up(1001, number=1)) == 0xA700
        assert sender.store(made_up(9_000_000, number=2)) == 0xA700
        assert sender.store(made_up(1000, number=3)) == 0
        assert [kept.sop_instance_uid for kept in here.reader.poll()] == ["1.2.3.4.3"]


def test_a_uid_that_is_a_path_never_becomes_one(tmp_path: Path) -> None:
    evil = store_command(made_up()).replace(b"1.2.3.4.1\0", b"../../../x")
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.send(pdu(4, pdv(1, 3, evil)))

        assert abort_of(sender) == (BY_PROVIDER, INVALID)
        assert {path.name for path in tmp_path.iterdir()} <= {"receiver.log", "spool"}


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pids: list[int], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{pids} still run"
        time.sleep(0.02)


def test_a_child_killed_in_mid_object_costs_only_that_object(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as sender:
        sender.associate(PLAN_CONTEXT)
        sender.store(made_up(number=1))
        sender.send(sender.command_pdu(made_up(number=2)))
        for _ in range(1000):
            sender.send(pdu(4, pdv(1, 0, bytes(10_000))))
        (child,) = children_of(here.receiver.pid)
        os.kill(child, signal.SIGKILL)

        assert sender.is_closed_by_peer()
        (kept,) = here.reader.poll()
        assert here.reader.read(kept)
        assert works(here)
        assert len(here.reader.poll()) == 1


def test_children_end_when_the_listener_is_killed(tmp_path: Path) -> None:
    with receiving(tmp_path) as here, RawSender(here.port) as idle, RawSender(here.port) as busy:
        for sender in (idle, busy):
            sender.associate(PLAN_CONTEXT)
        busy.store(made_up(), originator="BEAMKEEPER")
        busy.send(busy.command_pdu(made_up()))
        children = children_of(here.receiver.pid)
        os.kill(here.receiver.pid, signal.SIGKILL)

        assert len(children) == 2
        wait_until_gone(children, 5)
        assert len(here.reader.poll()) == 1


def test_listener_and_children_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; sys.path.insert(0, sys.argv[2]); from raw_sender import receiving\n"
        "with receiving(pathlib.Path(sys.argv[1])) as here:\n"
        "    print(here.port, here.receiver.pid, flush=True); time.sleep(60)\n"
    )
    peers = Path(__file__).parents[1] / "dicom_peers"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), str(peers)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        port, listener = map(int, parent.stdout.readline().split())
        with RawSender(port) as sender:
            sender.associate(PLAN_CONTEXT)
            sender.send(sender.command_pdu(made_up()))
            pids = [listener, *children_of(listener)]
            parent.kill()

            assert len(pids) == 2
            wait_until_gone(pids, 6)
            with pytest.raises(ConnectionRefusedError):
                RawSender(port)


def test_what_came_before_the_stop_is_durable(tmp_path: Path) -> None:
    with receiving(tmp_path) as here:
        sender = RawSender(here.port)
        sender.associate(PLAN_CONTEXT)
        for number in range(5):
            sender.store(made_up(number=number), originator="BEAMKEEPER")
    sender.socket.close()

    assert len(here.reader.poll()) == 5


# Fuzzing. The parsers alone are fuzzed in tests/unit/wire/dicom.


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory):
    with receiving(tmp_path_factory.mktemp("fuzz"), artim_s=1, idle_s=1, object_s=2) as here:
        yield here


CONVERSATION = (
    associate_rq([(1, PLAN, [EXPLICIT]), (3, VERIFICATION, [EXPLICIT])])
    + pdu(4, pdv(1, 3, store_command(made_up())))
    + pdu(4, pdv(1, 0, made_up().data_set[:500]) + pdv(1, 2, made_up().data_set[500:]))
    + pdu(5, bytes(4))
)
mutations = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "number"]),
        st.integers(0, len(CONVERSATION) - 1),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=5,
)


def mutate(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    changed = bytearray(data)
    for how, where, what in changes:
        if how == "flip":
            changed[where % len(changed)] ^= what[0] or 1
        elif how == "cut":
            del changed[where : where + what[0]]
        elif how == "insert":
            changed[where:where] = what
        else:
            changed[where : where + 4] = (what * 4)[:4]
    return bytes(changed)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=mutations)
def test_a_mutated_conversation_never_breaks_the_receiver(
    long_lived: Receiving, changes: list[tuple[str, int, bytes]]
) -> None:
    with RawSender(long_lived.port) as sender:
        try:
            sender.send(mutate(CONVERSATION, changes))
            sender.socket.shutdown(socket.SHUT_WR)
            sender.is_closed_by_peer()
        except ConnectionError:
            pass

    assert long_lived.receiver.is_alive()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(max_size=2000))
def test_garbage_never_breaks_the_receiver(long_lived: Receiving, garbage: bytes) -> None:
    with RawSender(long_lived.port) as sender:
        try:
            sender.send(garbage)
            sender.socket.shutdown(socket.SHUT_WR)
            sender.is_closed_by_peer()
        except ConnectionError:
            pass

    assert long_lived.receiver.is_alive()


def test_after_all_that_the_receiver_serves_and_no_child_crashed(long_lived: Receiving) -> None:
    assert works(long_lived)
    assert "association_crashed" not in long_lived.log()
    assert "association_died" not in long_lived.log()
    for kept in long_lived.reader.poll():
        long_lived.reader.read(kept)
    high = Path(f"/proc/{long_lived.receiver.pid}/status").read_text().split("VmHWM:")[1].split()[0]
    assert int(high) < 40_000
