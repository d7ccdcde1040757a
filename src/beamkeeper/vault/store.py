"""The port to any place that keeps sealed bytes, and what every adapter promises.

`tests/contract/` holds one suite that every adapter passes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME_LENGTH_MAX = 240
"""Longest object name, characters: fits every file system and share we write to."""

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Staged(Protocol):
    """Bytes on their way into a store: invisible until committed under a name."""

    def write(self, data: bytes) -> int:
        """Append `data`; return its length. Raises StorageFull, SourceUnavailable."""

    def flush(self) -> None:
        """Do nothing that a reader could see: sealed bytes are durable at `commit`, not before."""

    def commit(self, name: str) -> None:
        """Make the bytes durable under `name`, like `ParcelStore.put`."""

    def discard(self) -> None:
        """Forget the bytes; harmless after `commit`."""


class ParcelStore(Protocol):
    """Keeps sealed objects under names; adds, never overwrites.

    Names are ASCII segments joined by "/" (`verify_name`). "Absent" is an answer (None);
    no answer is SourceUnavailable: the two are never the same value.
    """

    def put(self, name: str, source: BinaryIO) -> None:
        """Keep the bytes of `source` durably as `name`; the same bytes again are welcome.

        Raises
        ------
        IntegrityError
            `name` is there with other bytes; they stay untouched.
        StorageFull, SourceUnavailable
            Nothing was stored.
        """

    def stage(self) -> Staged:
        """Return a sink for bytes whose name (their digest) is only known once they are written."""

    def replace(self, name: str, data: bytes) -> None:
        """Swap the small object `name` for `data`, whole or not at all: for the TUF timestamp only."""

    def get(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None only when the store answered that it has none."""

    def head(self, name: str) -> int | None:
        """Return the size of `name` in bytes; None only when the store answered that it has none."""

    def list(self, prefix: str) -> Iterator[str]:
        """Yield every name that begins with `prefix`, in order."""

    def delete(self, name: str) -> None:
        """Remove `name`; done already is fine. Only purge calls this."""


def is_name(text: str) -> bool:
    """Return whether `text` may name an object: plain ASCII segments, none of them hidden or ".."."""
    return len(text) <= NAME_LENGTH_MAX and all(_SEGMENT.fullmatch(part) for part in text.split("/"))


def verify_name(name: str) -> str:
    """Return `name`.

    Raises
    ------
    ValueError
        Not a name a store may be asked for: our own mistake, never data.
    """
    if not is_name(name):
        raise ValueError(f"{name!r} cannot name an object in a vault")
    return name
