"""A directory as a destination: a second disk, a USB stick, a share that the system has mounted."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import TYPE_CHECKING, BinaryIO

from beamkeeper.errors import BeamkeeperError, IntegrityError, SourceUnavailable, StorageFull
from beamkeeper.wire.destination import (
    BLOCK_BYTES,
    WORK,
    DestinationFacts,
    Listed,
    segments,
    taken,
    verify_count,
)
from beamkeeper.wire.share.resuming import part_name, same_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class DirectoryDestination:
    """Keeps copies as files under one directory.

    Parameters
    ----------
    root
        The directory; a missing one is never made: an unmounted disk must not turn into a folder of the
        system disk.
    other_disk_than
        A folder that must lie on another disk; None to allow the same one.

    Raises
    ------
    SourceUnavailable
        `root` is not there, or lies on the same disk.
    """

    versions = None

    def __init__(self, root: Path, *, other_disk_than: Path | None = None) -> None:
        self._root = root
        self._identity = self._look()
        if other_disk_than is not None and self._identity[0] == _disk_of(other_disk_than):
            raise SourceUnavailable(
                f"{root} lies on the same disk as the vault: the disk it should be on is not mounted.",
                do_next="Mount it; or, if one disk is all there is, say unsafe_same_disk = true.",
            )

    def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
        """Keep the bytes of `source` durably as `name`; see `Destination.put`."""
        final = self._path(name)
        with self._talking():
            if os.path.lexists(final):
                raise taken(name)
            final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._part(part_name(name, size_bytes))
            self._fill(part, source)
            try:
                _appear(part, final)
            except FileExistsError as error:
                raise taken(name) from error
            _fsync_folder(final.parent)

    def _fill(self, part: Path, source: BinaryIO) -> None:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b") as file:
            if not same_bytes(file, source):
                source.seek(0)
                file.seek(0)
            file.truncate()
            while block := source.read(BLOCK_BYTES):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    def replace(self, name: str, data: bytes) -> None:
        """Swap the small object `name` for `data`, whole or not at all."""
        final = self._path(name)
        with self._talking():
            final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._part(part_name(name, len(data)))
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(final)
            _fsync_folder(final.parent)

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every file under the folder `prefix`; links are not followed."""
        self._verify_root()
        folder = self._root.joinpath(*segments(prefix.rstrip("/")))
        count = 0
        with self._talking():
            for where, _, names in os.walk(folder, onerror=_unless_absent):
                for file_name in names:
                    count += 1
                    verify_count(count)
                    path = os.path.join(where, file_name)  # noqa: PTH118 - as `os.walk` hands them out
                    status = os.lstat(path)
                    name = os.path.relpath(path, self._root)
                    yield Listed(name=name, size_bytes=status.st_size, stamp=_stamp(status))

    def open(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None when the directory answered that it has none."""
        with self._talking():
            try:
                # Not blocking: what lies there may be a pipe that nobody writes to.
                handle = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                self._verify_root()
                return None
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                raise IntegrityError(f"{name} is no file: somebody put something else in its place.")
            return os.fdopen(handle, "rb")

    def remove(self, name: str) -> None:
        """Remove `name` and make that durable; done already is fine."""
        path = self._path(name)
        with self._talking():
            self._verify_root()
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _fsync_folder(path.parent)

    def facts(self) -> DestinationFacts:
        """Return the room on that disk."""
        self._verify_root()
        with self._talking():
            return DestinationFacts(free_bytes=shutil.disk_usage(self._root).free, lock="")

    def cut(self) -> None:
        """Do nothing: a disk that hangs cannot be cut off, and its worker is left behind."""

    def close(self) -> None:
        """Do nothing: no file is held open."""

    def _part(self, part: str) -> Path:
        """Return where a transfer under way lies; its folder is made."""
        path = self._inside(self._root / WORK / part)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return path

    def _path(self, name: str) -> Path:
        return self._inside(self._root.joinpath(*segments(name)))

    def _inside(self, path: Path) -> Path:
        if not path.parent.resolve().is_relative_to(self._root.resolve()):
            raise IntegrityError(
                f"A folder of {self._root} is a link that leads out of it: somebody laid it there.",
                do_next="Look who writes to that disk, and remove the link.",
            )
        return path

    def _look(self) -> tuple[int, int]:
        try:
            status = self._root.stat()
            if not self._root.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "it is no directory")
        except OSError as error:
            raise SourceUnavailable(
                f"The directory {self._root} does not answer ({error.strerror}).",
                do_next="Plug the disk in or mount the share; Beamkeeper does not make the directory itself.",
            ) from error
        return status.st_dev, status.st_ino

    def _verify_root(self) -> None:
        if self._look() != self._identity:
            raise SourceUnavailable(
                f"{self._root} is not the directory it was a moment ago: it was unmounted or replaced.",
                do_next="Mount it again and repeat.",
            )

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        """Translate what goes wrong into our tree; errors of ours pass."""
        try:
            yield
        except OSError as error:
            raise self._ours(error) from error

    def _ours(self, error: OSError) -> BeamkeeperError:
        if error.errno in _NO_ROOM:
            return StorageFull(
                f"Nothing can be written to {self._root} ({error.strerror}).",
                do_next="Make room there, or give this user the right to write.",
            )
        return SourceUnavailable(
            f"The directory {self._root} does not answer ({error.strerror}).",
            do_next="Check the disk or the mount.",
        )


def _disk_of(folder: Path) -> int | None:
    """Return the disk a folder lies on; None when it is not there, as a vault that was lost."""
    try:
        return folder.stat().st_dev
    except OSError:
        return None


def _appear(part: Path, final: Path) -> None:
    """Let a file appear under its name, never in place of another."""
    try:
        os.link(part, final)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # FAT and exFAT have no links. Only this collector writes here, and it looked a moment ago.
        if os.path.lexists(final):
            raise FileExistsError(errno.EEXIST, "it is there already") from error
        part.rename(final)
    else:
        part.unlink()


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns}.{status.st_ctime_ns}"


def _unless_absent(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
