"""What one step of a job leaves for the next: small typed JSON files, whole or absent.

They lie in the night's folder on the collector's own disk, carry patient data, and go when the night
is done; the vault and the ledger are what stays.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from beamkeeper.domain.codec import NotThisShapeError, from_json, to_json
from beamkeeper.errors import IntegrityError, StorageFull

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


def write_note(path: Path, value: object) -> None:
    """Keep a domain value at `path`: temporary name, fsync, rename, fsync of the folder."""
    write_whole(path, json.dumps(to_json(value), ensure_ascii=False).encode())


def read_note(path: Path, kind: type[T]) -> T | None:
    """Return the value kept at `path`; None when there is none.

    Raises
    ------
    IntegrityError
        The file is not what was written.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return from_json(kind, json.loads(raw))
    except (ValueError, NotThisShapeError, RecursionError) as error:
        raise IntegrityError(
            f"The working file {path.name} is damaged: {error}.",
            do_next="Delete the night's folder and run the night again; the vault is not touched.",
        ) from error


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` so that `path` is either the old file or the whole new one, even after a power cut.

    Two who write the same file at once do not meet: the last one's stays.

    Raises
    ------
    StorageFull
        No room, or no right to write.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(temporary, flags, 0o600), "wb") as file:  # noqa: PTH123 - the mode matters
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StorageFull(
            f"{path.name} cannot be written to {path.parent}: {error.strerror}.",
            do_next="Make room, or give the collector's user the right to write there; then run again.",
        ) from error
