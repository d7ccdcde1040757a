"""Where two objects differ: equal bytes are never entered, items are matched by their numbers.

From the top down: where a level is written in the same form, an element with equal bytes is equal,
sequence or not. Only differing branches are opened. Items of a sequence are matched by what numbers
them (Beam Number, Control Point Index, ROI Number), not by their place in a list; where nothing
numbers them, by place.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from beamkeeper.protect.compare.tags import tag_of
from beamkeeper.protect.compare.values import Value, is_plain, level_value, same_meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.wire.dicom.elements import DataSet, Element, Key

_NUMBERED_BY = {
    "BeamSequence": "BeamNumber",
    "IonBeamSequence": "BeamNumber",
    "ControlPointSequence": "ControlPointIndex",
    "IonControlPointSequence": "ControlPointIndex",
    "BrachyControlPointSequence": "ControlPointIndex",
    "FractionGroupSequence": "FractionGroupNumber",
    "ReferencedBeamSequence": "ReferencedBeamNumber",
    "ReferencedBrachyApplicationSetupSequence": "ReferencedBrachyApplicationSetupNumber",
    "ReferencedDoseReferenceSequence": "ReferencedDoseReferenceNumber",
    "DoseReferenceSequence": "DoseReferenceNumber",
    "PatientSetupSequence": "PatientSetupNumber",
    "ToleranceTableSequence": "ToleranceTableNumber",
    "BeamLimitingDeviceToleranceSequence": "RTBeamLimitingDeviceType",
    "BeamLimitingDeviceSequence": "RTBeamLimitingDeviceType",
    "IonBeamLimitingDeviceSequence": "RTBeamLimitingDeviceType",
    "BeamLimitingDevicePositionSequence": "RTBeamLimitingDeviceType",
    "BeamLimitingDeviceLeafPairsSequence": "RTBeamLimitingDeviceType",
    "WedgeSequence": "WedgeNumber",
    "IonWedgeSequence": "WedgeNumber",
    "WedgePositionSequence": "ReferencedWedgeNumber",
    "IonWedgePositionSequence": "ReferencedWedgeNumber",
    "CompensatorSequence": "CompensatorNumber",
    "IonRangeCompensatorSequence": "CompensatorNumber",
    "BlockSequence": "BlockNumber",
    "IonBlockSequence": "BlockNumber",
    "ReferencedBolusSequence": "ReferencedROINumber",
    "RangeShifterSequence": "RangeShifterNumber",
    "LateralSpreadingDeviceSequence": "LateralSpreadingDeviceNumber",
    "RangeModulatorSequence": "RangeModulatorNumber",
    "RangeShifterSettingsSequence": "ReferencedRangeShifterNumber",
    "LateralSpreadingDeviceSettingsSequence": "ReferencedLateralSpreadingDeviceNumber",
    "RangeModulatorSettingsSequence": "ReferencedRangeModulatorNumber",
    "StructureSetROISequence": "ROINumber",
    "ROIContourSequence": "ReferencedROINumber",
    "RTROIObservationsSequence": "ObservationNumber",
    "ApplicationSetupSequence": "ApplicationSetupNumber",
    "ChannelSequence": "ChannelNumber",
    "SourceSequence": "SourceNumber",
    "TreatmentSessionBeamSequence": "ReferencedBeamNumber",
    "TreatmentSessionIonBeamSequence": "ReferencedBeamNumber",
    "ControlPointDeliverySequence": "ReferencedControlPointIndex",
    "IonControlPointDeliverySequence": "ReferencedControlPointIndex",
    "FractionGroupSummarySequence": "ReferencedFractionGroupNumber",
    "FractionStatusSummarySequence": "ReferencedFractionNumber",
}
ITEM_KEYS: dict[int, int] = {tag_of(sequence): tag_of(number) for sequence, number in _NUMBERED_BY.items()}
"""What numbers the items of a sequence, by the tag of the sequence."""
REFERENCED_SOP_INSTANCE_UID = tag_of("ReferencedSOPInstanceUID")
"""What tells items apart in any sequence of references."""

RENUMBERED_MAX = 20
"""Items that lost their number and are looked for under another one; with more it is another list."""
WHOLE_BRANCHES = frozenset({tag_of("ContourSequence")})
"""Sequences reported as one difference, for words that need to see all of it: Contour Sequence."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step down: into an item of a sequence.

    Attributes
    ----------
    number
        What numbers the item ("2", "MLCX"); "" when its place has to do.
    position
        Place in the old list, or in the new one for an item that was added; from 0.
    old, new
        The item on either side; None where it does not exist.
    """

    sequence: Key
    number: str
    position: int
    old: DataSet | None
    new: DataSet | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes
    ----------
    key
        The element; None when the last step as a whole was added or removed.
    old, new
        The values; None where the element is absent or is a sequence.
    reordered
        True when the sequence `key` holds the same numbered items in another order.
    branch
        The level that holds the sequence `key` on either side, for `WHOLE_BRANCHES`.
    """

    steps: tuple[Step, ...]
    key: Key | None
    old: Value | None = None
    new: Value | None = None
    reordered: bool = False
    branch: tuple[DataSet, DataSet] | None = None

    @property
    def added(self) -> bool:
        """Whether a whole item was added."""
        return self.key is None and self.steps[-1].old is None

    @property
    def removed(self) -> bool:
        """Whether a whole item was removed."""
        return self.key is None and self.steps[-1].new is None


