"""Contours in words: how many came, went and moved, and the largest distance in mm.

References
----------
DICOM PS3.3 C.8.8.6 (ROI Contour module): points are x, y, z in mm in the patient frame.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from beamkeeper.protect.compare.difference import differences_of_sequence
from beamkeeper.protect.compare.places import place_of
from beamkeeper.protect.compare.tags import tag_of
from beamkeeper.protect.compare.values import canonical_number
from beamkeeper.protect.compare.words import LISTED_MAX, changed, in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from beamkeeper.domain.change import Change
    from beamkeeper.protect.compare.difference import Difference
    from beamkeeper.protect.compare.places import Pair
    from beamkeeper.wire.dicom.elements import DataSet

CONTOUR_SEQUENCE = tag_of("ContourSequence")
_CONTOUR_DATA, _TYPE = tag_of("ContourData"), tag_of("ContourGeometricType")
POINT_PAIRS_MAX = 1_000_000
"""Distances computed for one contour; contours with more are thinned, and the distance is a lower bound."""


@dataclass(frozen=True, slots=True)
class _Contour:
    points_mm: NDArray[np.float64]
    """(point, 3), patient frame, mm."""
    exact: bytes
    """The numbers in one written form: equal exactly when the contours are."""

    @property
    def z_mm(self) -> float:
        return round(float(self.points_mm[:, 2].mean()), 3) if len(self.points_mm) else float("nan")


def contour_changes(difference: Difference, pair: Pair) -> Iterator[Change]:
    """Yield what happened to the contours of one ROI."""
    assert difference.branch is not None  # noqa: S101 - only branches come here
    old, new = (_contours(level) for level in difference.branch)
    gone, come = _unmatched(old, new)
    moved, removed, added = _paired(gone, come)
    place = place_of(difference, pair)
    if moved:
        far, before, after = max(moved, key=lambda one: one[0])
        text = (
            f"{place}: {_count(len(moved), 'contour')} moved, at most {far:.3g} mm "
            f"(slice z = {before.z_mm:g} mm)"
        )
        yield changed(
            difference,
            pair,
            text,
            old=f"{len(before.points_mm)} points",
            new=f"{len(after.points_mm)} points",
        )
    for contours, verb in ((removed, "removed"), (added, "added")):
        if contours:
            text = f"{place}: {_count(len(contours), 'contour')} {verb} ({_slices(contours)})"
            yield changed(difference, pair, text, old=f"{len(old)} contours", new=f"{len(new)} contours")
    if not gone and not come:
        yield from _beside_the_points(difference, pair)


def _beside_the_points(difference: Difference, pair: Pair) -> Iterator[Change]:
    """Tell what differs when every point is where it was: image references, types, order."""
    assert difference.branch is not None  # noqa: S101
    old, new = difference.branch
    inner = list(differences_of_sequence(old, new, CONTOUR_SEQUENCE, difference.steps))
    for one in inner[:LISTED_MAX]:
        yield in_words(one, pair)
    if len(inner) > LISTED_MAX:
        text = f"{place_of(difference, pair)}: {len(inner):,} details of contours changed, no point moved"
        yield changed(difference, pair, text)


def _contours(roi: DataSet) -> list[_Contour]:
    return [_contour(item) for item in roi.items(CONTOUR_SEQUENCE)]


def _contour(item: DataSet) -> _Contour:
    raw = item.value(_CONTOUR_DATA) or b""
    written = [canonical_number(part) for part in raw.split(b"\\")] if raw else []
    try:
        flat = np.array([float(part) for part in written], dtype=np.float64)
    except ValueError:
        flat = np.empty(0)
    points = flat[: len(flat) // 3 * 3].reshape(-1, 3)
    return _Contour(points, item.text(_TYPE).encode() + b"|" + b"\\".join(written))


def _unmatched(old: list[_Contour], new: list[_Contour]) -> tuple[list[_Contour], list[_Contour]]:
    """Leave out the contours that are on both sides, wherever in the list they stand."""
    here, there = Counter(one.exact for one in old), Counter(one.exact for one in new)
    return _surplus(old, here - there), _surplus(new, there - here)


def _surplus(contours: list[_Contour], surplus: Counter[bytes]) -> list[_Contour]:
    left = []
    for contour in contours:
        if surplus[contour.exact] > 0:
            surplus[contour.exact] -= 1
            left.append(contour)
    return left


_Move = tuple[float, _Contour, _Contour]


def _paired(gone: list[_Contour], come: list[_Contour]) -> tuple[list[_Move], list[_Contour], list[_Contour]]:
    """Pair contours of one slice by nearness; return the moves (mm), what is gone and what is new."""
    by_slice: dict[float, list[_Contour]] = defaultdict(list)
    for contour in come:
        by_slice[contour.z_mm].append(contour)
    moves, removed = [], []
    for contour in gone:
        candidates = by_slice.get(contour.z_mm)
        if not candidates:
            removed.append(contour)
            continue
        apart = [_centres_mm(contour, candidate) for candidate in candidates]
        other = candidates.pop(apart.index(min(apart)))
        moves.append((_distance_mm(contour, other), contour, other))
    added = [contour for contours in by_slice.values() for contour in contours]
    if removed and len(removed) == len(added):  # moved along z: the same contours on other slices
        for one, other in zip(removed, added, strict=True):
            moves.append((_distance_mm(one, other), one, other))
        removed, added = [], []
    return moves, removed, added


def _centres_mm(one: _Contour, other: _Contour) -> float:
    if not len(one.points_mm) or not len(other.points_mm):
        return float("inf")
    return float(np.linalg.norm(one.points_mm.mean(axis=0) - other.points_mm.mean(axis=0)))


def _distance_mm(one: _Contour, other: _Contour) -> float:
    """Return how far a contour moved: point by point where they correspond, else outline to outline."""
    left, right = one.points_mm, other.points_mm
    if not len(left) or not len(right):
        return float("inf")
    if len(left) == len(right):
        return float(np.linalg.norm(left - right, axis=1).max())
    return max(_to_outline_mm(left, right), _to_outline_mm(right, left))


def _to_outline_mm(points: NDArray[np.float64], outline: NDArray[np.float64]) -> float:
    """Return the largest distance of `points` from the closed outline, mm."""
    thin = max(1, int(np.ceil(len(points) * len(outline) / POINT_PAIRS_MAX)))
    points = points[::thin]
    start, along = outline, np.roll(outline, -1, axis=0) - outline
    length2 = np.maximum((along**2).sum(axis=1), 1e-12)
    worst = 0.0
    for point in points:
        share = np.clip(((point - start) * along).sum(axis=1) / length2, 0.0, 1.0)
        nearest = start + share[:, None] * along
        worst = max(worst, float(((point - nearest) ** 2).sum(axis=1).min()))
    return float(np.sqrt(worst))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' if number != 1 else ''}"


def _slices(contours: list[_Contour]) -> str:
    places = sorted({contour.z_mm for contour in contours})
    if len(places) == 1:
        return f"slice z = {places[0]:g} mm"
    return f"slices z = {places[0]:g} to {places[-1]:g} mm"
