"""DICOM elements by their keywords: what a table says is what the standard says, or the import fails."""

from __future__ import annotations

from pydicom.datadict import dictionary_description, dictionary_keyword, tag_for_keyword

from beamkeeper.wire.dicom.elements import REPEATED, Key, PrivateTag


def tag_of(keyword: str) -> int:
    """Return the tag of a keyword; a misspelt one is a mistake of ours and raises KeyError."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag


def tags_of(keywords: str) -> frozenset[int]:
    """Return the tags of keywords separated by blanks."""
    return frozenset(tag_of(keyword) for keyword in keywords.split())


def keyword_of(key: Key) -> str:
    """Return the keyword of an element, "(ggggeeee)" when unknown; private ones show who defined them."""
    if isinstance(key, PrivateTag):
        return f"({key.group:04x},xx{key.number % REPEATED & 0xFF:02x} {key.creator or 'no creator'})"
    tag, repeats = key % REPEATED, key // REPEATED
    return (dictionary_or_hex(tag)) + ("" if not repeats else f"#{repeats + 1}")


def dictionary_or_hex(tag: int) -> str:
    """Return the keyword of a standard tag, "(gggg,eeee)" when the dictionary does not know it."""
    try:
        return dictionary_keyword(tag) or f"({tag >> 16:04x},{tag & 0xFFFF:04x})"
    except KeyError:
        return f"({tag >> 16:04x},{tag & 0xFFFF:04x})"


def name_of(key: Key) -> str:
    """Return what people call an element ("Gantry Angle")."""
    if isinstance(key, PrivateTag):
        return f"private element {keyword_of(key)}"
    try:
        return dictionary_description(key % REPEATED) or keyword_of(key)
    except KeyError:
        return f"element {keyword_of(key)}"
