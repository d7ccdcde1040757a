"""Leaves, jaws and spots in words: which one, where, how far.

Leaf/Jaw Positions (300A,011C) holds all leaves of the first side, then all of the second. The sides
are called as DICOM and IEC 61217 call them (X1 and X2, Y1 and Y2): vendors disagree on which of them
is bank A.

References
----------
DICOM PS3.3 C.8.8.14.3 (order of leaf positions), C.8.8.25.7 (scan spots).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.protect.compare.places import place_of
from beamkeeper.protect.compare.tags import tag_of
from beamkeeper.protect.compare.values import as_float, canonical_number, numbers
from beamkeeper.protect.compare.words import LISTED_MAX, changed, from_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beamkeeper.domain.change import Change
    from beamkeeper.protect.compare.difference import Difference
    from beamkeeper.protect.compare.places import Pair

LEAF_JAW_POSITIONS = tag_of("LeafJawPositions")
_SPOT_POSITIONS = tag_of("ScanSpotPositionMap")
_SPOT_WEIGHTS = tag_of("ScanSpotMetersetWeights")
SINGLE_VALUES = frozenset({LEAF_JAW_POSITIONS, _SPOT_POSITIONS, _SPOT_WEIGHTS})
"""Elements whose numbers are told one by one."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """One number of a list that changed."""

    difference: Difference
    at: int
    count: int
    old: str
    new: str

    @property
    def distance(self) -> float:
        left, right = as_float(self.old), as_float(self.new)
        return float("inf") if left is None or right is None else abs(right - left)


def told_singly(difference: Difference) -> bool:
    """Return whether a difference is a list whose single numbers can be set side by side."""
    if difference.key not in SINGLE_VALUES:
        return False
    return 0 < len(numbers(difference.old)) == len(numbers(difference.new))


def single_values(found: Iterable[Difference], pair: Pair) -> Iterator[Change]:
    """Yield the changed leaves, jaws and spots, beam by beam; many of them as one sum and the largest."""
    by_beam: dict[tuple[str, int], list[_Moved]] = defaultdict(list)
    for difference in found:
        beam = difference.steps[0].number if difference.steps else ""
        assert isinstance(difference.key, int)  # noqa: S101 - `told_singly` let it in
        by_beam[beam, difference.key].extend(_moved(difference))
    for moved in by_beam.values():
        if len(moved) > LISTED_MAX:
            yield _sum(moved, pair)
            moved.sort(key=lambda one: one.distance, reverse=True)
        for one in moved[:LISTED_MAX]:
            text = f"{_whole_place(one, pair)}: {from_to(one.old, one.new)}{_unit(one)}"
            yield changed(one.difference, pair, text, old=one.old, new=one.new, where=f"[{one.at}]")


def _moved(difference: Difference) -> Iterator[_Moved]:
    left, right = numbers(difference.old), numbers(difference.new)
    for at, (old, new) in enumerate(zip(left, right, strict=True)):
        if old != new and canonical_number(old.encode()) != canonical_number(new.encode()):
            yield _Moved(difference, at, len(left), old, new)


def _whole_place(moved: _Moved, pair: Pair) -> str:
    """Return `Beam 2, control point 17, leaf pair 31 (bank X1)`."""
    difference = moved.difference
    if difference.key == LEAF_JAW_POSITIONS:
        before = place_of(difference, pair, leave_out_last=True)
        return f"{before}, {_blade(moved)}" if before else _blade(moved)
    spot = moved.at // 2 if difference.key == _SPOT_POSITIONS else moved.at
    coordinate = f" {'xy'[moved.at % 2]}" if difference.key == _SPOT_POSITIONS else " weight"
    return f"{place_of(difference, pair)}, spot {spot + 1}{coordinate}"


def _blade(moved: _Moved) -> str:
    device = moved.difference.steps[-1].number if moved.difference.steps else ""
    axis = device[-1:] if device[-1:] in {"X", "Y"} else ""
    pairs = moved.count // 2
    side = f"{axis}{1 if moved.at < pairs else 2}"
    if pairs == 1 or not device.startswith("MLC"):
        return f"jaw {side}"
    layer = f", {device}" if device not in {"MLCX", "MLCY"} else ""
    return f"leaf pair {moved.at % pairs + 1} (bank {side}{layer})"


def _unit(moved: _Moved) -> str:
    return "" if moved.difference.key == _SPOT_WEIGHTS else " mm"


def _sum(moved: list[_Moved], pair: Pair) -> Change:
    """Return the sum of many changes as one: how many, at how many places, the largest."""
    largest = max(moved, key=lambda one: one.distance)
    things = {
        LEAF_JAW_POSITIONS: "leaf and jaw positions",
        _SPOT_POSITIONS: "spot coordinates",
        _SPOT_WEIGHTS: "spot weights",
    }[largest.difference.key if isinstance(largest.difference.key, int) else LEAF_JAW_POSITIONS]
    points = len({one.difference.steps[:2] for one in moved})
    at = f"at {points} control point{'s' if points != 1 else ''}"
    beam = place_of(largest.difference, pair, depth=1)
    text = (
        f"{beam}: {len(moved):,} {things} changed {at}; largest: "
        f"{_whole_place(largest, pair).removeprefix(beam + ', ')}, "
        f"{from_to(largest.old, largest.new)}{_unit(largest)}"
    )
    return changed(largest.difference, pair, text, old=largest.old, new=largest.new, where=f"[{largest.at}]")
