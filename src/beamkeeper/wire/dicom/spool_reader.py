"""Reading the spool: what is journaled, and only that (see `spool`)."""

from __future__ import annotations

import fcntl
import hashlib
import io
import itertools
import os
from typing import TYPE_CHECKING, BinaryIO

from beamkeeper.wire.dicom.spool_journal import (
    LINE_BYTES_MAX,
    SpooledObject,
    check_format,
    checked_pack_name,
    parse_line,
    spooled_object,
    sync_folder,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer


class SpoolReader:
    """Reads what writers have journaled, also while they write. One reader object per thread.

    Attributes
    ----------
    torn_journals
        Journals in which `poll` met a line that is not whole: a writer was interrupted there.
    """

    def __init__(self, spool_dir: Path) -> None:
        self._dir = spool_dir
        self._read_up_to: dict[str, int] = {}
        self.torn_journals: set[str] = set()

    def poll(self) -> tuple[SpooledObject, ...]:
        """Return the objects journaled since the last poll, by journal and in order of arrival.

        Raises
        ------
        IntegrityError
            A journal is of a format we do not know.
        """
        try:
            with os.scandir(self._dir) as entries:
                names = sorted(entry.name for entry in entries if self._has_grown(entry))
        except FileNotFoundError:
            return ()
        return tuple(itertools.chain.from_iterable(self._new_in(name) for name in names))

    def _has_grown(self, entry: os.DirEntry[str]) -> bool:
        is_journal = entry.name.endswith(".journal")
        return is_journal and entry.stat().st_size != self._read_up_to.get(entry.name, 0)

    def _new_in(self, name: str) -> Iterator[SpooledObject]:
        position = self._read_up_to.get(name, 0)
        with (self._dir / name).open("rb") as journal:
            journal.seek(position)
            while (line := journal.readline(LINE_BYTES_MAX)).endswith(b"\n"):
                fields = parse_line(line)
                if fields is None:
                    break
                if position == 0:
                    check_format(name, fields)
                else:
                    yield spooled_object(name, fields)
                position += len(line)
                self._read_up_to[name] = position
        (self.torn_journals.add if line else self.torn_journals.discard)(name)

    def open(self, spooled: SpooledObject) -> BinaryIO:
        """Return the file of one object, readable and seekable; its digest is not checked.

        Raises
        ------
        IntegrityError
            Its bytes are not in the spool (`known`, or the pack is gone or short).
        """
        path = self._pack_path(spooled)
        try:
            raw = _PackSlice(path, spooled.offset, spooled.size_bytes)
        except FileNotFoundError as error:
            raise unreadable(spooled, "its pack is gone") from error
        if raw.pack_bytes < spooled.offset + spooled.size_bytes:
            raw.close()
            raise unreadable(spooled, "its pack ends before it does")
        return io.BufferedReader(raw, 1 << 18)

    def read(self, spooled: SpooledObject) -> bytes:
        """Return the whole file, checked against its SHA-256.

        Raises
        ------
        IntegrityError
            The bytes are not the bytes that were received.
        """
        with self.open(spooled) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != spooled.sha256:
            raise unreadable(spooled, "its SHA-256 is not the one noted when it arrived")
        return content

    def remove(self, pack: str) -> bool:
        """Delete a pack and its journal once all of it is sealed; False while its writer is alive."""
        stem = self._dir / checked_pack_name(pack).removesuffix(".pack")
        journal, content = stem.with_name(stem.name + ".journal"), stem.with_name(stem.name + ".pack")
        try:
            with journal.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                journal.unlink()
        except BlockingIOError:
            return False
        except FileNotFoundError:
            pass  # removed before, up to here
        sync_folder(self._dir)  # the journal first: a journal must never name a pack that is gone
        content.unlink(missing_ok=True)
        self._read_up_to.pop(journal.name, None)
        return True

    def _pack_path(self, spooled: SpooledObject) -> Path:
        if spooled.known:
            raise unreadable(spooled, "the vault had it already, so it was not kept again")
        return self._dir / checked_pack_name(spooled.pack)


class _PackSlice(io.RawIOBase):
    """`size` bytes of a file from `offset` on, as a file."""

    def __init__(self, path: Path, offset: int, size: int) -> None:
        self._handle = os.open(path, os.O_RDONLY)
        self.name = str(path)  # readers of files ask for it
        self._offset, self._size, self._position = offset, size, 0
        self.pack_bytes = os.fstat(self._handle).st_size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(0, self._size - self._position))
        count = os.preadv(self._handle, [view[:wanted]], self._offset + self._position)
        self._position += count
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._handle)
        super().close()
