"""Which bytes the vault already has: a sorted file of SHA-256 digests that every process maps, none copies.

Format, version 1: 8 bytes `BKKNOWN1`, 8 bytes big-endian count, 16 bytes zero, then `count` digests of 32
bytes in ascending order without repetition. A digest says nothing about a patient.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import tempfile
from bisect import bisect_left
from typing import TYPE_CHECKING

from beamkeeper.errors import IntegrityError, StorageFull

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

DIGEST_BYTES = 32
_MAGIC = b"BKKNOWN1"
_HEADER = struct.Struct(">8sQ16x")


def write_known(path: Path, digests: Iterable[bytes]) -> int:
    """Write the digests, sorted and each once, in place of `path`; return how many.

    The old file stays until the new one is whole on disk. Readers that have it open keep the old one.

    Raises
    ------
    StorageFull
        No room or no right to write; the old file is untouched.
    ValueError
        A digest is not 32 bytes (a mistake of ours).
    """
    ordered = sorted(set(digests))
    if any(len(digest) != DIGEST_BYTES for digest in ordered):
        raise ValueError(f"a SHA-256 digest is {DIGEST_BYTES} bytes")
    try:
        _replace(path, _HEADER.pack(_MAGIC, len(ordered)) + b"".join(ordered))
    except OSError as error:
        raise StorageFull(
            f"The list of known digests could not be written: {error.strerror}.",
            do_next="Make room on the disk that holds the spool.",
            errno=error.errno,
        ) from error
    return len(ordered)


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - both names as mkstemp gave them
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class KnownDigests:
    """The digests in a file written by `write_known`; `digest in known` takes microseconds.

    The file is mapped, so the pages are shared by all processes and cost none of them private memory.

    Raises
    ------
    IntegrityError
        The file is not whole or is of a format we do not know.
    FileNotFoundError
        There is no such file.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _HEADER.size:
                raise _broken(path, f"it has {size} bytes and its header alone has {_HEADER.size}")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, count = _HEADER.unpack_from(self._map)
        if magic != _MAGIC:
            self.close()
            raise _broken(path, "it does not start as version 1 of that format does")
        if size != _HEADER.size + count * DIGEST_BYTES:
            self.close()
            raise _broken(path, f"it announces {count} digests and has {size} bytes")
        self._indexes = range(count)

    def _at(self, index: int) -> bytes:
        start = _HEADER.size + index * DIGEST_BYTES
        return self._map[start : start + DIGEST_BYTES]

    def __contains__(self, digest: object) -> bool:
        if not isinstance(digest, bytes):
            return False
        index = bisect_left(self._indexes, digest, key=self._at)
        return index < len(self._indexes) and self._at(index) == digest

    def __len__(self) -> int:
        return len(self._indexes)

    def close(self) -> None:
        """Unmap the file."""
        self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _broken(path: Path, found: str) -> IntegrityError:
    return IntegrityError(
        f"The list of known digests {path.name} is damaged: {found}.",
        do_next="Delete it: it is rebuilt from the vault, and until then every object is kept again.",
    )
