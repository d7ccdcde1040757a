"""A vault in a directory, with the full discipline: a file is whole and durable, or absent."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import threading
from typing import TYPE_CHECKING, BinaryIO, Final

from beamkeeper.errors import BeamkeeperError, IntegrityError, SourceUnavailable, StorageFull
from beamkeeper.vault.store import verify_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_BYTES = 1 << 20
"""Bytes copied or compared at a time."""

STAGING: Final = ".staging"

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_RIGHT = {errno.EROFS, errno.EACCES, errno.EPERM}
_NO_LINKS = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class LocalStore:
    """Keeps objects as files under one directory: folders 0700, files 0600.

    Whoever owns the directory may lay links and pipes in it. Neither is opened, and nothing is written or
    deleted through a folder that leads somewhere else.

    Parameters
    ----------
    root
        The directory. A missing one is never made unless `create` is given: an unmounted share must
        not turn into a vault on the system disk.
    create
        Make `root` when it is not there.
    identity
        Device and inode the directory must have; None for those it has now.

    Raises
    ------
    SourceUnavailable
        `root` is not there or not a directory.
    """

    def __init__(self, root: Path, *, create: bool = False, identity: tuple[int, int] | None = None) -> None:
        self.root = root
        if create:
            with _writing(root):
                _make_folders(root)
        self.identity = identity or self._root_identity()
        self._swept = False
        self._lock = threading.Lock()

    def put(self, name: str, source: BinaryIO) -> None:
        """Keep the bytes of `source` durably as `name`; see `ParcelStore.put`."""
        staged = self.stage()
        try:
            while block := source.read(BLOCK_BYTES):
                staged.write(block)
            staged.commit(name)
        finally:
            staged.discard()

    def stage(self) -> LocalStaged:
        """Return a sink on the same file system as the vault."""
        with self._lock:
            if not self._swept:
                self._sweep()
                self._swept = True
        self._verify_root()
        return LocalStaged(self.root)

    def replace(self, name: str, data: bytes) -> None:
        """Swap the small object `name` for `data`, whole or not at all."""
        path = self._path(name)
        staged = self.stage()
        try:
            staged.write(data)
            staged.rename_to(path)
        finally:
            staged.discard()

    def get(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None when the directory answered that it has none."""
        with _reading(self.root):
            try:
                # Not to wait at a pipe, and not to go where a link leads.
                handle = os.open(self._path(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                self._verify_root()
                return None
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise _strange(name) from error
                raise
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise _strange(name)
        return os.fdopen(handle, "rb")

    def head(self, name: str) -> int | None:
        """Return the size of `name` in bytes; None when the directory answered that it has none."""
        with _reading(self.root):
            try:
                return self._path(name).lstat().st_size
            except FileNotFoundError:
                self._verify_root()
                return None

    def list(self, prefix: str) -> Iterator[str]:
        """Yield every name that begins with `prefix`, in order."""
        self._verify_root()
        with _reading(self.root):
            folder = self.root.joinpath(*prefix.split("/")[:-1])  # what begins with it lies in there
            _verify_inside(self.root, folder)
            names = sorted(
                path.relative_to(self.root).as_posix()
                for path in folder.rglob("*")
                if path.is_file() and not path.relative_to(self.root).parts[0].startswith(".")
            )
        yield from (name for name in names if name.startswith(prefix))

    def delete(self, name: str) -> None:
        """Remove `name`, and a folder that it leaves empty, and make that durable; done already is fine."""
        path = self._path(name)
        with _writing(self.root):
            _verify_inside(self.root, path.parent)
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                _fsync_folder(path.parent)
            with contextlib.suppress(OSError):  # other files lie there, or nothing does any more
                path.parent.rmdir()
                _fsync_folder(path.parent.parent)

    def _path(self, name: str) -> Path:
        return self.root.joinpath(*verify_name(name).split("/"))

    def _root_identity(self) -> tuple[int, int]:
        try:
            status = self.root.stat()
        except OSError as error:
            raise SourceUnavailable(
                f"The vault directory {self.root} does not answer ({error.strerror}).",
                do_next="Check that the share is mounted and the path in the site file is right.",
                path=str(self.root),
            ) from error
        if not self.root.is_dir():
            raise SourceUnavailable(
                f"{self.root} is a file; a vault is a directory.",
                do_next="Give the vault's directory.",
                path=str(self.root),
            )
        return status.st_dev, status.st_ino

    def _verify_root(self) -> None:
        """Tell "the directory has no such file" from "this is no longer that directory"."""
        if self._root_identity() != self.identity:
            raise SourceUnavailable(
                f"{self.root} is not the directory it was a moment ago: the share was unmounted or replaced.",
                do_next="Mount the share again and repeat.",
                path=str(self.root),
            )

    def _sweep(self) -> None:
        """Remove what crashed writers left behind; live writers hold a lock on theirs."""
        for leftover in sorted((self.root / STAGING).glob("*")):
            with contextlib.suppress(OSError), leftover.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()


class LocalStaged:
    """A temporary file beside the vault's objects, locked while its writer lives."""

    def __init__(self, root: Path) -> None:
        self._root = root
        with _writing(root):
            _make_folders(root / STAGING)
            while True:  # ends: a sweep is made once by each process that writes
                self._path = root / STAGING / secrets.token_hex(16)
                self._file = os.fdopen(
                    os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b", 0
                )
                fcntl.flock(self._file, fcntl.LOCK_EX)
                if os.fstat(self._file.fileno()).st_nlink:
                    break
                self._file.close()  # swept by another process before it was locked

    def write(self, data: bytes) -> int:
        """Append all of `data`; return its length."""
        view = memoryview(data)
        with _writing(self._root):
            while view:
                view = view[self._file.write(view) :]
        return len(data)

    def flush(self) -> None:
        """Do nothing: the bytes become durable at `commit`."""

    def commit(self, name: str) -> None:
        """Make the bytes durable under `name`; never over other bytes."""
        final = self._root.joinpath(*verify_name(name).split("/"))
        with _writing(self._root):
            _make_folders(final.parent)
            _verify_inside(self._root, final.parent)
            os.fsync(self._file.fileno())
            try:
                os.link(self._path, final)
            except FileExistsError:
                self._verify_same(final, name)
            _fsync_folder(final.parent)
        self.discard()

    def rename_to(self, final: Path) -> None:
        """Make the bytes durable as `final`, in place of what was there."""
        with _writing(self._root):
            _make_folders(final.parent)
            _verify_inside(self._root, final.parent)
            os.fsync(self._file.fileno())
            os.rename(self._path, final)  # noqa: PTH104 - as `os.link` above: one system call, seen as such
            _fsync_folder(final.parent)
        self.discard()

    def discard(self) -> None:
        """Forget the bytes; harmless after `commit`."""
        if not self._file.closed:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            self._file.close()

    def _verify_same(self, final: Path, name: str) -> None:
        self._file.seek(0)
        with final.open("rb") as there:
            while True:
                ours, theirs = self._file.read(BLOCK_BYTES) or b"", there.read(BLOCK_BYTES)
                if ours != theirs:
                    raise IntegrityError(
                        f"The vault already holds {name} with other bytes; they were left as they are.",
                        do_next="Run `beamkeeper vault verify`: one of the two copies is not genuine.",
                        name=name,
                    )
                if not ours:
                    return


def _verify_inside(root: Path, folder: Path) -> None:
    """Refuse a folder of the vault that leads somewhere else: into a mirror, say, where we may delete."""
    if folder.resolve() != root.resolve() / folder.relative_to(root):
        raise _strange(folder.relative_to(root).as_posix())


def _strange(name: str) -> IntegrityError:
    return IntegrityError(
        f"In the vault, {name} is a link, a pipe or a folder where a plain file or folder was expected.",
        do_next="Somebody put it there: keep it as evidence, take it away, and look who may write there.",
        name=name,
    )


def _make_folders(folder: Path) -> None:
    """Make `folder` and its parents, each durable in the one above it."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        _fsync_folder(path.parent)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _writing(root: Path) -> Iterator[None]:
    """Translate what goes wrong while writing into our tree."""
    try:
        yield
    except OSError as error:
        raise _write_error(error, root) from error


def _write_error(error: OSError, root: Path) -> BeamkeeperError:
    if error.errno in _NO_ROOM:
        return StorageFull(
            f"There is no room left in the vault directory {root} ({error.strerror}).",
            do_next="Make room or enlarge the share, then run the night again: what is stored stays.",
            path=str(root),
        )
    if error.errno in _NO_RIGHT:
        return StorageFull(
            f"The vault directory {root} cannot be written ({error.strerror}).",
            do_next="Mount it for writing, give this user the right to write, then run the night again.",
            path=str(root),
        )
    if error.errno in _NO_LINKS:
        return StorageFull(
            f"Under {root} there are no hard links, so a file cannot appear whole ({error.strerror}).",
            do_next="Use a local file system (ext4, XFS) or NFS for the vault directory.",
            path=str(root),
        )
    return SourceUnavailable(
        f"The vault directory {root} does not answer ({error.strerror}).",
        do_next="Check the disk or the mount, then run the night again.",
        path=str(root),
    )


@contextlib.contextmanager
def _reading(root: Path) -> Iterator[None]:
    """Translate what goes wrong while opening for reading into our tree."""
    try:
        yield
    except OSError as error:
        raise SourceUnavailable(
            f"The vault directory {root} cannot be read ({error.strerror}).",
            do_next="Check the mount and this user's right to read there.",
            path=str(root),
        ) from error