def differences(
    old: DataSet,
    new: DataSet,
    *,
    volatile: frozenset[int] = frozenset(),
    steps: tuple[Step, ...] = (),
) -> Iterator[Difference]:
    """Yield every difference of meaning between two levels, in the order of the new one.

    `volatile` elements of these two levels are passed over; inside items nothing is.

    Raises
    ------
    ObjectUnreadable
        A differing branch is damaged.
    """
    if _same_bytes(old, new) and same_form(old, new):
        return
    here, there = old.keyed(), new.keyed()
    alike = same_form(old, new)
    for key in [*there, *(key for key in here if key not in there)]:
        if key in volatile:
            continue
        one, other = here.get(key), there.get(key)
        if one is not None and other is not None and _equal(old, one[1], new, other[1], alike=alike):
            continue
        yield from _of_element((old, new), key, (one, other), steps)


def differences_of_sequence(
    old: DataSet, new: DataSet, key: int, steps: tuple[Step, ...]
) -> Iterator[Difference]:
    """Yield every difference between the items of one sequence, also of `WHOLE_BRANCHES`."""
    yield from _of_items(old.items(key), new.items(key), key, steps)


def same_form(old: DataSet, new: DataSet) -> bool:
    """Return whether equal bytes mean the same on both sides: same encoding, same character set."""
    return old.scope.encoding == new.scope.encoding and old.charset == new.charset


_CHUNK_BYTES = 1 << 20


def _same_span(old: DataSet, new: DataSet, spans: tuple[int, int, int, int]) -> bool:
    start, stop, other_start, other_stop = spans
    if stop - start != other_stop - other_start:
        return False
    left, right = old.scope.source.data, new.scope.source.data
    for offset in range(0, stop - start, _CHUNK_BYTES):
        end = min(offset + _CHUNK_BYTES, stop - start)
        if left[start + offset : start + end] != right[other_start + offset : other_start + end]:
            return False
    return True


def _same_bytes(old: DataSet, new: DataSet) -> bool:
    return _same_span(old, new, (old.start, old.stop, new.start, new.stop))


def _equal(old: DataSet, one: Element, new: DataSet, other: Element, *, alike: bool) -> bool:
    """Return whether two elements are equal by their bytes alone; False says nothing yet.

    Where the levels are written in different forms, equal bytes are an equal value only of a plain
    value in one byte order, and of text only in one character set.
    """
    size = one.stop - one.start
    if size != other.stop - other.start:
        return False
    if size > _CHUNK_BYTES:
        return alike and _same_span(old, new, (one.start, one.stop, other.start, other.stop))
    raw = old.scope.source.data[one.start : one.stop]
    if raw != new.scope.source.data[other.start : other.stop]:
        return False
    if alike:
        return True
    if one.vr == b"SQ" or other.vr == b"SQ" or not (old.scope.encoding.little and new.scope.encoding.little):
        return False
    return (is_plain(raw) or old.charset == new.charset) and not raw.startswith(_ITEM_MARK)


_ITEM_MARK = b"\xfe\xff\x00\xe0"
Found = tuple[int, "Element"] | None


def _of_element(
    levels: tuple[DataSet, DataSet], key: Key, found: tuple[Found, Found], steps: tuple[Step, ...]
) -> Iterator[Difference]:
    (old, new), (one, other) = levels, found
    vr = _vr(old, new, key, one, other)
    if vr != "SQ":
        before, after = _value(old, one, vr), _value(new, other, vr)
        if before is None or after is None or not same_meaning(before, after):
            yield Difference(steps, key, before, after)
        return
    mine = old.items(one[0]) if one else ()
    theirs = new.items(other[0]) if other else ()
    if not mine and not theirs:
        yield Difference(steps, key)
    elif key in WHOLE_BRANCHES and mine and theirs:
        if next(_of_items(mine, theirs, key, steps), None) is not None:
            yield Difference(steps, key, branch=(old, new))
    else:
        yield from _of_items(mine, theirs, key, steps)


def _vr(old: DataSet, new: DataSet, key: Key, one: Found, other: Found) -> str:
    """Return the VR of an element: whichever side knows it."""
    before = old.vr(key, *one) if one else "UN"
    after = new.vr(key, *other) if other else "UN"
    return before if after == "UN" or before == "SQ" else after


