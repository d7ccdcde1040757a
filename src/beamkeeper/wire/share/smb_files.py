"""A Windows share with documents, over smbprotocol: looked at and read, and nobody is kept from writing.

Every folder on the way is looked at as what it is: a link, a junction or any other reparse point is refused,
and so is what the server stops at. Files are opened with all sharing: the clinic never meets a lock of ours.

References
----------
MS-SMB2 2.2.13 (ShareAccess, FILE_OPEN_REPARSE_POINT), MS-FSCC 2.6 (FILE_ATTRIBUTE_REPARSE_POINT)
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
from smbprotocol.open import CreateOptions

from beamkeeper.wire.share.smb_line import ABSENT, ODD, SmbLine, let_go
from beamkeeper.wire.share.smb_stream import Ahead
from beamkeeper.wire.shared_files import (
    NAMES_IN_FOLDER_MAX,
    FileFacts,
    FileRefused,
    Named,
    Segments,
    too_many_names,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.errors import BeamkeeperError

LINK: Final = "What lies there, or a folder on the way, is a link, which is not followed."
BLOCK_BYTES: Final = 1 << 20
NO_FOLLOWING: Final = CreateOptions.FILE_OPEN_REPARSE_POINT
EVERYBODY_ELSE_MAY: Final = "rwd"
_HELD: Final = {0xC0000043, 0xC0000054, 0xC0000055}
"""STATUS_SHARING_VIOLATION, STATUS_FILE_LOCK_CONFLICT, STATUS_LOCK_NOT_GRANTED."""
_GOING: Final = 0xC0000056
"""STATUS_DELETE_PENDING: it is removed as soon as whoever holds it lets go."""
_LINK: Final = {NtStatus.STATUS_STOPPED_ON_SYMLINK, 0xC0000279}
"""Also STATUS_IO_REPARSE_TAG_NOT_HANDLED."""
_ODD_NAME: Final = {0xC0000033, 0xC0000106}
"""STATUS_OBJECT_NAME_INVALID, STATUS_NAME_TOO_LONG."""


class SmbFiles(SmbLine):
    """Reads files below one folder of a Windows share; connects when first asked."""

    def look(self, place: Segments) -> FileFacts | None:
        """Return what the share says of a file; see `SharedFiles.look`."""
        with self._talking():
            found = self._found(place)
        return None if found is None else _facts(found)

    def open(self, place: Segments) -> BinaryIO | None:
        """Return a reader of a file; see `SharedFiles.open`."""
        with self._talking():
            if self._found(place) is None:
                return None
            try:
                raw = smbclient.open_file(
                    self._path(place),
                    "rb",
                    buffering=0,
                    share_access=EVERYBODY_ELSE_MAY,
                    create_options=NO_FOLLOWING,
                    **self._session(),
                )
            except SMBOSError as error:
                if not _is_absent(error):
                    raise
                return None
        return cast("BinaryIO", io.BufferedReader(_Reader(self, raw), BLOCK_BYTES))

    def names(self, folder: Segments) -> Iterator[Named]:
        """Yield what a folder holds; see `SharedFiles.names`."""
        found: list[Named] = []
        with self._talking():
            if folder and (self._walked(folder) is None):
                return
            for entry in smbclient.scandir(self._path(folder), **self._session()):
                attributes = entry.smb_info.file_attributes
                if attributes & FileAttributes.FILE_ATTRIBUTE_REPARSE_POINT:
                    continue
                if len(found) >= NAMES_IN_FOLDER_MAX:
                    raise too_many_names()
                is_folder = bool(attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY)
                found.append(Named(name=entry.name, is_folder=is_folder))
        yield from sorted(found, key=lambda one: one.name)

    def _found(self, place: Segments) -> Any | None:
        """Return what the server says of a file; None when it has none there."""
        found = self._walked(place)
        if found is not None and found.st_file_attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY:
            raise FileRefused("What lies there is no file.")
        return found

    def _walked(self, place: Segments) -> Any | None:
        """Return what the server says of the last name, after every folder on the way was no link."""
        found = None
        for depth in range(1, len(place) + 1):
            try:
                found = smbclient.lstat(self._path(place[:depth]), **self._session())
            except SMBOSError as error:
                if not _is_absent(error):
                    raise
                self._verify_base()
                return None
            if found.st_file_attributes & FileAttributes.FILE_ATTRIBUTE_REPARSE_POINT:
                raise FileRefused(LINK)
            if depth < len(place) and not found.st_file_attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY:
                return None
        return found

    def _path(self, place: Segments) -> str:
        return "\\".join([self._base, *place])

    def _ours(self, error: Exception) -> BeamkeeperError:
        if isinstance(error, SMBOSError):
            if error.ntstatus in _HELD:
                return FileRefused("Another program holds it.")
            if error.ntstatus in _LINK:
                return FileRefused(LINK)
            if error.ntstatus in _ODD_NAME:
                return FileRefused("The share cannot have a file of that name.")
            if error.errno == errno.EACCES and self._there:
                return FileRefused(f"The share gives {self._peer.user} no right to read it.")
        return super()._ours(error)


class _Reader(io.RawIOBase):
    """A file of the share whose errors are ours."""

    def __init__(self, files: SmbFiles, raw: Any) -> None:
        self._files = files
        self._raw = raw
        self._ahead = Ahead(raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with self._files._talking():  # noqa: SLF001 - the other half of one adapter
            return self._ahead.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            with contextlib.suppress(*ODD), self._files._in_time():  # noqa: SLF001 - as above
                self._ahead.leave()
                let_go(self._raw)


def _facts(found: Any) -> FileFacts:
    return FileFacts(size_bytes=found.st_size, stamp=f"{found.st_size}.{found.st_mtime_ns}")


def _is_absent(error: SMBOSError) -> bool:
    return error.errno in ABSENT or error.ntstatus == _GOING
