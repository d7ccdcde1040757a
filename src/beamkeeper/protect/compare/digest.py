"""One digest for one content, however it is written.

Two objects have the same content digest when `compare_objects` would call them identical or
re-encoded: independent of VR encoding, byte order, length forms, group lengths, padding, number
notation, character set, private block order, preamble and file meta information. Pixels count as
stored. With this digest a vault that cannot open its own parcels still knows what changed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from beamkeeper.protect.compare.subject import MODALITY
from beamkeeper.protect.compare.values import canonical, level_value
from beamkeeper.wire.dicom.elements import Key, PrivateTag, open_object
from beamkeeper.wire.dicom.elements_vr import dictionary_vr

if TYPE_CHECKING:
    from hashlib import _Hash

    from typing_extensions import Buffer

    from beamkeeper.protect.compare.rules import CompareRules
    from beamkeeper.wire.dicom.elements import DataSet, Element

_FORMAT = b"beamkeeper content digest 1\n"


def content_digest(data: Buffer, rules: CompareRules) -> str:
    """Return the SHA-256 of what an object means, lower-case hexadecimal.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object.
    """
    dataset = open_object(data).dataset
    digest = sha256(_FORMAT)
    _add_level(digest, dataset, rules.volatile_tags(dataset.text(MODALITY)))
    return digest.hexdigest()


def _add_level(digest: _Hash, level: DataSet, volatile: frozenset[int]) -> None:
    """Add a level: its elements in the order of their keys, each value with its length before it."""
    keyed = level.keyed()
    named = sorted((_name(key), key) for key in keyed if key not in volatile)
    for name, key in named:
        tag, element = keyed[key]
        digest.update(name)
        vr = meant_vr(level, key, tag, element)
        if vr == "SQ":
            items = level.items(tag)
            digest.update(b"[%d" % len(items))
            for item in items:
                digest.update(b"{")
                _add_level(digest, item, frozenset())
                digest.update(b"}")
            continue
        meaning = canonical(level_value(level, element, vr), private=isinstance(key, PrivateTag))
        digest.update(b"=%d:" % len(meaning))
        digest.update(meaning)


_CHOSEN_BY_THE_WRITER = frozenset({"UN", "OB", "OW"})


def meant_vr(level: DataSet, key: Key, tag: int, element: Element) -> str:
    """Return the VR an element's meaning is read by: the dictionary's, where it knows one.

    A wrongly written VR changes no byte of the value, and comparing goes by the value.
    """
    written = level.vr(key, tag, element)
    if isinstance(key, PrivateTag) or written == "SQ":
        return written
    known = dictionary_vr(key)
    if known == "SQ":
        return known if level.holds_items(tag, element) else written
    return written if known in _CHOSEN_BY_THE_WRITER else known


def _name(key: Key) -> bytes:
    """Return an element's key as bytes that sort alike everywhere."""
    if isinstance(key, PrivateTag):
        return b"\n%04x,%012x,%s" % (key.group, key.number, key.creator.encode("utf-8", "backslashreplace"))
    return b"\n%04x,%012x" % (key >> 16 & 0xFFFF, key)