def _value(level: DataSet, found: Found, vr: str) -> Value | None:
    if found is None:
        return None
    return level_value(level, found[1], vr)


def _of_items(
    mine: tuple[DataSet, ...],
    theirs: tuple[DataSet, ...],
    key: Key,
    steps: tuple[Step, ...],
) -> Iterator[Difference]:
    pairs, reordered = matched(mine, theirs, key)
    if reordered:
        yield Difference(steps, key, reordered=True)
    for step in pairs:
        if step.old is None or step.new is None:
            yield Difference((*steps, step), None)
        else:
            yield from differences(step.old, step.new, steps=(*steps, step))


def matched(mine: tuple[DataSet, ...], theirs: tuple[DataSet, ...], key: Key) -> tuple[list[Step], bool]:
    """Pair the items of a sequence; return the pairs that may differ and whether the order changed."""
    number_tag = ITEM_KEYS.get(key, 0) if isinstance(key, int) else 0
    if len(mine) == len(theirs):
        in_place = _matched_in_place(mine, theirs, key, number_tag)
        if in_place is not None:
            return in_place, False
    for tag in (number_tag, REFERENCED_SOP_INSTANCE_UID):
        left, right = _numbers(mine, tag), _numbers(theirs, tag)
        if left is not None and right is not None:
            return _matched_by_number(key, left, right)
    pairs = [
        Step(key, item_number(one or other, number_tag), position, one, other)
        for position, (one, other) in enumerate(_side_by_side(mine, theirs))
    ]
    return pairs, False


def _matched_in_place(
    mine: tuple[DataSet, ...],
    theirs: tuple[DataSet, ...],
    key: Key,
    number_tag: int,
) -> list[Step] | None:
    """Pair items by place when every differing pair bears one number: the usual case, and the fast one."""
    tag = number_tag or REFERENCED_SOP_INSTANCE_UID
    pairs = []
    for position, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        if same_form_unread(one, other) and _same_bytes(one, other):
            continue
        number = item_number(one, tag)
        if number != item_number(other, tag) or (number_tag and not number):
            return None
        pairs.append(Step(key, number if number_tag else "", position, one, other))
    return pairs


def same_form_unread(one: DataSet, other: DataSet) -> bool:
    """Return whether two items stand in the same form, without reading them."""
    return one.scope.encoding == other.scope.encoding and one.scope.charset == other.scope.charset


def item_number(item: DataSet | None, tag: int) -> str:
    """Return what the element `tag` numbers an item by; "" when it has none."""
    if item is None or not tag:
        return ""
    text = item.text(tag)
    return str(int(text)) if text.isdecimal() else text


def _numbers(items: tuple[DataSet, ...], tag: int) -> dict[str, tuple[int, DataSet]] | None:
    """Return items by number; None when one has none or two have the same."""
    if not tag:
        return None
    numbered = {item_number(item, tag): (position, item) for position, item in enumerate(items)}
    return None if "" in numbered or len(numbered) != len(items) else numbered


def _matched_by_number(
    key: Key,
    left: dict[str, tuple[int, DataSet]],
    right: dict[str, tuple[int, DataSet]],
) -> tuple[list[Step], bool]:
    pairs: list[Step] = []
    left, right = dict(left), dict(right)
    gone = [number for number in left if number not in right]
    for number in gone if len(gone) <= RENUMBERED_MAX else ():
        renumbered = _renumbered(left[number][1], right, left)
        if renumbered is not None:  # under one number from here on, so that it is told as one change
            right = {number if there == renumbered else there: item for there, item in right.items()}
    for number in [*left, *(number for number in right if number not in left)]:
        position, one = left.get(number, (-1, None))
        there, other = right.get(number, (-1, None))
        pairs.append(Step(key, number, position if one is not None else there, one, other))
    shared_left = [number for number in left if number in right]
    shared_right = [number for number in right if number in left]
    return pairs, shared_left != shared_right


def _renumbered(
    item: DataSet, right: dict[str, tuple[int, DataSet]], left: dict[str, tuple[int, DataSet]]
) -> str | None:
    """Return the new number of an item that changed nothing but its number; None when there is none."""
    for number, (_, other) in right.items():
        if number not in left and len(item.elements) == len(other.elements):
            found = list(islice(differences(item, other), 2))
            if len(found) == 1 and found[0].key is not None and not found[0].steps:
                return number
    return None


def _side_by_side(
    mine: tuple[DataSet, ...],
    theirs: tuple[DataSet, ...],
) -> Iterator[tuple[DataSet | None, DataSet | None]]:
    for position in range(max(len(mine), len(theirs))):
        yield (
            mine[position] if position < len(mine) else None,
            theirs[position] if position < len(theirs) else None,
        )
