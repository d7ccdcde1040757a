"""Sentences that the rules make, in the reader's words: whole patterns, with numbers and names as they stand.

A sentence is said in another language only when every part of it is known here; else it stays as it is, in
English, and the page says so. Nothing is worked out: values, names of ROIs and UIDs are copied, and a test
holds every number of a translation against its original.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from django.utils.text import capfirst
from django.utils.translation import get_language

from beamkeeper.app.web.rule_patterns import AT_A_PLACE, ELEMENTS, NEUTRAL, NOUNS, WHATS, WHOLE

if TYPE_CHECKING:
    from beamkeeper.app.web.rule_patterns import Patterns

CHARACTERS_MAX: Final = 2000
"""Longer than any sentence of a rule; a longer one is not looked through."""
_NOUN: Final = re.compile("|".join(sorted(map(re.escape, NOUNS), key=len, reverse=True)), re.IGNORECASE)
_PART: Final = (
    r"(?:leaf pair \d+ \(bank [XY]?[12](?:, \w+)?\)|jaw [XY]?[12]|[XY] jaws|spot \d+ (?:[xy]|weight)"
    r"|(?:beam|control point|fraction group|dose reference|patient setup|tolerance table|application setup"
    r"|channel|source|wedge|block|compensator|range shifter|bolus ROI) \d+)"
)
_PLACED: Final = re.compile(
    rf"(?P<place>{_PART}(?:, {_PART})*|ROI \d+(?: \(.*\))?)(?:: (?P<what>.+)| (?P<done>added|removed))",
    re.IGNORECASE,
)
_COUNTS: Final = frozenset({"n", "all", "more", "points"})
"""Groups of a pattern that are whole numbers: a thin blank parts their thousands in every language."""


class _Count(int):
    """A whole number: it chooses between singular and plural, and is shown with its thousands apart."""

    def __str__(self) -> str:
        return f"{int(self):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def in_readers_words(text: str) -> str | None:
    """Return a sentence of the rules in the reader's language; None when it has to stay in English."""
    if get_language() == "en":
        return text
    if len(text) > CHARACTERS_MAX:
        return None
    found = _said(WHOLE, text) or _placed(text) or _said(WHATS, text)
    return capfirst(found) if found is not None and text[:1].isupper() else found


def _placed(text: str) -> str | None:
    """Return "Beam 2, control point 9: …" or "Beam 2 added" with both of its halves in the reader's words."""
    found = _PLACED.fullmatch(text)
    if found is None:
        return None
    what = _said(WHATS, found["what"] or found["done"].lower())
    return None if what is None else str(AT_A_PLACE) % {"place": _place(found["place"]), "what": what}


def _place(text: str) -> str:
    """Return a place; an ROI is called one in all four languages, and its name is its own."""
    return text if text.startswith("ROI ") else _NOUN.sub(lambda noun: str(NOUNS[noun[0].lower()]), text)


def _said(patterns: Patterns, text: str) -> str | None:
    """Return what the first pattern that fits says; None when none fits."""
    for pattern, words in patterns.items():
        found = _compiled(pattern).fullmatch(text)
        if found is not None:
            values = {name: _value(name, value) for name, value in found.groupdict().items()}
            return str(words % values if values else words)
    return None


def _value(name: str, text: str) -> object:
    """Return one part of a sentence as it is shown."""
    if name in _COUNTS:
        return _Count(text.replace(",", ""))
    if name == "where":
        return _place(text)
    if name == "name":
        return ELEMENTS[text]
    return re.sub(*NEUTRAL[name], text) if name in NEUTRAL else text


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
