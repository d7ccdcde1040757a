"""Text of others as one line in which nothing is hidden. A rule without I/O."""

from __future__ import annotations

import unicodedata
from typing import Final

STACKED_MAX: Final = 4
"""So many signs may stand on one letter; no language has more, and a hundred cover the lines around."""
_SOFT_HYPHEN: Final = "\u00ad"


def visible(text: str) -> str:
    """Return text in one line, what shows nothing or reorders its surroundings by its code point.

    A letter whose direction was turned round reads as another word, and a change that is nothing but such a
    sign would look like none: "‹U+202E›" is seen.
    """
    shown: list[str] = []
    stacked = 0
    for sign in " ".join(text.replace(_SOFT_HYPHEN, "").split()):
        stacked = stacked + 1 if unicodedata.combining(sign) else 0
        if stacked <= STACKED_MAX:
            shown.append(sign if sign.isprintable() else f"‹U+{ord(sign):04X}›")
    return "".join(shown)
