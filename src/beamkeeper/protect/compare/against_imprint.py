"""An object against the imprint of its earlier copy: what changed is named, what it was is sealed.

The words and grades are those of any comparison: in the place of an old value stands "sealed".
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.change import SEVERITY, Change, Grade, ObjectComparison
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.protect.compare.delivery import single_values, told_singly
from beamkeeper.protect.compare.difference import WHOLE_BRANCHES, Difference, Step
from beamkeeper.protect.compare.digest import meant_vr
from beamkeeper.protect.compare.imprint import (
    PART_BYTES,
    REFERENCE_MARK,
    Imprint,
    imprint_of,
    key_of_name,
    name_of_key,
)
from beamkeeper.protect.compare.objects import DIFFERENCES_MAX, limited, unreadable, verdict
from beamkeeper.protect.compare.places import Pair, place_of, sentence_case
from beamkeeper.protect.compare.subject import Subject
from beamkeeper.protect.compare.values import NUMERIC_VRS, Value, level_value, numbers
from beamkeeper.protect.compare.words import changed, in_words
from beamkeeper.wire.dicom.elements import open_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from beamkeeper.protect.compare.imprint import Entry, Level
    from beamkeeper.protect.compare.imprint import Sequence as Items
    from beamkeeper.protect.compare.rules import CompareRules
    from beamkeeper.wire.dicom.elements import DataSet, Key

SEALED: Final = "sealed"
_SEALED: Final = SEALED.encode()


def compare_with_imprint(old: Imprint, new: Buffer, *, key: bytes, rules: CompareRules) -> ObjectComparison:
    """Return what differs from the copy of which only an imprint is left.

    Bad input is no exception here: a copy that cannot be read is graded unreadable, with the reason.
    """
    after = None
    try:
        after = Subject(open_object(new).dataset)
        now = imprint_of(new, key, rules)
        if old.level is None or now.level is None:
            return _by_one_digest(old, now, after)
        volatile = rules.volatile_tags(after.modality)
        found = list(
            islice(_of_level(old.level, now.level, after.dataset, (), volatile), DIFFERENCES_MAX + 1)
        )
        changes = limited(list(_told(found[:DIFFERENCES_MAX], Pair(after, after))), len(found))
    except ObjectUnreadable as error:
        return unreadable(after, error, "The new copy cannot be read")
    grade = max((change.grade for change in changes), key=SEVERITY.__getitem__, default=Grade.RE_ENCODED)
    return verdict(after, grade, changes)


def _by_one_digest(old: Imprint, now: Imprint, after: Subject) -> ObjectComparison:
    if old.whole == now.whole and old.whole:
        return verdict(after, Grade.RE_ENCODED)
    text = "Something else than before; of such an object the old one is sealed as a whole"
    change = Change(path="", old=SEALED, new=None, text=text, grade=Grade.CLINICAL)
    return verdict(after, Grade.CLINICAL, (change,))


def _of_level(
    old: Level, new: Level, level: DataSet, steps: tuple[Step, ...], volatile: frozenset[int] = frozenset()
) -> Iterator[Difference]:
    """Yield every difference between two levels; the data set is that of the new one."""
    keyed = level.keyed()
    keys = {name_of_key(key): key for key in keyed}
    for name in [*new, *(name for name in old if name not in new)]:
        key = keys[name] if name in keys else key_of_name(name)
        before, after = old.get(name), new.get(name)
        if before == after or key in volatile:
            continue
        if isinstance(before, list) or isinstance(after, list) or key in WHOLE_BRANCHES:
            yield from _of_sequence(before, after, key, level, steps)
        else:
            yield _of_value(before, after, key, level, steps)


def _of_value(
    before: Entry | None, after: Entry | None, key: Key, level: DataSet, steps: tuple[Step, ...]
) -> Difference:
    new: Value | None = None
    if after is not None:
        tag, element = level.keyed()[key]
        new = level_value(level, element, meant_vr(level, key, tag, element))
    if before is None:
        return Difference(steps, key, None, new)
    vr = "LO" if new is None else new.vr
    if not before:
        return Difference(steps, key, Value(vr, b""), new)
    return Difference(steps, key, _old_value(before, after, new), new)


def _old_value(before: Entry, after: Entry | None, new: Value | None) -> Value:
    """Return a value that says "sealed" wherever the old one differs from the new."""
    if not isinstance(before, tuple):
        return Value("LO" if new is None else _vr_of_word(new), _SEALED)
    left, right = _parts(before), _parts(after)
    if new is None or len(left) != len(right):
        return Value("DS", b"\\".join([_SEALED] * len(left)))
    told = zip(left, right, numbers(new), strict=True)
    return Value(
        "DS", b"\\".join(number.encode() if one == other else _SEALED for one, other, number in told)
    )


def _vr_of_word(new: Value) -> str:
    """Return the VR by which a word in an old value's place is shown as the new value is."""
    if new.vr in NUMERIC_VRS:
        return "DS"
    return new.vr if new.vr in _WORDS_VRS else "LO"


