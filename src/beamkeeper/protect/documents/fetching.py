"""Bringing one document from its share: looked at, read within bounds, looked at again."""

from __future__ import annotations

import hashlib
import mmap
import os
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import StorageFull
from beamkeeper.protect.documents.content import EMPTY, media_type_of
from beamkeeper.wire.shared_files import FileRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

    from beamkeeper.protect.documents.places import Place, Wanted
    from beamkeeper.wire.shared_files import FileFacts, SharedFiles

BLOCK_BYTES: Final = 1 << 20
TRIES: Final = 2
"""A file that changes while it is read is read once more; then it is named, and the next night reads it."""


class Outcome(StrEnum):
    """How fetching one document ended."""

    RECEIVED = "received"
    UNCHANGED = "unchanged"
    """The share says it is as it was when its bytes were last read."""
    ABSENT = "document missing on the share"
    EMPTY = "the file on the share is empty (0 bytes)"
    REFUSED = "refused"
    UNSTEADY = "it changed while it was read"
    TOO_LARGE = "too large"
    NO_ROOM = "no room"
    NO_TIME = "the night's time was over"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """How much of one document is taken at most, and until when.

    Attributes
    ----------
    room_bytes
        What the collector's disk has for it: whoever fills a share must not fill that disk.
    """

    size_bytes_max: int
    room_bytes: int
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """How fetching one document ended.

    Attributes
    ----------
    reason
        What was refused or went wrong, in words without a name; "" otherwise.
    place
        Where it was found; None when nowhere.
    stamp
        What the share says of the file, to hold the next night against.
    sha256, size_bytes, media_type
        Of the bytes in the staging folder, for `RECEIVED`.
    """

    outcome: Outcome
    reason: str = ""
    place: Place | None = None
    stamp: str = ""
    sha256: str = ""
    size_bytes: int = 0
    media_type: str = ""


def fetch(
    wanted: Wanted,
    shares: Mapping[str, SharedFiles],
    *,
    limits: FetchLimits,
    known: tuple[str, str] | None,
    staging: Path,
    now: Callable[[], datetime],
) -> Fetched:
    """Bring one document into `staging`, under its digest.

    Parameters
    ----------
    known
        Where and with which stamp its bytes were last read; None to read them in any case.

    Raises
    ------
    SourceUnavailable
        The share gives no answer.
    StorageFull
        No room on the collector's own disk.
    """
    if wanted.refused:
        return Fetched(outcome=Outcome.REFUSED, reason=wanted.refused)
    for place in wanted.places:
        if now() >= limits.deadline:
            return Fetched(outcome=Outcome.NO_TIME)
        try:
            fetched = _from(place, shares[place.share], limits=limits, known=known, staging=staging, now=now)
        except FileRefused as refused:
            return Fetched(outcome=Outcome.REFUSED, reason=refused.message, place=place)
        if fetched.outcome is not Outcome.ABSENT:
            return replace(fetched, place=place)
    return Fetched(outcome=Outcome.ABSENT)


def _from(
    place: Place,
    share: SharedFiles,
    *,
    limits: FetchLimits,
    known: tuple[str, str] | None,
    staging: Path,
    now: Callable[[], datetime],
) -> Fetched:
    for _ in range(TRIES):
        facts = share.look(place.segments)
        if facts is None:
            return Fetched(outcome=Outcome.ABSENT)
        if known == (str(place), facts.stamp):
            return Fetched(outcome=Outcome.UNCHANGED, stamp=facts.stamp)
        if not facts.size_bytes:
            return Fetched(outcome=Outcome.EMPTY, stamp=facts.stamp)
        if facts.size_bytes > limits.size_bytes_max:
            reason = f"{facts.size_bytes:,} bytes; the site file takes {limits.size_bytes_max:,} at most"
            return Fetched(outcome=Outcome.TOO_LARGE, reason=reason)
        if facts.size_bytes > limits.room_bytes:
            reason = (
                f"{facts.size_bytes:,} bytes; documents may take a quarter of the disk's free room in a night"
            )
            return Fetched(outcome=Outcome.NO_ROOM, reason=reason)
        source = share.open(place.segments)
        if source is None:
            continue  # it went after we looked: the next look says whether it is back
        with source:
            fetched = _taken(source, facts, limits=limits, staging=staging, now=now)
        if fetched.outcome is Outcome.NO_TIME:
            return fetched
        if share.look(place.segments) == facts and fetched.size_bytes == facts.size_bytes:
            return fetched
        (staging / fetched.sha256).unlink(missing_ok=True)
    return Fetched(outcome=Outcome.UNSTEADY)


def _taken(
    source: BinaryIO, facts: FileFacts, *, limits: FetchLimits, staging: Path, now: Callable[[], datetime]
) -> Fetched:
    """Write a file to staging under its digest, no more of it than it was said to have."""
    digest, size_bytes = hashlib.sha256(), 0
    temporary = staging / f".part.{os.getpid()}"
    try:
        staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "r+b") as file:  # noqa: PTH123 - the mode matters
            while block := source.read(min(BLOCK_BYTES, facts.size_bytes + 1 - size_bytes)):
                size_bytes += len(block)
                digest.update(block)
                file.write(block)
                if now() >= limits.deadline:
                    temporary.unlink()
                    return Fetched(outcome=Outcome.NO_TIME)
            file.flush()
            os.fsync(file.fileno())
            media_type = _kind_of(file, size_bytes)
        temporary.rename(staging / digest.hexdigest())
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageFull(
            f"A document cannot be written to {staging} ({error.strerror}).",
            do_next="Make room on the collector's disk, then run the night again.",
        ) from error
    return Fetched(
        outcome=Outcome.RECEIVED,
        stamp=facts.stamp,
        sha256=digest.hexdigest(),
        size_bytes=size_bytes,
        media_type=media_type,
    )


def _kind_of(file: BinaryIO, size_bytes: int) -> str:
    if not size_bytes:
        return EMPTY
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return media_type_of(mapped)
