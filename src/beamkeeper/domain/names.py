"""Whether two spellings are the same person's name, and saying so when they are not."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

Spelling = tuple[str, ...]
"""The words of a name in order of the alphabet, bare of case, accents and marks."""

_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_EXPANDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_INSIDE_WORDS = re.compile(r"['’`´.]")
_BETWEEN_WORDS = re.compile(r"[\s^,\-_]+")

SLIPS_MAX, LONG_WORD_LETTERS_MIN = 2, 6
WORDS_IN_COMMON_MIN = 2
"""A name that lacks a part of another must still have family and given name in common with it."""
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


def spellings(name: str) -> frozenset[Spelling]:
    """Return what `same_name` compares, to find the same names among many: two names share one, or differ.

    Without the empty spelling: nobody's name is the same as no name.
    """
    return frozenset(filter(None, _forms(name)))


def near_name(one: str, other: str) -> bool:
    """Whether two names may be one with a slip of the pen, or one of them lacks a part.

    A slip is a letter, in longer words two; a part is a middle name, or half of a double name.
    """
    return any(near_spelling(first, second) for first in _forms(one) for second in _forms(other))


def near_spelling(one: Spelling, other: Spelling) -> bool:
    """Whether two spellings are near, as `near_name` says."""
    first, second = unshared(one, other)
    if not first or not second:
        return len(one) - len(first) >= WORDS_IN_COMMON_MIN
    if len(first) == len(one):
        return False
    left, right = " ".join(first), " ".join(second)
    return _is_within(left, right, slips_most(min(len(left), len(right))))


def unshared(one: Spelling, other: Spelling) -> tuple[list[str], list[str]]:
    """Return the words of each that the other has not, in order; a word written twice counts twice."""
    first, second = list(one), list(other)
    for word in one:
        if word in second:
            first.remove(word)
            second.remove(word)
    return first, second


def slips_most(letters: int) -> int:
    """Return how many slips of the pen a word of so many letters may have."""
    return SLIPS_MAX if letters >= LONG_WORD_LETTERS_MIN else 1


def _is_within(one: str, other: str, slips: int) -> bool:
    """Whether so many letters put in, left out or replaced make one of the other (Levenshtein).

    Letters that agree at both ends never need an edit. In time that grows with the length only.
    """
    if abs(len(one) - len(other)) > slips:
        return False
    start, most = 0, min(len(one), len(other))
    while start < most and one[start] == other[start]:
        start += 1
    end = 0
    while end < most - start and one[-1 - end] == other[-1 - end]:
        end += 1
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    most = max(len(left), len(right))
    if most <= slips or slips <= 1:
        return most <= slips
    return (
        _is_within(left[1:], right[1:], slips - 1)
        or _is_within(left[1:], right, slips - 1)
        or _is_within(left, right[1:], slips - 1)
    )


@lru_cache(maxsize=NAMES_REMEMBERED_MAX)
def _forms(name: str) -> frozenset[Spelling]:
    first = next((group for group in name.split("=") if group.strip(" ^")), "")
    components = unicodedata.normalize("NFC", first).split("^")[:NAME_COMPONENTS_COMPARED]
    folded = " ".join(components).casefold()
    return frozenset((_words(folded), _words(folded.translate(_EXPANDED))))


def _words(text: str) -> Spelling:
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return tuple(sorted(word for word in _BETWEEN_WORDS.split(_INSIDE_WORDS.sub("", bare)) if word))
