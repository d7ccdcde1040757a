"""Everything invented is invented from a seed: the same seed gives the same bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Seed:
    """A source of repeatable identities and numbers; what is asked for by the same name is the same.

    Nothing counts up inside, so that any object can be made again alone, in any order.
    """

    value: int

    def _digest(self, *name: object) -> bytes:
        text = "|".join(str(part) for part in (self.value, *name))
        return hashlib.sha256(text.encode()).digest()

    def uid(self, *name: object) -> str:
        """Return the UID of that name: `2.25.` and a UUID made from seed and name.

        References
        ----------
        DICOM PS3.5 B.2
        """
        raw = bytearray(self._digest("uid", *name)[:16])
        raw[6] = (raw[6] & 0x0F) | 0x80  # UUID version 8: the bits are ours
        raw[8] = (raw[8] & 0x3F) | 0x80
        return f"2.25.{int.from_bytes(raw, 'big')}"

    def rng(self, *name: object) -> np.random.Generator:
        """Return a fresh generator of numbers for that name."""
        return np.random.default_rng(int.from_bytes(self._digest("rng", *name)[:8], "big"))

    def pick(self, count: int, *name: object) -> int:
        """Return a number from 0 to `count` - 1 for that name."""
        return int.from_bytes(self._digest("pick", *name)[:8], "big") % count
