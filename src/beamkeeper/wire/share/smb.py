"""A Windows share as a destination, over smbprotocol: SMB 3 with encryption, or nothing.

A rename without "replace if exists" leaves a name that is taken as it is; the timestamp alone is
replaced. Files are flushed to the server's disk (SMB2 FLUSH) before they get their name.

References
----------
MS-SMB2 2.2.39 (FileRenameInformation)
"""

from __future__ import annotations

import contextlib
import errno
import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import smbclient
from smbprotocol.exceptions import SMBOSError
from smbprotocol.file_info import FileAttributes
from smbprotocol.header import NtStatus

from beamkeeper.errors import BeamkeeperError, StorageFull
from beamkeeper.wire.destination import (
    BLOCK_BYTES,
    WORK,
    DestinationFacts,
    Listed,
    segments,
    taken,
    verify_count,
)
from beamkeeper.wire.share.resuming import part_name
from beamkeeper.wire.share.smb_line import ABSENT, ODD, SmbLine, SmbPeer, let_go
from beamkeeper.wire.share.smb_stream import Ahead, write_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEPTH_MAX: Final = 4
"""Folders below the one that is listed: a vault has one."""
STATUS_DISK_FULL: Final = 0xC000007F
_FULL: Final = {STATUS_DISK_FULL, NtStatus.STATUS_ACCESS_DENIED, 0xC00000A2}  # the last: write protected


class SmbDestination(SmbLine):
    """Keeps copies under one folder of a Windows share; connects when first asked.

    Parameters
    ----------
    peer
        The share.
    """

    versions = None

    def __init__(self, peer: SmbPeer) -> None:
        super().__init__(peer)
        self._folders: set[str] = set()

    def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
        """Keep the bytes of `source` as `name`; see `Destination.put`."""
        final, part = self._path(name), self._work_path(part_name(name, size_bytes))
        with self._translated():
            if self._exists(final):
                raise taken(name)
            self._make_folder(final)
            self._make_folder(part)
            with self._file(part, "ab"):
                pass  # made if it was not there, and not emptied if it was
            with self._file(part, "r+b") as file:
                at = _resume_at(file, source)
                file.truncate(at)
                source.seek(at)
                write_from(file, source, at)
                file.fd.flush()
            try:
                smbclient.rename(part, final, **self._session())
            except SMBOSError as error:
                if self._exists(final):
                    raise taken(name) from error
                raise

    def replace(self, name: str, data: bytes) -> None:
        """Swap the small object `name` for `data`, whole or not at all."""
        final, part = self._path(name), self._work_path(part_name(name, 0))
        with self._talking():
            self._make_folder(final)
            self._make_folder(part)
            with self._file(part, "wb") as file:
                write_from(file, io.BytesIO(data), 0)
                file.fd.flush()
            smbclient.replace(part, final, **self._session())

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every file under the folder `prefix`; links are not followed."""
        count = 0
        waiting = [(prefix.rstrip("/"), 0)]
        while waiting:
            folder, depth = waiting.pop()
            for entry in self._entries(folder):
                count += 1
                verify_count(count)
                name = f"{folder}/{entry.file_name}"
                if entry.file_attributes & FileAttributes.FILE_ATTRIBUTE_REPARSE_POINT:
                    continue
                if not entry.file_attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY:
                    stamp = f"{entry.last_write_time.timestamp()}.{entry.change_time.timestamp()}"
                    yield Listed(name=name, size_bytes=entry.end_of_file, stamp=stamp)
                elif depth < DEPTH_MAX:
                    waiting.append((name, depth + 1))

    def open(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None when the server answered that it has none."""
        path = self._path(name)
        with self._talking():
            try:
                raw = smbclient.open_file(path, "rb", buffering=0, **self._session())
            except SMBOSError as error:
                if error.errno not in ABSENT:
                    raise
                self._verify_base()
                return None
        return cast("BinaryIO", io.BufferedReader(_Reader(self, raw), BLOCK_BYTES))

    def remove(self, name: str) -> None:
        """Remove `name`; done already is fine."""
        path = self._path(name)
        with self._talking():
            try:
                smbclient.remove(path, **self._session())
            except SMBOSError as error:
                if error.errno not in ABSENT:
                    raise

    def facts(self) -> DestinationFacts:
        """Return the room on the share, and that what passes the wire is encrypted."""
        with self._talking():
            volume = smbclient.stat_volume(self._base, **self._session())
            return DestinationFacts(free_bytes=int(volume.caller_available_size), encrypted=True)

    @contextlib.contextmanager
    def _file(self, path: str, mode: Any) -> Iterator[Any]:
        file = smbclient.open_file(path, mode, buffering=0, **self._session())
        try:
            yield file
            file.close()
        finally:
            let_go(file)

    def _entries(self, folder: str) -> Sequence[Any]:
        found = []
        with self._talking():
            try:
                for entry in smbclient.scandir(self._join(folder), **self._session()):
                    found.append(entry.smb_info)
                    verify_count(len(found))
            except SMBOSError as error:
                if error.errno not in ABSENT:
                    raise
                self._verify_base()
        return found

    def _exists(self, path: str) -> bool:
        try:
            smbclient.lstat(path, **self._session())
        except SMBOSError as error:
            if error.errno in ABSENT:
                return False
            raise
        return True

    def _make_folder(self, path: str) -> None:
        folder = path.rpartition("\\")[0]
        if folder not in self._folders:
            self._verify_base()  # never make the folder that was to be there
            smbclient.makedirs(folder, exist_ok=True, **self._session())
            self._folders.add(folder)

    def _forget_connection(self) -> None:
        super()._forget_connection()
        self._folders.clear()

    def _ours(self, error: Exception) -> BeamkeeperError:
        if isinstance(error, SMBOSError) and (
            error.ntstatus in _FULL or error.errno in {errno.ENOSPC, errno.EACCES}
        ):
            return StorageFull(
                f"{self._base} has no room, or gives {self._peer.user} no right to write there.",
                do_next="Ask its administrator for room or for the right to write.",
            )
        return super()._ours(error)

    def _path(self, name: str) -> str:
        return "\\".join([self._base, *segments(name)])

    def _join(self, folder: str) -> str:
        return "\\".join([self._base, *folder.split("/")])

    def _work_path(self, part: str) -> str:
        return f"{self._base}\\{WORK}\\{part}"


class _Reader(io.RawIOBase):
    """A file of the share whose errors are ours."""

    def __init__(self, destination: SmbDestination, raw: Any) -> None:
        self._destination = destination
        self._raw = raw
        self._ahead = Ahead(raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with self._destination._talking():  # noqa: SLF001 - the other half of one adapter
            return self._ahead.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            with contextlib.suppress(*ODD), self._destination._in_time():  # noqa: SLF001 - as above
                self._ahead.leave()
                let_go(self._raw)


def _resume_at(file: Any, source: BinaryIO) -> int:
    """Return where the transfer goes on: after what is there, if `source` begins with it."""
    at = 0
    buffer = memoryview(bytearray(BLOCK_BYTES))
    while count := int(file.readinto(buffer)):
        if source.read(count) != buffer[:count]:
            return 0
        at += count
    return at