_WORDS_VRS = frozenset({"CS", "SH", "LO", "DA", "TM", "DT", "UI", "PN"})


def _parts(entry: Entry | None) -> list[str]:
    if not isinstance(entry, tuple):
        return []
    size = PART_BYTES * 2
    return [entry[1][at : at + size] for at in range(0, len(entry[1]), size)]


def _of_sequence(
    before: Entry | None, after: Entry | None, key: Key, level: DataSet, steps: tuple[Step, ...]
) -> Iterator[Difference]:
    if key in WHOLE_BRANCHES or isinstance(before, str | tuple) or isinstance(after, str | tuple):
        yield Difference(steps, key, branch=(level, level))
        return
    mine, theirs = before or [], after or []
    if not mine and not theirs:
        yield Difference(steps, key)
        return
    yield from _of_items(mine, theirs, key, level, steps)


def _of_items(
    mine: Items, theirs: Items, key: Key, level: DataSet, steps: tuple[Step, ...]
) -> Iterator[Difference]:
    """Yield the differences of items that are told apart by what numbers them, else by their place."""
    items = level.items(level.keyed()[key][0]) if theirs else ()
    pairs, reordered = _matched([number for number, _ in mine], [number for number, _ in theirs])
    if reordered:
        yield Difference(steps, key, reordered=True)
    for left, right in pairs:
        number = mine[left][0] if left is not None else theirs[right or 0][0]
        item = None if right is None else items[right]
        # A removed item has no data set any more: the level it was in stands for "there was one".
        old = None if left is None else item or level
        shown = "" if number.startswith(REFERENCE_MARK) else number
        step = Step(key, shown, left if left is not None else right or 0, old, item)
        if left is None or right is None or item is None:
            yield Difference((*steps, step), None)
        else:
            yield from _of_level(mine[left][1], theirs[right][1], item, (*steps, step))


Pairs = list[tuple[int | None, int | None]]


def _matched(mine: list[str], theirs: list[str]) -> tuple[Pairs, bool]:
    """Return which place of the old items is which of the new, and whether the order changed."""
    unique = all("" not in numbers and len(set(numbers)) == len(numbers) for numbers in (mine, theirs))
    if not unique:
        count = max(len(mine), len(theirs))
        return [
            (at if at < len(mine) else None, at if at < len(theirs) else None) for at in range(count)
        ], False
    here, there = ({number: at for at, number in enumerate(numbers)} for numbers in (mine, theirs))
    gone, come = (
        [one for one in side if one not in other] for side, other in ((mine, there), (theirs, here))
    )
    pairs: Pairs = [(here.get(number), at) for number, at in there.items() if number not in come]
    if len(gone) == len(come) == 1 and here[gone[0]] == there[come[0]]:  # one that got another number
        pairs.append((here[gone[0]], there[come[0]]))
    else:
        pairs += [(None, there[number]) for number in come]
        pairs += [(here[number], None) for number in gone]
    shared = [number for number in mine if number in there]
    return pairs, shared != [number for number in theirs if number in here]


def _told(found: list[Difference], pair: Pair) -> Iterator[Change]:
    yield from single_values((one for one in found if told_singly(one)), pair)
    for one in found:
        if told_singly(one):
            continue
        if one.branch is None:
            yield in_words(one, pair)
        else:
            place = place_of(one, pair)
            what = (
                "contours changed; by how much is sealed" if one.key in WHOLE_BRANCHES else "sequence changed"
            )
            yield changed(one, pair, f"{place}: {what}" if place else sentence_case(what), old=SEALED)
