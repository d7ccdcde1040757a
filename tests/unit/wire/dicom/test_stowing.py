"""Keeping beside receiving: whatever is received in whatever pieces, and whatever the disk does meanwhile."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom import stowing
from beamkeeper.wire.dicom.dimse import Status
from beamkeeper.wire.dicom.part10 import file_header
from beamkeeper.wire.dicom.spool import ObjectIdentity, SpoolReader, SpoolWriter
from beamkeeper.wire.dicom.stowing import RING_BYTES, Stowing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAN, EXPLICIT = "1.2.840.10008.5.1.4.1.1.481.5", "1.2.840.10008.1.2.1"
FRAGMENT_BYTES_MAX = 131_084
OBJECT_BYTES_MAX = 3 * RING_BYTES


def identity(number: int = 1, *, solicited: bool = True) -> ObjectIdentity:
    return ObjectIdentity(
        sop_class_uid=PLAN,
        sop_instance_uid=f"1.2.3.{number}",
        transfer_syntax_uid=EXPLICIT,
        calling_ae_title="OIS",
        solicited=solicited,
    )


def header(number: int) -> bytes:
    return file_header(sop_class_uid=PLAN, sop_instance_uid=f"1.2.3.{number}", transfer_syntax_uid=EXPLICIT)


def content(size: int, number: int) -> bytes:
    """Return bytes that repeat with a period that is no power of two, each object its own."""
    pattern = bytes((index * 7 + number) % 251 for index in range(251))
    return (pattern * (size // 251 + 1))[:size]


def receive(intake: Stowing, data: bytes, *, number: int = 1, fragment: int = 130_000) -> Status:
    """Do what an association does with one data set."""
    intake.begin(identity(number))
    for start in range(0, len(data), fragment):
        piece = data[start : start + fragment]
        intake.room(len(piece))[:] = piece
        intake.filled(len(piece))
    return intake.finish()


def stow(writer: SpoolWriter) -> Stowing:
    return Stowing(writer, fragment_bytes_max=FRAGMENT_BYTES_MAX, object_bytes_max=OBJECT_BYTES_MAX)


def kept(folder: Path) -> dict[str, bytes]:
    reader = SpoolReader(folder)
    return {spooled.sop_instance_uid: reader.read(spooled) for spooled in reader.poll()}


RING, HOLD, HAND_OVER = 1 << 20, 300_000, 40_000
"""Smaller than in life, so that small objects meet every edge."""

SIZES = st.lists(
    st.one_of(
        st.integers(1, 3000),
        st.integers(50_000, 150_000),
        st.sampled_from([HOLD - 1, HOLD, HOLD + 1, RING, RING + 1, 2 * RING]),
    ),
    min_size=1,
    max_size=9,
)


@given(sizes=SIZES, fragment=st.integers(16_384, FRAGMENT_BYTES_MAX), dropped=st.sets(st.integers(0, 8)))
def test_every_object_is_kept_byte_for_byte_and_every_dropped_one_is_not(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], fragment: int, dropped: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    expected = {}
    with pytest.MonkeyPatch.context() as patch, SpoolWriter(folder, "one") as writer:
        patch.setattr(stowing, "RING_BYTES", RING)
        patch.setattr(stowing, "HOLD_BYTES", HOLD)
        patch.setattr(stowing, "HAND_OVER_BYTES", HAND_OVER)
        intake = stow(writer)
        for number, size in enumerate(sizes):
            data = content(size, number)
            if number in dropped:
                intake.begin(identity(number))
                half = data[: min(size, fragment)]
                intake.room(len(half))[:] = half
                intake.filled(len(half))
                intake.discard()
                continue
            assert receive(intake, data, number=number, fragment=fragment) is Status.SUCCESS
            expected[f"1.2.3.{number}"] = header(number) + data
        intake.close()

    assert kept(folder) == expected
    shutil.rmtree(folder)


def test_after_a_commit_everything_finished_can_be_read(tmp_path: Path) -> None:
    with SpoolWriter(tmp_path, "one") as writer:
        intake = stow(writer)
        for number in range(20):
            receive(intake, content(50_000, number), number=number)
        before = intake.waiting_count
        intake.commit()

        assert (before, intake.waiting_count, len(kept(tmp_path))) == (20, 0, 20)
        intake.close()


class Gate(frozenset[bytes]):
    """Digests nobody knows, told only when the gate is open: it holds the stowing thread."""

    is_open: threading.Event

    def __contains__(self, digest: object) -> bool:
        self.is_open.wait()
        return False


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    gate.is_open = threading.Event()
    return gate


def blocked(act: Callable[[], object], gate: Gate) -> bool:
    """Do `act` in a thread while the gate is shut; return whether it had to wait for the gate."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join(0.3)
    waited = thread.is_alive()
    gate.is_open.set()
    thread.join()
    return waited


