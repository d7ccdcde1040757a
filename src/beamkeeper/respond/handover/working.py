"""Folders in which a patient lies in clear while a bundle is packed or opened: gone afterwards in any case.

A killed process cannot take its folder away, so the next one does. A lock inside tells whether one is in use.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import StorageFull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK: Final = "lock"
ASIDE: Final = ".aside-"
"""Begins the name of what was laid aside."""
_WORK: Final = "work"
_ATTEMPTS: Final = 10


@contextmanager
def working(where: Path, prefix: str) -> Iterator[Path]:
    """Lend an empty folder for work, and take away what killed processes left beside it.

    Parameters
    ----------
    prefix
        Of its hidden name, ".packing-": only folders of this prefix are taken away.

    Raises
    ------
    StorageFull
        It cannot be made.
    """
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(where, f"{prefix}*")
        root, handle = _made(where, prefix)
    except OSError as error:
        raise no_room(where, error) from error
    try:
        yield root / _WORK
    finally:
        shutil.rmtree(root, ignore_errors=True)
        os.close(handle)


def sweep(where: Path, pattern: str) -> None:
    """Take away the work folders of this pattern that no living process holds."""
    for left in where.glob(pattern):
        with suppress(OSError):  # somebody else's, or a medium that cannot be written: it stays, as before
            handle = _locked(left)
            if handle is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(handle)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Let nobody else work on a folder meanwhile; its lock goes with the process.

    Raises
    ------
    StorageFull
        The folder cannot be written.
    """
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise no_room(folder, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def set_aside(path: Path) -> None:
    """Give what nobody knows of a hidden name beside it: it is kept, and in nobody's way.

    Raises
    ------
    StorageFull
        It cannot be renamed.
    """
    try:
        path.rename(path.with_name(f"{ASIDE}{path.name}-{secrets.token_hex(4)}"))
    except OSError as error:
        raise no_room(path.parent, error) from error


def no_room(folder: Path, error: OSError) -> StorageFull:
    """Return what to say when a folder of a desk cannot be written."""
    return StorageFull(
        f"The folder {folder} cannot be written: {error.strerror}.",
        do_next="Make room, or take a folder you may write to.",
    )


def _made(where: Path, prefix: str) -> tuple[Path, int]:
    """Return a new folder whose lock is held; one that a sweeper was quicker to take away is made anew."""
    for _ in range(_ATTEMPTS):
        root = where / f"{prefix}{secrets.token_hex(4)}"
        root.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            handle = _locked(root)
            if handle is not None and (root / LOCK).exists():
                (root / _WORK).mkdir(mode=0o700)
                return root, handle
            if handle is not None:
                os.close(handle)
    raise OSError(0, "another process takes it away again and again")


def _locked(root: Path) -> int | None:
    """Return the handle of a folder's lock, None while another process holds it."""
    handle = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
