"""Writing the spool: append, hash, commit in groups (see `spool`)."""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from beamkeeper.clock import Clock, SystemClock
from beamkeeper.errors import StorageFull
from beamkeeper.wire.dicom.spool_journal import (
    FORMAT,
    NAME,
    ObjectIdentity,
    SpooledObject,
    journal_line,
    storage_full,
    sync_folder,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path
    from types import TracebackType
    from typing import Self, TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview

GROUP_COMMIT_BYTES = 32 << 20
"""Bytes that may wait for one fdatasync; also what a crash may cost of objects we can ask for again."""

SPILL_BYTES = 8 << 20
"""Bytes of one object that `add` lets pile up before they go to the pack."""

_IOV_MAX = 1024
_NAMES_TRIED_MAX = 10_000


class SpoolWriter:
    """Appends objects to a pack of its own; use it as a context manager.

    Nothing is made on disk before the first object. One thread only.

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
        self._pack_name = ""
        self._pack = self._journal = -1
        self._pack_end = self._journal_end = 0
        self._lines: list[bytes] = []
        self._waiting_bytes = 0
        self._is_receiving = False
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
        if self._is_receiving:
            raise ValueError("the object before has neither been finished nor discarded")
        self._check_usable()
        self._open()
        self._is_receiving = True
        return IncomingObject(self, header, identity)

    def commit(self) -> int:
        """Make every finished object durable and visible to readers; return how many."""
        count = len(self._lines)
        if not count:
            return 0
        self._check_usable()
        try:
            if self._waiting_bytes:
                os.fdatasync(self._pack)
            text = b"".join(self._lines)
            _write_at(self._journal, [text], self._journal_end)
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
        for handle in (self._pack, self._journal):
            if handle >= 0:
                os.close(handle)
        self._pack = self._journal = -1

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
        """Make pack and journal under names nobody has, and the journal's first line durable."""
        if self._pack >= 0:
            return
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            stem = self._make_files()
            self._pack_name = f"{stem}.pack"
            first = journal_line({**FORMAT, "pack": self._pack_name})
            _write_at(self._journal, [first], 0)
            self._journal_end = len(first)
            sync_folder(self._dir)
        except OSError as error:
            self._close_files()
            raise storage_full(error, "opened") from error

    def _make_files(self) -> str:
        for number in range(1, _NAMES_TRIED_MAX):
            stem = self._name if number == 1 else f"{self._name}-{number}"
            try:
                self._journal = _create(self._dir / f"{stem}.journal")
            except FileExistsError:
                continue
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                self._pack = _create(self._dir / f"{stem}.pack")
            except FileExistsError:  # a pack whose journal was lost: leave it, and this empty journal with it
                os.close(self._journal)
                self._journal = -1
                continue
            return stem
        raise FileExistsError(0, f"{_NAMES_TRIED_MAX} spool files of one name exist")

    def _write_pack(self, buffers: list[Buffer], offset: int) -> None:
        try:
            _write_at(self._pack, buffers, offset)
        except OSError as error:
            raise storage_full(error, "written") from error

    def _finished(self, identity: ObjectIdentity, sha256: str, size: int, *, known: bool) -> SpooledObject:
        spooled = SpooledObject(
            sha256=sha256,
            size_bytes=size,
            sop_class_uid=identity.sop_class_uid,
            sop_instance_uid=identity.sop_instance_uid,
            transfer_syntax_uid=identity.transfer_syntax_uid,
            calling_ae_title=identity.calling_ae_title,
            solicited=identity.solicited,
            known=known,
            pack="" if known else self._pack_name,
            offset=0 if known else self._pack_end,
            received_at=self._clock.now().isoformat(timespec="milliseconds"),
        )
        self._lines.append(journal_line(asdict(spooled)))
        if not known:
            self._pack_end += size
            self._waiting_bytes += size
        self._is_receiving = False
        if self._waiting_bytes >= self._group_commit_bytes:
            self.commit()
        return spooled


class IncomingObject:
    """An object on its way into the pack; made by `SpoolWriter.begin`.

    `feed` keeps a reference to the buffer, not a copy: the caller leaves it unchanged until `spill` or
    `finish`.
    """

    def __init__(self, writer: SpoolWriter, header: bytes, identity: ObjectIdentity) -> None:
        self._writer = writer
        self._identity = identity
        self._start = writer._pack_end  # noqa: SLF001 - the two are one thing in two halves
        self._written_bytes = 0
        self._is_pack_touched = False
        self._hash = hashlib.sha256(header)
        self._kept: list[Buffer] = [header] if header else []
        self.unwritten_bytes = len(header)

    @property
    def size_bytes(self) -> int:
        """Size of the file so far, with its header."""
        return self._written_bytes + self.unwritten_bytes

    def feed(self, part: Buffer) -> None:
        """Take the next bytes of the file: hashed now, written later."""
        self._hash.update(part)
        self._kept.append(part)
        self.unwritten_bytes += len(part)

    def spill(self) -> None:
        """Write what was fed to the pack (not yet durable); its buffers may be used again."""
        self._is_pack_touched = True
        self._writer._write_pack(self._kept, self._start + self._written_bytes)  # noqa: SLF001
        self._written_bytes += self.unwritten_bytes
        self.unwritten_bytes = 0
        self._kept = []

    def finish(self) -> SpooledObject:
        """Close the object; it is durable after the writer's next `commit`."""
        known = self._hash.digest() in self._writer._known  # noqa: SLF001
        size = self.size_bytes
        if known:
            self._forget()
        elif self._kept:
            self.spill()
        sha256 = self._hash.hexdigest()
        return self._writer._finished(self._identity, sha256, size, known=known)  # noqa: SLF001

    def discard(self) -> None:
        """Leave no trace of the object."""
        if self._writer._is_receiving:  # noqa: SLF001
            self._forget()
            self._writer._is_receiving = False  # noqa: SLF001

    def _forget(self) -> None:
        self._kept = []
        if self._is_pack_touched and not self._writer.is_broken:
            os.ftruncate(self._writer._pack, self._start)  # noqa: SLF001


def _create(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _write_at(handle: int, buffers: list[Buffer], offset: int) -> None:
    """Write all of the buffers, however many calls the kernel needs."""
    for first in range(0, len(buffers), _IOV_MAX):
        batch: list[Buffer] = buffers[first : first + _IOV_MAX]
        while batch:
            count = os.pwritev(handle, batch, offset)
            offset += count
            while batch and count >= len(batch[0]):
                count -= len(batch.pop(0))
            if batch:
                batch[0] = memoryview(batch[0])[count:]
