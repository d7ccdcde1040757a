"""Taking up a transfer that was cut short: only after what is there was compared."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from beamkeeper.wire.destination import BLOCK_BYTES


def part_name(name: str, size_bytes: int) -> str:
    """Return the name of a transfer under way, always the same for the same object."""
    return hashlib.sha256(f"{name} {size_bytes}".encode()).hexdigest()[:32] + ".part"


def same_bytes(there: BinaryIO, source: BinaryIO) -> bool:
    """Return whether what is `there` is how `source` begins; both then stand where it ends."""
    while block := there.read(BLOCK_BYTES):
        if source.read(len(block)) != block:
            return False
    return True
