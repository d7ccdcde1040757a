"""A folder as a share with documents: a share that the system has mounted, or a folder of exports.

Every name on the way is opened by itself, below the folder opened before it, and never through a link: what
somebody moves or links while we read cannot lead out of the root.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from beamkeeper.errors import BeamkeeperError, SourceUnavailable
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
    from pathlib import Path

    from typing_extensions import Buffer

_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_NOT_OURS = {errno.EACCES, errno.EPERM}
_HELD = {errno.EBUSY, errno.ETXTBSY, errno.EAGAIN, errno.EDEADLK}
_ODD_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}


class FolderFiles:
    """Reads files below one folder.

    Parameters
    ----------
    root
        The folder. An empty one gives no answer: where a share is not mounted, there is an empty folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen_filled = False

    def look(self, place: Segments) -> FileFacts | None:
        """Return what the folder says of a file; see `SharedFiles.look`."""
        with self._talking():
            handle = self._opened(place)
            if handle is None:
                return None
            try:
                status = os.fstat(handle)
            finally:
                os.close(handle)
        return FileFacts(size_bytes=status.st_size, stamp=f"{status.st_size}.{status.st_mtime_ns}")

    def open(self, place: Segments) -> BinaryIO | None:
        """Return a reader of a file; see `SharedFiles.open`."""
        with self._talking():
            handle = self._opened(place)
            return None if handle is None else io.BufferedReader(_Reader(self, io.FileIO(handle)))

    def names(self, folder: Segments) -> Iterator[Named]:
        """Yield what a folder holds; see `SharedFiles.names`."""
        found: list[Named] = []
        with self._talking():
            handle = self._folder(folder)
            if handle is None:
                return
            try:
                with os.scandir(handle) as entries:
                    for entry in entries:
                        if len(found) >= NAMES_IN_FOLDER_MAX:
                            raise too_many_names()
                        is_folder = entry.is_dir(follow_symlinks=False)
                        if is_folder or entry.is_file(follow_symlinks=False):
                            found.append(Named(name=entry.name, is_folder=is_folder))
            finally:
                os.close(handle)
        yield from sorted(found, key=lambda one: one.name)

    def close(self) -> None:
        """Do nothing: no file is held open."""

    def _opened(self, place: Segments) -> int | None:
        folder = self._folder(place[:-1])
        if folder is None:
            return None
        try:
            # Not blocking: what lies there may be a pipe that nobody writes to.
            handle = _step(folder, place[-1], os.O_NONBLOCK)
        finally:
            os.close(folder)
        if handle is not None and not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise FileRefused("What lies there is no file.")
        return handle

    def _folder(self, place: Segments) -> int | None:
        """Return a handle of a folder, reached name by name; None when there is none."""
        handle: int | None = self._open_root()
        for name in place:
            assert handle is not None  # noqa: S101 - the loop ends with the first name that is not there
            above = handle
            try:
                handle = _step(above, name, os.O_DIRECTORY)
            finally:
                os.close(above)
            if handle is None:
                return None
        return handle

    def _open_root(self) -> int:
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        if not self._seen_filled:
            with os.scandir(handle) as entries:
                self._seen_filled = next(iter(entries), None) is not None
            if not self._seen_filled:
                os.close(handle)
                raise SourceUnavailable(
                    f"The folder {self._root} is empty, as where a share is not mounted.",
                    do_next="Mount the share, and see that the mount comes back after a restart.",
                )
        return handle

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Translate what goes wrong into our tree; errors of ours pass."""
        try:
            yield
        except BeamkeeperError:
            raise
        except OSError as error:
            raise self._ours(error) from error

    def _ours(self, error: OSError) -> BeamkeeperError:
        if error.errno in _NOT_OURS and error.filename != str(self._root):
            return FileRefused("This user has no right to read it.")
        if error.errno in _HELD:
            return FileRefused("Another program holds it.")
        if error.errno == errno.ELOOP:
            return FileRefused("What lies there is a link, which is not followed.")
        if error.errno in _ODD_NAME:
            return FileRefused("The share cannot have a file of that name.")
        return SourceUnavailable(
            f"The folder {self._root} gives no answer ({error.strerror}).",
            do_next="Check the disk or the mount.",
        )


class _Reader(io.RawIOBase):
    """A file of the folder whose errors are ours."""

    def __init__(self, files: FolderFiles, raw: io.FileIO) -> None:
        self._files = files
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        with self._files._talking():  # noqa: SLF001 - the other half of one adapter
            return self._raw.readinto(buffer) or 0

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._raw.close()


def _step(folder: int, name: str, flags: int) -> int | None:
    """Open a name below an open folder, never through a link; None when there is none."""
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENOTDIR and _is_link(folder, name):
            raise FileRefused("A folder on the way is a link, which is not followed.") from error
        if error.errno in _ABSENT:
            return None
        raise


def _is_link(folder: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False
