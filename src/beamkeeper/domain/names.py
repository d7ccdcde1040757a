"""Whether two spellings are the same person's name, and saying so when they are not."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_EXPANDED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_INSIDE_WORDS = re.compile(r"['’`´.]")
_BETWEEN_WORDS = re.compile(r"[\s^,\-_]+")

NAME_COMPONENTS_COMPARED = 3
"""Family, given and middle name (DICOM PS3.5 6.2.1.1); prefix and suffix are titles."""


def same_name(one: str, other: str) -> bool:
    """Whether two names differ by case, accents, padding, punctuation or the order of their words only.

    Umlauts may be written plain or with an e ("Müller", "Muller", "Mueller"). Of a name with several
    writing systems the first is compared, as DICOM PS3.5 6.2.1.2 orders them.
    """
    return not _forms(one).isdisjoint(_forms(other))


def _forms(name: str) -> frozenset[tuple[str, ...]]:
    first = next((group for group in name.split("=") if group.strip(" ^")), "")
    components = unicodedata.normalize("NFC", first).split("^")[:NAME_COMPONENTS_COMPARED]
    folded = " ".join(components).casefold()
    return frozenset((_words(folded), _words(folded.translate(_EXPANDED))))


def _words(text: str) -> tuple[str, ...]:
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return tuple(sorted(word for word in _BETWEEN_WORDS.split(_INSIDE_WORDS.sub("", bare)) if word))
