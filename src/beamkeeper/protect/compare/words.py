"""One difference in one sentence: where, what, old and new, with units.

Texts go into reports that leave the room, so they never hold a patient's or a person's name, a
birth date, or free text: those values stand in `old` and `new` only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.change import Change
from beamkeeper.protect.compare.grades import grade_of
from beamkeeper.protect.compare.places import Pair, path_of, place_of, sentence_case
from beamkeeper.protect.compare.tags import name_of, tags_of
from beamkeeper.protect.compare.units import unit_of
from beamkeeper.protect.compare.values import (
    NUMERIC_VRS,
    Value,
    as_float,
    canonical_number,
    numbers,
    printable,
    shown,
)

if TYPE_CHECKING:
    from beamkeeper.protect.compare.difference import Difference
    from beamkeeper.wire.dicom.elements import Key

LISTED_MAX = 10
"""Values of one kind listed singly; beyond it a count and the largest come first."""
TEXT_CHARACTERS_MAX, PATH_CHARACTERS_MAX = 400, 1000
VECTOR_MAX = 4
"""Numbers shown together as one vector; longer lists are shown by the places that differ."""


_SHOWN_TEXT = tags_of("ConvolutionKernel CorrectedImage Units")
_NAMES_VRS = frozenset({"LO", "SH"})
_PLAN_GROUPS = range(0x3002, 0x3009)
"""Short texts of RT Image to RT Record are names of beams, machines, devices and ROIs."""
_SHOWN_VRS = NUMERIC_VRS | {"CS", "UI", "TM", "DA", "DT", "AT"}
_PATIENT_GROUP, _RT_PLAN_GROUP = 0x0010, 0x300A


def in_words(difference: Difference, pair: Pair) -> Change:
    """Return one difference as a change with its grade and its sentence."""
    return changed(
        difference,
        pair,
        _sentence(difference, pair),
        old=_shown_side(difference, difference.old, old=True),
        new=_shown_side(difference, difference.new, old=False),
    )


def changed(difference: Difference, pair: Pair, text: str, **parts: str | None) -> Change:
    """Return a change with the sentence of a specialist; `parts` may set `old`, `new` and `where`."""
    old, new = parts.get("old"), parts.get("new")
    return Change(
        path=printable(path_of(difference) + (parts.get("where") or ""), PATH_CHARACTERS_MAX),
        old=None if old is None else printable(old),
        new=None if new is None else printable(new),
        text=printable(text, TEXT_CHARACTERS_MAX),
        grade=grade_of(pair.new.kind, pair.new.modality, difference),
    )


def _sentence(difference: Difference, pair: Pair) -> str:
    place = place_of(difference, pair)
    if difference.key is None:
        return f"{place} {'added' if difference.added else 'removed'}"
    what = _what(difference, pair)
    return f"{place}: {what}" if place else sentence_case(what)


def _what(difference: Difference, pair: Pair) -> str:
    key = difference.key
    assert key is not None  # noqa: S101 - a whole item is told by `_sentence`
    name = name_of(key)
    old, new = difference.old, difference.new
    if difference.reordered:
        return f"order of {name.removesuffix(' Sequence')} items changed"
    if old is None and new is None:
        return f"{name}: empty sequence added or dropped"
    if not _may_show(key, old or new):
        return f"{name} {_bare_verb(old, new)}"
    unit = unit_of(difference, pair.new)
    if old is None or old.is_empty:
        return f"{name} added: {_brief(new)}{unit}"
    if new is None or new.is_empty:
        return f"{name} removed (was {_brief(old)}{unit})"
    return _from_to(name, old, new, unit)


def _bare_verb(old: Value | None, new: Value | None) -> str:
    if old is None or old.is_empty:
        return "added"
    return "removed" if new is None or new.is_empty else "changed"


def _may_show(key: Key, value: Value | None) -> bool:
    group = key >> 16 & 0xFFFF if isinstance(key, int) else _PATIENT_GROUP
    if value is None or group == _PATIENT_GROUP:
        return False
    if value.vr in _NAMES_VRS and (group in _PLAN_GROUPS or group == _RT_PLAN_GROUP):
        return True
    return value.vr in _SHOWN_VRS or key in _SHOWN_TEXT


def _from_to(name: str, old: Value, new: Value, unit: str) -> str:
    left, right = numbers(old), numbers(new)
    if not left or not right or old.vr not in NUMERIC_VRS:
        return f"{name} {_brief(old)} → {_brief(new)}{unit}"
    if len(left) != len(right):
        return f"{name}: {len(left)} values → {len(right)} values"
    if len(left) == 1:
        return f"{name} {from_to(left[0], right[0])}{unit}"
    if len(left) <= VECTOR_MAX:
        told = [from_to(a, b).split(" → ") for a, b in zip(left, right, strict=True)]
        one, other = (", ".join(side) for side in zip(*told, strict=True))
        return f"{name} ({one}) → ({other}){unit}"
    places = [at for at, (a, b) in enumerate(zip(left, right, strict=True)) if not _same(a, b)]
    first = places[0]
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"{name}: value {first + 1} of {len(left)}{more}: {from_to(left[first], right[first])}{unit}"


def _same(one: str, other: str) -> bool:
    return canonical_number(one.encode()) == canonical_number(other.encode())


def from_to(old: str, new: str) -> str:
    """Return two written numbers short enough to read, and never so short that they look alike."""
    left, right = as_float(old), as_float(new)
    if left is None or right is None:
        return f"{old} → {new}"
    if _same(old, new):
        return f"{short(old)} → {short(new)}"
    for digits in range(6, 18):
        one, other = f"{left:.{digits}g}", f"{right:.{digits}g}"
        if one != other:
            return f"{one} → {other}"
    return f"{old} → {new}"


def short(number: str) -> str:
    """Return one written number in at most six significant digits."""
    value = as_float(number)
    return number if value is None else f"{value:.6g}"


def _brief(value: Value | None) -> str:
    parts = numbers(value)
    if value is not None and value.vr in NUMERIC_VRS and parts:
        if len(parts) == 1:
            return short(parts[0])
        return (
            f"({', '.join(short(part) for part in parts)})"
            if len(parts) <= VECTOR_MAX
            else f"{len(parts)} values"
        )
    return shown(value) or "empty"


def _shown_side(difference: Difference, value: Value | None, *, old: bool) -> str | None:
    if difference.key is None:
        present = difference.removed if old else difference.added
        return "present" if present else None
    return shown(value)
