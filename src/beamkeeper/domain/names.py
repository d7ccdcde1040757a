"""Whether two spellings are the same person's name, and saying so when they are not."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_EXPANDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_INSIDE_WORDS = re.compile(r"['’`´.]")
_BETWEEN_WORDS = re.compile(r"[\s^,\-_]+")

SLIPS_MAX, LONG_WORD_LETTERS_MIN = 2, 6
WORDS_IN_COMMON_MIN = 2
"""A name that lacks a part of another must still have family and given name in common with it."""
LETTERS_COMPARED_MAX = 64
"""A component group of a PN has no more (DICOM PS3.5 6.2)."""
NAMES_REMEMBERED_MAX = 8_192
"""Each name of a list is compared with many others."""
NAME_COMPONENTS_COMPARED = 3
"""Family, given and middle name (DICOM PS3.5 6.2.1.1); prefix and suffix are titles."""


def same_name(one: str, other: str) -> bool:
    """Whether two names differ by case, accents, padding, punctuation or the order of their words only.

    Umlauts may be written plain or with an e ("Müller", "Muller", "Mueller"). Of a name with several
    writing systems the first is compared, as DICOM PS3.5 6.2.1.2 orders them.
    """
    return not _forms(one).isdisjoint(_forms(other))


def spellings(name: str) -> frozenset[tuple[str, ...]]:
    """Return what `same_name` compares, to find the same names among many: two names share one, or differ.

    Without the empty spelling: nobody's name is the same as no name.
    """
    return frozenset(filter(None, _forms(name)))


def near_name(one: str, other: str) -> bool:
    """Whether two names may be one with a slip of the pen, or one of them lacks a part.

    A slip is a letter, in longer words two; a part is a middle name, or half of a double name.
    """
    pairs = ((first, second) for first in _forms(one) for second in _forms(other))
    return any(_is_near(Counter(first), Counter(second)) for first, second in pairs)


def _is_near(one: Counter[str], other: Counter[str]) -> bool:
    common = (one & other).total()
    first, second = " ".join((one - other).elements()), " ".join((other - one).elements())
    if not first or not second:
        return common >= WORDS_IN_COMMON_MIN
    first, second = first[:LETTERS_COMPARED_MAX], second[:LETTERS_COMPARED_MAX]
    slips = SLIPS_MAX if min(len(first), len(second)) >= LONG_WORD_LETTERS_MIN else 1
    return common > 0 and abs(len(first) - len(second)) <= slips and _edits(first, second, slips) <= slips


def _edits(one: str, other: str, most: int) -> int:
    """Return how many letters must be put in, left out or replaced to make one of the other (Levenshtein).

    Some number above `most` as soon as it is more than that.
    """
    row = list(range(len(other) + 1))
    for index, letter in enumerate(one, start=1):
        diagonal, row[0] = row[0], index
        for at, found in enumerate(other, start=1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (letter != found))
        if min(row) > most:
            break
    return max(row[-1], min(row))


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def _forms(name: str) -> frozenset[tuple[str, ...]]:
    first = next((group for group in name.split("=") if group.strip(" ^")), "")
    components = unicodedata.normalize("NFC", first).split("^")[:NAME_COMPONENTS_COMPARED]
    folded = " ".join(components).casefold()
    return frozenset((_words(folded), _words(folded.translate(_EXPANDED))))


def _words(text: str) -> tuple[str, ...]:
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return tuple(sorted(word for word in _BETWEEN_WORDS.split(_INSIDE_WORDS.sub("", bare)) if word))
