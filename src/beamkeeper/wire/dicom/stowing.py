"""Keeping objects beside receiving them: a second thread hashes, writes and commits what came.

The receiving thread fills a ring of bytes with what the kernel hands over and goes on to the next object;
the stowing thread takes the same bytes from the ring, without a copy, in the order they came. Hashing,
writing and syncing do without Python's lock, so the two use two processors.

What an answer promises stays as it was. For an object we asked for, success says that we have it and that
the disk has room for it; it is durable with its group, and whoever asked counts and asks again. For any
other object `commit` comes before the answer.
"""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom.intake import Intake

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from beamkeeper.wire.dicom.spool import IncomingObject, ObjectIdentity, SpoolWriter

RING_BYTES = 8 << 20
"""Bytes received and not yet written: what one association holds in memory."""

HOLD_BYTES = 4 << 20
"""Objects up to this size reach the pack only when it is clear that the vault lacks them; larger ones go
there in pieces of it and are taken back when known. So much less than `RING_BYTES` that there is always room
for the fragments behind it."""

HAND_OVER_BYTES = 256 << 10
"""What goes from thread to thread at once: a piece of an object, or several small ones. To wake the other
thread costs as much as to hash 50 kB."""

OBJECTS_AHEAD_MAX = 64
"""Objects received and not yet written; very small ones would fill memory before they fill the ring."""

COMMIT_AGE_S = 2.0
"""Longest time an object waits for its group on a busy association."""

ROOM_BESIDE_BYTES = 64 << 10
"""What the disk must have free beside the objects: their lines in the journal."""


class Stowing(Intake):
    """An intake whose objects a second thread keeps.

    Its methods belong to the thread that receives. The writer belongs to the second thread from the first
    object until `close` has returned.
    """

    def __init__(self, writer: SpoolWriter, *, fragment_bytes_max: int, object_bytes_max: int) -> None:
        super().__init__(
            writer,
            fragment_bytes_max=fragment_bytes_max,
            object_bytes_max=object_bytes_max,
            buffer_bytes=RING_BYTES,
        )
        self._stower = _Stower(writer)
        self._thread: threading.Thread | None = None
        self._tasks: list[tuple[Any, ...]] = []
        self._object_count = 0
        self._group_started_at = 0.0
        # Positions count the bytes of the whole association; `_base` is the one at the start of the ring.
        self._base = self._filled_to = self._named_to = self._handed_to = 0

    @property
    def waiting_count(self) -> int:
        """How many finished objects are not durable yet."""
        return self._object_count - self._stower.durable_count

    def commit(self) -> None:
        """Return when every finished object is durable.

        Raises
        ------
        StorageFull
            One of them, or an earlier one that was answered with success, could not be kept.
        """
        if self._thread is not None:
            self._tasks.append((self._stower.commit,))
            self._hand_over()
            self._stower.wait_until(self._stower.is_idle)
        self._raise_failure()

    def close(self) -> None:
        """Drop what is unfinished, and end the thread; the writer is the caller's again.

        Raises
        ------
        StorageFull
            An object that was answered with success could not be kept, and nobody was told yet.
        """
        self.discard()
        if self._thread is not None:
            self._hand_over()
            self._stower.give(None)
            self._thread.join()
            self._thread = None
        self._stower.raise_crash()
        self._raise_failure()

    def room(self, size: int) -> memoryview:
        """Return where the next `size` bytes go, when the ring has room for them."""
        stower, capacity = self._stower, len(self._view)
        if stower.free_to == self._filled_to:
            self._base = self._filled_to  # nothing is in use: start over where the cache is warm
        start = (self._filled_to - self._base) % capacity
        if start + size > capacity:
            self._append_piece()
            self._filled_to = self._named_to = self._filled_to + capacity - start
            start = 0
        least = self._filled_to + size - capacity
        if stower.free_to < least:
            self._hand_over()
            stower.wait_until(lambda: stower.free_to >= least)
        return self._view[start : start + size]

    def discard(self) -> None:
        """Drop what came of an unfinished data set."""
        if self._is_open:
            self._is_open = False
            self._filled_to = self._named_to
            self._tasks.append((self._stower.discard,))
            self._hand_over()

    def _open(self, header: bytes, identity: ObjectIdentity) -> None:
        self._raise_failure()
        stower, count = self._stower, self._object_count
        if self._thread is None:
            self._writer.open()
            self._thread = threading.Thread(target=stower.run, name="stowing", daemon=True)
            self._thread.start()
        if count - stower.stowed_count >= OBJECTS_AHEAD_MAX:
            self._hand_over()
            stower.wait_until(lambda: count - stower.stowed_count < OBJECTS_AHEAD_MAX)
        self._tasks.append((stower.begin, header, identity))

    def _advance(self, size: int) -> None:
        self._filled_to += size
        if self._filled_to - self._handed_to >= HAND_OVER_BYTES:
            self._verify_room()
            self._hand_over()

    def _close(self) -> None:
        self._raise_failure()
        self._verify_room()
        self._append_piece()
        self._tasks.append((self._stower.finish,))
        if not self.waiting_count:
            self._group_started_at = time.monotonic()
        self._object_count += 1
        if time.monotonic() - self._group_started_at > COMMIT_AGE_S:
            self._group_started_at = time.monotonic()
            self._tasks.append((self._stower.commit,))
            self._hand_over()
        elif self._filled_to - self._handed_to >= HAND_OVER_BYTES:
            self._hand_over()

    def _append_piece(self) -> None:
        """Make a task of what was filled; it must not reach over the end of the ring."""
        if self._filled_to > self._named_to:
            start = (self._named_to - self._base) % len(self._view)
            piece = self._view[start : start + self._filled_to - self._named_to]
            self._tasks.append((self._stower.feed, piece, self._filled_to))
            self._named_to = self._filled_to

    def _hand_over(self) -> None:
        self._append_piece()
        self._stower.give(self._tasks)
        self._tasks = []
        self._handed_to = self._named_to

    def _verify_room(self) -> None:
        """Raise StorageFull unless the disk has room for everything that is not written yet."""
        if self._writer.free_bytes() < self._unwritten_bytes():
            self._hand_over()
            self._stower.wait_until(self._stower.is_idle)  # it wrote meanwhile: look at both at rest
            self._writer.verify_room(self._unwritten_bytes())

    def _unwritten_bytes(self) -> int:
        return self._filled_to - self._stower.free_to + ROOM_BESIDE_BYTES

    def _raise_failure(self) -> None:
        failure = self._stower.failure
        if failure is not None:
            self._stower.failure = None
            raise failure


