"""The port to a place that keeps copies, and what every adapter promises.

`wire.share` (directory, SFTP, SMB) and `wire.objectstore` (S3, Azure, GCS) hold the adapters;
`tests/contract/` holds one suite that every one of them passes. A destination is never trusted: what
it lists, and that it says "stored", counts for nothing until the bytes were read back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from beamkeeper.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

BLOCK_BYTES: Final = 4 << 20
"""Bytes handed over at a time; large, because a network answers each block once."""
NAME_CHARACTERS_MAX: Final = 240
WORK: Final = ".beamkeeper"
"""Folder of what is on its way; names beginning with "." mean nothing in a vault."""
LISTED_MAX: Final = 2_000_000
"""Names a destination may list: a vault of 200 patients and ten years of nights has 730,000."""

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class NameTaken(IntegrityError):
    """The destination already has an object of that name; it was left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One object as the destination lists it.

    Attributes
    ----------
    stamp
        Whatever changes when the object does (time of change, entity tag); "" when nothing is told.
    """

    name: str
    size_bytes: int
    stamp: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationFacts:
    """What a destination says about itself.

    Attributes
    ----------
    free_bytes
        Room left; None when it does not say.
    lock
        Its write-once protection in words ("Object Lock COMPLIANCE, 35 days"); "" when it has none,
        None when it does not say.
    encrypted
        Whether what passes the wire is encrypted; None for a disk.
    """

    free_bytes: int | None = None
    lock: str | None = None
    encrypted: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OldVersion:
    """A version of an object that a place keeps, though its name may be removed.

    Attributes
    ----------
    version
        As the place calls it.
    is_marker
        It says only that the name was removed, and holds no bytes.
    """

    name: str
    version: str
    is_marker: bool = False


class Versions(Protocol):
    """What a place keeps out of sight, and how it is destroyed."""

    def list(self, folder: str) -> tuple[OldVersion, ...] | None:
        """Return every version of every name in a folder; None when the place does not say.

        Raises
        ------
        SourceUnavailable, SourceAnswerInvalid
        """

    def locked_until(self, version: OldVersion) -> datetime | None:
        """Return until when a lock keeps a version; None when none does, or it does not say."""

    def destroy(self, version: OldVersion) -> bool:
        """Delete a version for good; return whether the place says that it did. Its word is no proof."""


class Destination(Protocol):
    """Keeps copies under names; adds, never overwrites.

    One thread uses it at a time; only `cut` may be called from another. "Absent" is an answer (None);
    no answer is SourceUnavailable: the two are never the same value.
    """

    @property
    def versions(self) -> Versions | None:
        """What it keeps out of sight of what was removed; None where a name that is gone is gone."""

    def put(self, name: str, source: BinaryIO, *, size_bytes: int) -> None:
        """Keep the bytes of `source` as `name`, whole or not at all.

        A transfer that was cut short goes on where it was, where the protocol can, after what is there
        was compared with `source`, which can seek.

        Raises
        ------
        NameTaken
            `name` is there already, with whatever bytes.
        StorageFull
            No room, or no right to write.
        SourceUnavailable
            No answer: it may or may not be there.
        """

    def replace(self, name: str, data: bytes) -> None:
        """Swap the small object `name` for `data`, whole or not at all: for the TUF timestamp only."""

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield every object whose name begins with `prefix` (a folder, "/" at its end), in any order.

        Raises
        ------
        IntegrityError
            More than `LISTED_MAX`.
        """

    def open(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None only when the destination answered that it has none."""

    def remove(self, name: str) -> None:
        """Remove `name`; done already is fine. Only an explicit removal list calls this."""

    def facts(self) -> DestinationFacts:
        """Return what the destination says about its room and its lock."""

    def cut(self) -> None:
        """Break the connection from another thread: whatever waits ends with SourceUnavailable."""

    def close(self) -> None:
        """Hang up; harmless twice."""


def is_name(text: str) -> bool:
    """Return whether `text` may name an object: plain ASCII segments, none of them hidden or ".."."""
    return len(text) <= NAME_CHARACTERS_MAX and all(_SEGMENT.fullmatch(part) for part in text.split("/"))


def segments(name: str) -> list[str]:
    """Return the parts of a name, fit for a path.

    Raises
    ------
    ValueError
        Not a name a destination may be asked for: our own mistake, never data.
    """
    if not is_name(name):
        raise ValueError(f"{name!r} cannot name an object at a destination")
    return name.split("/")


def verify_count(count: int) -> None:
    """Refuse a listing that goes on and on.

    Raises
    ------
    IntegrityError
        More than `LISTED_MAX`.
    """
    if count > LISTED_MAX:
        raise IntegrityError(
            f"The destination lists more than {LISTED_MAX} objects: no vault has so many.",
            do_next="Look who writes there; give Beamkeeper a place of its own.",
        )


def taken(name: str) -> NameTaken:
    """Return the error that says a name is there already."""
    return NameTaken(
        f"The destination already holds {name}; it was left as it is.",
        do_next="Compare it with the vault before anything else is done.",
        name=name,
    )