def test_what_we_asked_for_is_answered_while_it_is_written(tmp_path: Path, gate: Gate) -> None:
    with SpoolWriter(tmp_path, "one", known=gate) as writer:
        intake = stow(writer)
        status = receive(intake, content(1000, 1))

        assert (status, intake.waiting_count, kept(tmp_path)) == (Status.SUCCESS, 1, {})
        gate.is_open.set()
        intake.close()


def test_a_commit_waits_for_what_is_not_written_yet(tmp_path: Path, gate: Gate) -> None:
    with SpoolWriter(tmp_path, "one", known=gate) as writer:
        intake = stow(writer)
        receive(intake, content(1000, 1))

        assert blocked(intake.commit, gate)
        assert len(kept(tmp_path)) == 1
        intake.close()


def test_no_more_is_received_than_the_ring_holds(tmp_path: Path, gate: Gate) -> None:
    with SpoolWriter(tmp_path, "one", known=gate) as writer:
        intake = stow(writer)
        for number in range(8):
            receive(intake, content(1_000_000, number), number=number)

        assert blocked(lambda: receive(intake, content(1_000_000, 9), number=9), gate)
        intake.close()
    assert len(kept(tmp_path)) == 9


def test_no_more_objects_are_received_ahead_than_named(tmp_path: Path, gate: Gate) -> None:
    with SpoolWriter(tmp_path, "one", known=gate) as writer:
        intake = stow(writer)
        for number in range(stowing.OBJECTS_AHEAD_MAX):
            receive(intake, b"x", number=number)

        assert blocked(lambda: receive(intake, b"x", number=9999), gate)
        intake.close()
    assert len(kept(tmp_path)) == stowing.OBJECTS_AHEAD_MAX + 1


class FailingDisk(SpoolWriter):
    """A writer whose disk breaks when told to: the file it writes to is closed under it."""

    def break_disk(self) -> None:
        assert self._pack is not None
        read_only = os.open(self._dir, os.O_RDONLY)
        os.dup2(read_only, self._pack._handle)
        os.close(read_only)


def test_an_object_answered_and_not_kept_is_told_with_the_next_answer_and_at_the_end(tmp_path: Path) -> None:
    writer = FailingDisk(tmp_path, "one")
    intake = stow(writer)
    receive(intake, content(1000, 1), number=1)
    intake.commit()
    writer.break_disk()
    lost = receive(intake, content(1000, 2), number=2)
    with pytest.raises(StorageFull, match="written"):
        intake.commit()
    receive(intake, content(1000, 3), number=3)
    intake._hand_over()
    intake._stower.wait_until(intake._stower.is_idle)
    told = receive(intake, content(1000, 4), number=4)
    receive(intake, content(1000, 5), number=5)
    with pytest.raises(StorageFull, match="written"):
        intake.close()
    writer.close()

    assert (lost, told) == (Status.SUCCESS, Status.OUT_OF_RESOURCES)
    assert list(kept(tmp_path)) == ["1.2.3.1"]


class Mistake(Exception):
    """What no disk raises: a mistake of ours."""


class WrongSet(frozenset[bytes]):
    def __contains__(self, digest: object) -> bool:
        raise Mistake


def test_a_mistake_in_the_second_thread_ends_the_association(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, "one", known=WrongSet())
    intake = stow(writer)
    receive(intake, content(1000, 1))

    with pytest.raises(Mistake):
        intake.commit()
    with pytest.raises(Mistake):
        intake.close()
    writer.close()
    assert kept(tmp_path) == {}


def test_an_object_of_a_busy_association_waits_only_so_long_for_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stowing, "COMMIT_AGE_S", 0.05)
    reader = SpoolReader(tmp_path)
    with SpoolWriter(tmp_path, "one") as writer:
        intake = stow(writer)
        for number in range(10_000):
            receive(intake, content(10, number), number=number)
            if reader.poll():
                break

        assert 0 < number < 9_999
        intake.close()


def test_an_association_that_stores_nothing_starts_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with SpoolWriter(tmp_path / "spool", "one") as writer:
        intake = stow(writer)
        intake.begin(None)
        intake.room(10)[:] = bytes(10)
        intake.filled(10)
        status = intake.finish()
        intake.commit()

        assert threading.active_count() == before
        intake.close()
    assert (status, (tmp_path / "spool").exists()) == (Status.UNRECOGNIZED_OPERATION, False)