class _Stower:
    """The second thread: `run` and the tasks are its own, the rest is for the thread that receives.

    Attributes
    ----------
    free_to
        Position up to which the ring may be used again.
    stowed_count, durable_count
        Finished objects that were written (or dropped), and that need no commit any more.
    failure
        Why an object could not be kept, the first reason, until somebody was told.
    """

    def __init__(self, writer: SpoolWriter) -> None:
        self._writer = writer
        self._batches: SimpleQueue[list[tuple[Any, ...]] | None] = SimpleQueue()
        self._changed = threading.Condition()
        self._given = self._done = 0
        self._crash: BaseException | None = None
        self._incoming: IncomingObject | None = None
        self._fed_to = 0
        self.free_to = self.stowed_count = self.durable_count = 0
        self.failure: StorageFull | None = None

    def give(self, tasks: list[tuple[Any, ...]] | None) -> None:
        """Have tasks done, in this order; None is the last."""
        self._given += 1
        self._batches.put(tasks)

    def is_idle(self) -> bool:
        """Return whether everything given is done."""
        return self._done == self._given

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Return when `is_so`, which depends on what is done; raise what ended the thread before."""
        if is_so():
            return
        with self._changed:
            self._changed.wait_for(lambda: self._crash is not None or is_so())
        self.raise_crash()

    def raise_crash(self) -> None:
        """Raise what ended the thread before its time: a mistake of ours."""
        if self._crash is not None:
            raise self._crash

    def run(self) -> None:
        """Do what is given until None comes."""
        try:
            while (tasks := self._batches.get()) is not None:
                for act, *facts in tasks:
                    self._do(act, facts)
                with self._changed:
                    self._done += 1
                    self._changed.notify()
        except BaseException as crash:  # noqa: BLE001 - raised again in the thread that receives
            with self._changed:
                self._crash = crash
                self._changed.notify()

    def _do(self, act: Callable[..., None], facts: list[object]) -> None:
        try:
            act(*facts)
        except StorageFull as error:
            self.failure = self.failure or error
            self.discard()

    def begin(self, header: bytes, identity: ObjectIdentity) -> None:
        self._incoming = self._writer.begin(header, identity)

    def feed(self, piece: memoryview, end: int) -> None:
        self._fed_to = end
        if self._incoming is None:  # its beginning failed
            self.free_to = end
            return
        self._incoming.feed(piece)
        if self._incoming.unwritten_bytes >= HOLD_BYTES:
            self._incoming.spill()
            self.free_to = end

    def finish(self) -> None:
        try:
            if self._incoming is not None:
                self._incoming.finish()
                self._incoming = None
        finally:
            self.stowed_count += 1
            self.free_to = self._fed_to
        self._count_durable()

    def discard(self) -> None:
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            incoming.discard()
        self.free_to = self._fed_to
        self._count_durable()

    def commit(self) -> None:
        self._writer.commit()
        self._count_durable()

    def _count_durable(self) -> None:
        self.durable_count = self.stowed_count - self._writer.waiting_count
