"""Reading back: nothing a destination says counts before its bytes were seen."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, cast

from beamkeeper.protect.mirror.pace import Paced
from beamkeeper.wire.destination import BLOCK_BYTES

if TYPE_CHECKING:
    from beamkeeper.protect.mirror.pace import Pace
    from beamkeeper.wire.destination import Destination


class Found(StrEnum):
    """What reading an object back showed."""

    SAME = "same"
    OTHER = "other"
    ABSENT = "absent"


def read_back(destination: Destination, name: str, *, sha256: str, size_bytes: int, pace: Pace) -> Found:
    """Return what lies at the destination under `name`, by reading all of it.

    Raises
    ------
    SourceUnavailable
        It does not answer.
    """
    source = destination.open(name)
    if source is None:
        return Found.ABSENT
    digest, count = hashlib.sha256(), 0
    with Paced(source, pace) as paced:
        while count <= size_bytes and (block := paced.read(BLOCK_BYTES)):
            digest.update(block)
            count += len(block)
    return Found.SAME if (count, digest.hexdigest()) == (size_bytes, sha256) else Found.OTHER


def read_small(destination: Destination, name: str, *, bytes_max: int, pace: Pace) -> bytes | None:
    """Return a small object, at most one byte more than `bytes_max` of it; None when it is not there."""
    source = destination.open(name)
    if source is None:
        return None
    held = bytearray()
    with Paced(source, pace) as paced:
        while len(held) <= bytes_max and (block := paced.read(min(BLOCK_BYTES, bytes_max + 1 - len(held)))):
            held += block
    return bytes(held)


def paced(source: BinaryIO, pace: Pace) -> BinaryIO:
    """Return `source`, counted and slowed."""
    return cast("BinaryIO", Paced(source, pace))
