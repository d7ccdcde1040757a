"""A pack of the spool, and an object on its way into it (see `spool`)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from typing import TYPE_CHECKING

from beamkeeper.wire.dicom.spool_journal import storage_full

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from pathlib import Path
    from typing import TypeAlias

    from beamkeeper.wire.dicom.spool_journal import SpooledObject

    Buffer: TypeAlias = bytes | bytearray | memoryview

WRITE_BACK_BYTES = 4 << 20
"""Finished bytes after which the kernel is told to begin writing them, so that a sync has little left."""

_IOV_MAX = 1024


class Pack:
    """A file of whole objects, one behind the other.

    Attributes
    ----------
    end
        Where the last finished object ends, bytes; what is behind it belongs to nobody yet.
    """

    def __init__(self, path: Path) -> None:
        self._handle = create(path)
        self.name = path.name
        self.end = 0
        self._hastened_to = 0

    def write(self, buffers: list[Buffer], after_end: int) -> None:
        """Write `after_end` bytes behind the last finished object.

        Raises
        ------
        StorageFull
        """
        try:
            write_at(self._handle, buffers, self.end + after_end)
        except OSError as error:
            raise storage_full(error, "written") from error

    def cut(self) -> None:
        """Drop what is behind the last finished object; a disk that refuses keeps what nobody reads."""
        if self._handle >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self.end)

    def append(self, size: int) -> None:
        """Count the `size` bytes behind the last finished object as one, and have them written soon."""
        self.end += size
        waiting = self.end - self._hastened_to
        if waiting >= WRITE_BACK_BYTES:
            # Linux begins to write what is dirty there, and drops what is clean: nothing yet.
            os.posix_fadvise(self._handle, self._hastened_to, waiting, os.POSIX_FADV_DONTNEED)
            self._hastened_to = self.end

    def free_bytes(self) -> int:
        """Return what the disk has room for; as good as everything where it does not tell its size."""
        disk = os.fstatvfs(self._handle)
        return disk.f_bavail * disk.f_frsize if disk.f_blocks else sys.maxsize

    def sync(self) -> None:
        """Return when every byte is on disk; OSError when that cannot be."""
        os.fdatasync(self._handle)
        self._hastened_to = self.end

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


class IncomingObject:
    """An object on its way into the pack; made by `SpoolWriter.begin`.

    `feed` keeps a reference to the buffer, not a copy: the caller leaves it unchanged until `spill` or
    `finish`.

    Attributes
    ----------
    is_open
        Neither finished nor discarded.
    unwritten_bytes
        Fed and not yet spilled.

    Parameters
    ----------
    known
        Digests whose bytes need not be kept.
    finished
        Told of the SHA-256, the size, and whether the object is known.
    """

    def __init__(
        self,
        pack: Pack,
        header: bytes,
        known: Container[bytes],
        finished: Callable[[str, int, bool], SpooledObject],
    ) -> None:
        self._pack = pack
        self._known = known
        self._finished = finished
        self._hash = hashlib.sha256(header)
        self._kept: list[Buffer] = [header] if header else []
        self._written_bytes = 0
        self._is_pack_touched = False
        self.unwritten_bytes = len(header)
        self.is_open = True

    def feed(self, part: Buffer) -> None:
        """Take the next bytes of the file: hashed now, written later."""
        self._hash.update(part)
        self._kept.append(part)
        self.unwritten_bytes += len(part)

    def spill(self) -> None:
        """Write what was fed to the pack (not yet durable); its buffers may be used again.

        Raises
        ------
        StorageFull
        """
        self._is_pack_touched = True
        self._pack.write(self._kept, self._written_bytes)
        self._written_bytes += self.unwritten_bytes
        self.unwritten_bytes = 0
        self._kept = []

    def finish(self) -> SpooledObject:
        """Close the object; it is durable after the writer's next `commit`.

        Raises
        ------
        StorageFull
        """
        size = self._written_bytes + self.unwritten_bytes
        known = self._hash.digest() in self._known
        if not known and self._kept:
            self.spill()
        if known:
            self._drop()
        self.is_open = False
        return self._finished(self._hash.hexdigest(), size, known)

    def discard(self) -> None:
        """Leave no trace of the object; nothing happens to one that is finished."""
        if self.is_open:
            self._drop()
            self.is_open = False

    def _drop(self) -> None:
        self._kept = []
        if self._is_pack_touched:
            self._pack.cut()


def create(path: Path) -> int:
    """Make a file that nobody else may read and that was not there, and return its handle."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def write_at(handle: int, buffers: list[Buffer], offset: int) -> None:
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
