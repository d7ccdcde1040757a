"""Writing the spool: append, hash, commit in groups (see `spool`)."""

from __future__ import annotations

import fcntl
import os
from functools import partial
from typing import TYPE_CHECKING

from beamkeeper.clock import Clock, SystemClock
from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom.spool_journal import (
    FORMAT,
    NAME,
    ObjectIdentity,
    SpooledObject,
    journal_line,
    object_line,
    storage_full,
    sync_folder,
)
from beamkeeper.wire.dicom.spool_pack import IncomingObject, Pack, create, write_at

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from beamkeeper.wire.dicom.spool_pack import Buffer

GROUP_COMMIT_BYTES = 32 << 20
"""Bytes that may wait for one fdatasync; also what a crash may cost of objects we can ask for again."""

SPILL_BYTES = 8 << 20
"""Bytes of one object that `add` lets pile up before they go to the pack."""

_NAMES_TRIED_MAX = 10_000


class SpoolWriter:
    """Appends objects to a pack of its own; use it as a context manager.

    Nothing is made on disk before the first object (or `open`). One thread at a time.

    Parameters
    ----------
    spool_dir
        Made, 0700, if it is not there.
    name
        Start of the two file names: letters, digits, `.`, `_`, `-`. Never something received.
    group_commit_bytes
        `commit` happens by itself when that many bytes wait.
    known
        Digests whose bytes the vault has: such objects are journaled, not kept.

    Raises
    ------
    StorageFull
        From every method that writes: no room, or no right to write. Objects journaled before stay. After a
        failed `commit` the writer is of no more use (`is_broken`): the kernel may have dropped what it
        could not write.
    """

    def __init__(
        self,
        spool_dir: Path,
        name: str,
        *,
        group_commit_bytes: int = GROUP_COMMIT_BYTES,
        known: Container[bytes] = frozenset(),
        clock: Clock | None = None,
    ) -> None:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name=} is not a spool name")
        self._dir = spool_dir
        self._name = name
        self._group_commit_bytes = group_commit_bytes
        self._known = known
        self._clock = clock or SystemClock()
        self._pack: Pack | None = None
        self._incoming: IncomingObject | None = None
        self._journal = -1
        self._journal_end = 0
        self._lines: list[bytes] = []
        self._waiting_bytes = 0
        self.is_broken = False

    @property
    def waiting_count(self) -> int:
        """How many objects wait for a commit."""
        return len(self._lines)

    def add(self, header: bytes, parts: Iterable[Buffer], identity: ObjectIdentity) -> SpooledObject:
        """Append one whole file: `header` (`file_header(...)`, b"" for a file that has its own), then parts.

        `parts` may be an iterator over a file too large for memory. Durable after the next `commit`.
        """
        incoming = self.begin(header, identity)
        try:
            for part in parts:
                incoming.feed(part)
                if incoming.unwritten_bytes >= SPILL_BYTES:
                    incoming.spill()
            return incoming.finish()
        except BaseException:
            incoming.discard()
            raise

    def begin(self, header: bytes, identity: ObjectIdentity) -> IncomingObject:
        """Start an object that arrives piece by piece; one at a time."""
        if self._incoming is not None and self._incoming.is_open:
            raise ValueError("the object before has neither been finished nor discarded")
        self.open()
        pack = self._pack
        assert pack is not None, "an open writer has a pack"  # noqa: S101
        finished = partial(self._finished, pack, identity)
        self._incoming = IncomingObject(pack, header, self._known, finished)
        return self._incoming

    def open(self) -> None:
        """Make the files, if they are not there yet."""
        self._check_usable()
        if self._pack is None:
            self._open()

    def free_bytes(self) -> int:
        """Return what the disk of an open writer has room for; any thread may ask."""
        return self._pack.free_bytes() if self._pack is not None else 0

    def verify_room(self, size: int) -> None:
        """Raise StorageFull unless the disk has room for so many bytes more (others may take it first)."""
        free = self.free_bytes()
        if free < size:
            raise StorageFull(
                f"The disk of the spool has {free} bytes free; {size} are needed.",
                do_next="Make room on the spool disk, then ask for the missing objects again.",
            )

    def commit(self) -> int:
        """Make every finished object durable and visible to readers; return how many."""
        count = len(self._lines)
        if not count:
            return 0
        self._check_usable()
        try:
            if self._waiting_bytes and self._pack is not None:
                self._pack.sync()
            text = b"".join(self._lines)
            write_at(self._journal, [text], self._journal_end)
            os.fdatasync(self._journal)
        except OSError as error:
            self.is_broken = True
            raise storage_full(error, "journaled") from error
        self._journal_end += len(text)
        self._lines.clear()
        self._waiting_bytes = 0
        return count

    def close(self) -> None:
        """Commit and close; a writer that is broken only closes."""
        try:
            if not self.is_broken:
                self.commit()
        finally:
            self._close_files()
            self.is_broken = True

    def _close_files(self) -> None:
        if self._pack is not None:
            self._pack.close()
        if self._journal >= 0:
            os.close(self._journal)
        self._pack, self._journal = None, -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_usable(self) -> None:
        if self.is_broken:
            raise StorageFull(
                "This spool file can take no more: it was closed, or an earlier write failed.",
                do_next="Make room on the spool disk, then ask for the missing objects again.",
            )

    def _open(self) -> None:
        """Make pack and journal under names nobody has."""
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            pack = self._pack = self._make_files()
            first = journal_line({**FORMAT, "pack": pack.name})
            write_at(self._journal, [first], 0)
            self._journal_end = len(first)
            sync_folder(self._dir)
            sync_folder(self._dir.parent)
        except OSError as error:
            self._close_files()
            raise storage_full(error, "opened") from error

    def _make_files(self) -> Pack:
        for number in range(1, _NAMES_TRIED_MAX):
            stem = self._name if number == 1 else f"{self._name}-{number}"
            try:
                self._journal = create(self._dir / f"{stem}.journal")
            except FileExistsError:
                continue
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                return Pack(self._dir / f"{stem}.pack")
            except FileExistsError:  # a pack whose journal was lost: leave it, and this empty journal with it
                os.close(self._journal)
                self._journal = -1
        raise FileExistsError(0, f"{_NAMES_TRIED_MAX} spool files of one name exist")

    def _finished(
        self,
        pack: Pack,
        identity: ObjectIdentity,
        sha256: str,
        size: int,
        known: bool,  # noqa: FBT001
    ) -> SpooledObject:
        spooled = SpooledObject(
            sha256=sha256,
            size_bytes=size,
            sop_class_uid=identity.sop_class_uid,
            sop_instance_uid=identity.sop_instance_uid,
            transfer_syntax_uid=identity.transfer_syntax_uid,
            calling_ae_title=identity.calling_ae_title,
            solicited=identity.solicited,
            known=known,
            pack="" if known else pack.name,
            offset=0 if known else pack.end,
            received_at=self._clock.now().isoformat(timespec="milliseconds"),
        )
        self._lines.append(object_line(spooled))
        if not known:
            pack.append(size)
            self._waiting_bytes += size
        if self._waiting_bytes >= self._group_commit_bytes:
            self.commit()
        return spooled
