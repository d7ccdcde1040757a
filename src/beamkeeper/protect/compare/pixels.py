"""Pixels in words: how many changed, by how much at most, and for a dose in Gy.

References
----------
DICOM PS3.3 C.7.6.3 (Image Pixel), C.8.8.3 (RT Dose: dose = stored value times Dose Grid Scaling).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from beamkeeper.domain.objects import ObjectKind
from beamkeeper.protect.compare.tags import name_of, tag_of
from beamkeeper.protect.compare.values import Value, as_float, level_value, little_endian
from beamkeeper.protect.compare.words import changed, from_to

if TYPE_CHECKING:
    from beamkeeper.domain.change import Change
    from beamkeeper.protect.compare.difference import Difference
    from beamkeeper.protect.compare.places import Pair
    from beamkeeper.wire.dicom.elements import DataSet

PIXEL_DATA = tag_of("PixelData")
DOSE_GRID_SCALING = tag_of("DoseGridScaling")
_BITS, _SIGNED = tag_of("BitsAllocated"), tag_of("PixelRepresentation")
_UNITS = tag_of("DoseUnits")
_CHUNK_PIXELS = 1 << 17
_FRAGMENTS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Stored pixels and what one of their units is worth."""

    stored: np.ndarray[tuple[int], np.dtype[np.generic]]
    scale: float


def pixel_change(difference: Difference, pair: Pair) -> Change:
    """Return what happened to the pixels."""
    old, new = _pixels(pair.old.dataset, difference.old), _pixels(pair.new.dataset, difference.new)
    if old is None or new is None or len(old.stored) != len(new.stored):
        return changed(
            difference,
            pair,
            _untold(difference),
            old=_bytes(difference.old),
            new=_bytes(difference.new),
        )
    count, largest, peak_old, peak_new = _compared(old, new)
    is_dose = pair.new.kind is ObjectKind.DOSE
    unit = _dose_unit(pair) if is_dose else ""
    what = "voxels" if is_dose else "pixels"
    text = f"Pixel Data: {count:,} of {len(old.stored):,} {what} changed, by at most {largest:.6g}{unit}"
    if not is_dose:
        return changed(difference, pair, text, old=_bytes(difference.old), new=_bytes(difference.new))
    if peak_old == peak_new:
        text += f"; maximum dose {peak_old:.6g}{unit}, unchanged"
    else:
        text += f"; maximum dose {from_to(repr(peak_old), repr(peak_new))}{unit}"
    return changed(difference, pair, text, old=f"{peak_old:.9g}", new=f"{peak_new:.9g}")


def scaling_change(difference: Difference, pair: Pair) -> Change | None:
    """Return a changed Dose Grid Scaling as a changed maximum dose; None when the pixels do not tell."""
    sides = []
    for subject in (pair.old, pair.new):
        element = subject.dataset.elements.get(PIXEL_DATA)
        if element is None:
            return None
        pixels = _pixels(subject.dataset, level_value(subject.dataset, element, "OW"))
        if pixels is None or not len(pixels.stored):
            return None
        sides.append(float(pixels.stored.max()) * pixels.scale)
    peaks = from_to(repr(sides[0]), repr(sides[1]))
    text = f"Dose Grid Scaling changed: every voxel is scaled, maximum dose {peaks}{_dose_unit(pair)}"
    return changed(
        difference,
        pair,
        text,
        old=pair.old.dataset.text(DOSE_GRID_SCALING),
        new=pair.new.dataset.text(DOSE_GRID_SCALING),
    )


def _compared(old: _Pixels, new: _Pixels) -> tuple[int, float, float, float]:
    """Return (pixels that differ, largest difference, largest value before and after), scaled."""
    count, largest = 0, 0.0
    peak_old = peak_new = float("-inf")
    for start in range(0, len(old.stored), _CHUNK_PIXELS):
        here, there = old.stored[start : start + _CHUNK_PIXELS], new.stored[start : start + _CHUNK_PIXELS]
        if old.scale == new.scale and here.dtype == there.dtype and np.array_equal(here, there):
            peak = float(here.max()) * old.scale
            peak_old, peak_new = max(peak_old, peak), max(peak_new, peak)
            continue
        left, right = here.astype(np.float64) * old.scale, there.astype(np.float64) * new.scale
        apart = np.abs(right - left)
        count += int(np.count_nonzero(apart))
        largest = max(largest, float(apart.max()))
        peak_old, peak_new = max(peak_old, float(left.max())), max(peak_new, float(right.max()))
    return count, largest, peak_old, peak_new


def _pixels(level: DataSet, value: Value | None) -> _Pixels | None:
    """Return native pixels as numbers; None for compressed ones and for shapes we do not know."""
    width = {8: 1, 16: 2, 32: 4}.get(_short(level, _BITS))
    if value is None or value.raw[:4] in _FRAGMENTS:
        return None
    raw = little_endian(value)
    if width is None or len(raw) < width:
        return None
    signed = _short(level, _SIGNED) == 1
    stored = np.frombuffer(raw[: len(raw) // width * width], f"<{'i' if signed else 'u'}{width}")
    scale = as_float(level.text(DOSE_GRID_SCALING)) if DOSE_GRID_SCALING in level.elements else 1.0
    return _Pixels(stored, 1.0 if scale is None else scale)


def _short(level: DataSet, tag: int) -> int:
    """Return an unsigned short (US); 0 when absent."""
    element = level.elements.get(tag)
    if element is None:
        return 0
    return int.from_bytes(level.bytes_of(element), "little" if level.scope.encoding.little else "big")


def _untold(difference: Difference) -> str:
    name = name_of(PIXEL_DATA)
    if difference.old is None or difference.new is None:
        return f"{name} {'added' if difference.old is None else 'removed'}"
    if any(value.raw[:4] in _FRAGMENTS for value in (difference.old, difference.new)):
        return f"{name} changed; it is compressed on one side at least, so what changed cannot be told"
    return f"{name} changed in size: {_bytes(difference.old)} → {_bytes(difference.new)}"


def _bytes(value: Value | None) -> str | None:
    return None if value is None else f"{len(value.raw):,} bytes"


def _dose_unit(pair: Pair) -> str:
    unit = pair.new.dataset.text(_UNITS)
    return " Gy" if unit == "GY" else f" ({unit.lower() or 'no unit'})"
