"""What is different between two texts, line by line. A rule without I/O; runs where it may be killed."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHOWN_MAX: Final = 12
"""So many different lines are shown of one document; the rest is counted."""
QUOTED_CHARACTERS_MAX: Final = 160
LEAD_CHARACTERS: Final = 40
"""Of a long line, so much before the first difference is shown."""

Pair = tuple[str | None, str | None]
"""A line before and now; None where that side has none."""


def different_lines(before: Sequence[str], now: Sequence[str]) -> tuple[list[Pair], int]:
    """Return the first different lines, shortened to where they differ, and how many more there are."""
    pairs = list(_pairs(before, now))
    return [_shown(*pair) for pair in pairs[:SHOWN_MAX]], max(0, len(pairs) - SHOWN_MAX)


def _pairs(before: Sequence[str], now: Sequence[str]) -> Iterator[Pair]:
    matcher = SequenceMatcher(None, before, now, autojunk=False)
    for tag, start, end, now_start, now_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        old, new = before[start:end], now[now_start:now_end]
        for index in range(max(len(old), len(new))):
            yield (
                old[index] if index < len(old) else None,
                new[index] if index < len(new) else None,
            )


def _shown(old: str | None, new: str | None) -> Pair:
    at = 0
    if old is not None and new is not None:
        at = next((index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, at - LEAD_CHARACTERS)
    longest = max(len(text) for text in (old, new) if text is not None)
    return (None, None) if longest == 0 else (_quoted(old, start, longest), _quoted(new, start, longest))


def _quoted(text: str | None, start: int, longest: int) -> str | None:
    if text is None:
        return None
    if longest <= QUOTED_CHARACTERS_MAX:
        return text
    part = text[start : start + QUOTED_CHARACTERS_MAX]
    before = "…" if start else ""
    after = "…" if start + QUOTED_CHARACTERS_MAX < len(text) else ""
    return f"{before}{part}{after}"
