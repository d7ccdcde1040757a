"""What an object meant, as keyed digests of its elements: enough to name a change, not to read a value.

For a collector that cannot open what it sealed. Whoever holds the key can still try values: a couch angle
has few. So imprints lie among sealed data, and the key with them; they are no substitute for either.

An imprint of a plan has a digest for each element, and for each number of a list: which leaf moved can be
told, from where cannot. Contours count as one, and an image as a whole: a patient has thousands.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.objects import ObjectKind
from beamkeeper.protect.compare.alarm import byte_entropy
from beamkeeper.protect.compare.difference import (
    ITEM_KEYS,
    REFERENCED_SOP_INSTANCE_UID,
    WHOLE_BRANCHES,
    item_number,
)
from beamkeeper.protect.compare.digest import meant_vr
from beamkeeper.protect.compare.subject import Subject
from beamkeeper.protect.compare.values import NUMERIC_VRS, canonical, canonical_number, level_value, numbers
from beamkeeper.wire.dicom.elements import Key, PrivateTag, open_object

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from beamkeeper.protect.compare.rules import CompareRules
    from beamkeeper.protect.compare.values import Value
    from beamkeeper.wire.dicom.elements import DataSet

DIGEST_BYTES: Final = 16
PART_BYTES: Final = 4
"""Of one number in a list: which of them changed; that the list did, its own digest says."""
REFERENCE_MARK: Final = "~"
LIST_BYTES_MAX: Final = 256 << 10
"""Longer lists, such as pixels, have one digest."""
ONE_DIGEST: Final = frozenset({ObjectKind.IMAGE})
"""Kinds of which only one digest over everything is kept."""

Sequence = list[tuple[str, "Level"]]
Entry = str | tuple[str, str] | Sequence
"""A value's digest, "" for an empty one; or that and those of its numbers; or the items of a sequence."""
Level = dict[str, Entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imprint:
    """What is left of one object.

    Attributes
    ----------
    whole
        Keyed digest over all that counts; only of kinds in `ONE_DIGEST`, else "".
    level
        The elements of the main level by `name_of_key`.
    entropy_bits
        How dense its bytes were, bits per byte.
    """

    entropy_bits: float
    whole: str = ""
    level: Level | None = None


def imprint_of(data: Buffer, key: bytes, rules: CompareRules) -> Imprint:
    """Return the imprint of an object.

    Parameters
    ----------
    rules
        What never counts: left out where there is one digest for all. Elements are left out when they are
        compared, so that a site may change its rules.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a whole DICOM object.
    """
    subject = Subject(open_object(data).dataset)
    press = _Press(key, subject.sop_instance_uid)
    bits = byte_entropy(data)
    if subject.kind in ONE_DIGEST:
        return Imprint(
            entropy_bits=bits, whole=press.whole(subject.dataset, rules.volatile_tags(subject.modality))
        )
    return Imprint(entropy_bits=bits, level=press.level(subject.dataset, b""))


class _Press:
    """Makes digests of one object's values: equal ones of other objects or elements have other digests.

    Items of one sequence share their addresses, so that one that was moved or renumbered is known again.
    """

    def __init__(self, key: bytes, sop_instance_uid: str) -> None:
        self._begun = blake2b(sop_instance_uid.encode(), key=key, digest_size=DIGEST_BYTES)

    def digest(self, address: bytes, meaning: bytes | memoryview) -> str:
        made = self._begun.copy()
        made.update(b"\n%d:%b" % (len(address), address))
        made.update(meaning)
        return made.hexdigest()

    def level(self, level: DataSet, address: bytes) -> Level:
        found: Level = {}
        for key, (tag, element) in level.keyed().items():
            name = name_of_key(key)
            here = address + b"/" + name.encode()
            vr = meant_vr(level, key, tag, element)
            if vr == "SQ":
                found[name] = self._sequence(level.items(tag), key, here)
            else:
                value = level_value(level, element, vr)
                found[name] = self._value(value, here, private=isinstance(key, PrivateTag))
        return found

    def whole(self, level: DataSet, volatile: frozenset[int] = frozenset()) -> str:
        """Return one digest over a level and everything below."""
        never = {name_of_key(tag) for tag in volatile}
        found = sorted((name, entry) for name, entry in self.level(level, b"").items() if name not in never)
        return self.digest(b"whole", repr(found).encode())

    def _sequence(self, items: tuple[DataSet, ...], key: Key, address: bytes) -> Entry:
        if key in WHOLE_BRANCHES:
            return self.digest(address, "".join(map(self.whole, items)).encode()) if items else []
        told_by = self._numbers(items, key)
        return [(number, self.level(item, address)) for number, item in zip(told_by, items, strict=True)]

    def _numbers(self, items: tuple[DataSet, ...], key: Key) -> list[str]:
        """Return what numbers each item; else a mark and a digest of the object it refers to; else ""."""
        if isinstance(key, int) and key in ITEM_KEYS:
            return [item_number(item, ITEM_KEYS[key]) for item in items]
        uids = [item_number(item, REFERENCED_SOP_INSTANCE_UID) for item in items]
        return [REFERENCE_MARK + self.digest(b"reference", uid.encode()) if uid else "" for uid in uids]

    def _value(self, value: Value, address: bytes, *, private: bool) -> Entry:
        if value.is_empty:
            return ""
        whole = self.digest(address, canonical(value, private=private))
        if value.vr not in NUMERIC_VRS or private or len(value.raw) > LIST_BYTES_MAX:
            return whole
        parts = numbers(value)
        if len(parts) < 2:  # noqa: PLR2004 - a list
            return whole
        told = (
            self.digest(address + b"[%d]" % place, canonical_number(part.encode()))[: PART_BYTES * 2]
            for place, part in enumerate(parts)
        )
        return whole, "".join(told)


def name_of_key(key: Key) -> str:
    """Return an element's key as text, for `key_of_name`."""
    if isinstance(key, PrivateTag):
        return f"{key.group:x},{key.number:x},{key.creator}"
    return f"{key:x}"


def key_of_name(name: str) -> Key:
    """Return the key that `name_of_key` wrote."""
    group, number, creator = (*name.split(",", 2), "", "")[:3]
    return PrivateTag(int(group, 16), creator, int(number, 16)) if number else int(group, 16)
