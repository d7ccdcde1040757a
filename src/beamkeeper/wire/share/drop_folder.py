"""A folder that a machine reads and writes, mounted here: looked through, written to, cleared of ours.

Whoever else reaches the share may lay anything there: links, pipes, other files of our names. Every name is
opened by itself below the folder opened before it, never through a link. Nothing is overwritten, and nothing
is removed that is not, byte for byte, what the caller says it is.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import BeamkeeperError, IntegrityError, SourceUnavailable, StorageFull
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.wire.shared_files import Segments

NAMES_MAX: Final = 20_000
"""Names looked at on one share: a session leaves hundreds, a scan a thousand."""
DEPTH_MAX: Final = 8
FILE_BYTES_MAX: Final = 2 << 30
_BLOCK: Final = 1 << 20
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})
_ODD: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file of the share."""

    place: Segments
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """Something that is not read and not removed, and why."""

    place: Segments
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """Everything below a folder; both in the order of their places."""

    files: tuple[Found, ...] = ()
    odd: tuple[Odd, ...] = ()


class DropFolder:
    """One folder of a share.

    Parameters
    ----------
    root
        It must be there: a share that is not mounted is never made on the computer's own disk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def walk(self, folder: Segments = ()) -> Walked:
        """Return what lies below a folder; nothing where there is none.

        Raises
        ------
        SourceUnavailable
            No answer.
        FileRefused
            More names than anybody would look through, or a folder on the way is a link.
        """
        files: list[Found] = []
        odd: list[Odd] = []
        with self._talking(), self._folder(folder) as handle:
            if handle is not None:
                self._into(handle, folder, files, odd)
        return Walked(
            files=tuple(sorted(files, key=lambda one: one.place)),
            odd=tuple(sorted(odd, key=lambda one: one.place)),
        )

    def is_there(self, place: Segments) -> bool:
        """Return whether anything bears that name."""
        with self._talking(), self._folder(place[:-1]) as handle:
            return handle is not None and _exists(handle, place[-1])

    def read(self, place: Segments) -> bytes | None:
        """Return what a file holds; None when there is none.

        Raises
        ------
        FileRefused
            It is a link or no file, too large, or it changed while it was read.
        SourceUnavailable
            No answer.
        """
        with self._talking(), self._folder(place[:-1]) as handle:
            return None if handle is None else _read(handle, place[-1])

    def put(self, place: Segments, data: bytes) -> None:
        """Write a file, whole or not at all, and read it back; the same bytes again are welcome.

        Raises
        ------
        IntegrityError
            Another file is there, or it does not read back as it was written.
        StorageFull
            No room, or no right to write.
        """
        with self._talking():
            self._make(place[:-1])
            with self._folder(place[:-1]) as handle:
                assert handle is not None, "it was made"  # noqa: S101
                if not _exists(handle, place[-1]):
                    _write(handle, place[-1], data)
                if _read(handle, place[-1]) != data:
                    raise IntegrityError(
                        "A file on the share is not what was written there.",
                        do_next="Somebody else writes to it, or the share is broken: look before you go on.",
                    )

    def rename(self, old: str, new: str) -> None:
        """Give a folder of the share its name, which nobody may bear yet."""
        with self._talking(), self._folder(()) as handle:
            assert handle is not None, "the root is there"  # noqa: S101
            if _exists(handle, new):
                raise IntegrityError(
                    "The share has something of the folder's name already.",
                    do_next="Look what it is; one plan at a time.",
                )
            os.rename(old, new, src_dir_fd=handle, dst_dir_fd=handle)
            with suppress(OSError):  # not every share can
                os.fsync(handle)

    def remove(self, place: Segments, sha256: str) -> str:
        """Remove a file that is what its digest says; return why it was left, "" when it is gone."""
        with self._talking(), self._folder(place[:-1]) as handle:
            if handle is None:
                return ""
            try:
                data = _read(handle, place[-1])
            except FileRefused as error:
                return error.message
            if data is None:
                return ""
            if hashlib.sha256(data).hexdigest() != sha256:
                return "It was changed since it was written or read."
            os.unlink(place[-1], dir_fd=handle)
        return ""

    def remove_empty(self, folder: Segments) -> bool:
        """Remove a folder in which nothing is left; return whether it is gone."""
        with self._talking(), self._folder(folder[:-1]) as handle:
            if handle is None:
                return True
            try:
                os.rmdir(folder[-1], dir_fd=handle)
            except FileNotFoundError:
                return True
            except OSError as error:
                if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                    return False
                raise
        return True

    def _into(self, handle: int, place: Segments, files: list[Found], odd: list[Odd]) -> None:
        with os.scandir(handle) as entries:
            for entry in entries:
                if len(files) + len(odd) >= NAMES_MAX:
                    raise FileRefused(
                        f"The share holds more than {NAMES_MAX} files.",
                        do_next="Name the folder of one machine, and clear what is not of today.",
                    )
                here = (*place, entry.name)
                if not _is_text(entry.name):
                    odd.append(Odd(place=(*place, ascii(entry.name)), why="Its name is no text."))
                elif entry.is_symlink():
                    odd.append(Odd(place=here, why="It is a link, which is not followed."))
                elif entry.is_dir(follow_symlinks=False):
                    self._below(handle, here, files, odd)
                elif entry.is_file(follow_symlinks=False):
                    size = entry.stat(follow_symlinks=False).st_size
                    files.append(Found(place=here, size_bytes=size))
                else:
                    odd.append(Odd(place=here, why="It is neither a file nor a folder."))

    def _below(self, handle: int, place: Segments, files: list[Found], odd: list[Odd]) -> None:
        if len(place) > DEPTH_MAX:
            odd.append(Odd(place=place, why=f"It lies deeper than {DEPTH_MAX} folders."))
            return
        inner = _step(handle, place[-1])
        if inner is None:
            return
        try:
            self._into(inner, place, files, odd)
        finally:
            os.close(inner)

    def _make(self, folder: Segments) -> None:
        for depth in range(len(folder)):
            with self._folder(folder[:depth]) as handle:
                assert handle is not None, "it was made just before"  # noqa: S101
                with suppress(FileExistsError):
                    os.mkdir(folder[depth], 0o750, dir_fd=handle)

    @contextmanager
    def _folder(self, place: Segments) -> Iterator[int | None]:
        """Give a handle of a folder, reached name by name; None when there is none."""
        handle: int | None = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in place:
                assert handle is not None, "the loop ends with the first that is not there"  # noqa: S101
                above, handle = handle, None
                try:
                    handle = _step(above, name)
                finally:
                    os.close(above)
                if handle is None:
                    break
            yield handle
        finally:
            if handle is not None:
                os.close(handle)

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """Translate what goes wrong into our tree; errors of ours pass."""
        try:
            yield
        except BeamkeeperError:
            raise
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StorageFull(
                    f"The share {self.root} cannot be written: {error.strerror}.",
                    do_next="Make room or get the right to write; then the same command goes on.",
                ) from error
            raise SourceUnavailable(
                f"The share {self.root} gives no answer ({error.strerror}).", do_next="Check the mount."
            ) from error


def _step(folder: int, name: str) -> int | None:
    """Open a folder below an open folder, never through a link; None when there is none."""
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _ODD:
            raise FileRefused("What should be a folder on the share is a link or no folder.") from error
        raise


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _read(folder: int, name: str) -> bytes | None:
    try:
        # Not blocking: what lies there may be a pipe that nobody writes to.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _ODD:
            raise FileRefused("It is a link or no file, and is not read.") from error
        raise
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise FileRefused("It is no file, and is not read.")
        if before.st_size > FILE_BYTES_MAX:
            raise FileRefused(f"It has {before.st_size} bytes; {FILE_BYTES_MAX} are read at most.")
        data = file.read(before.st_size + 1)
        after = os.fstat(handle)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        data
    ) != before.st_size:
        raise FileRefused("It was being written while it was read: collect again.")
    return data


def _write(folder: int, name: str, data: bytes) -> None:
    temporary = f".{name}.part"
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o640, dir_fd=folder), "wb") as file:
            for start in range(0, len(data), _BLOCK):
                file.write(data[start : start + _BLOCK])
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _is_text(name: str) -> bool:
    return name.isprintable() and not any("\ud800" <= sign <= "\udfff" for sign in name)
