"""Ways to write one object differently: encodings, length forms, group lengths, padding, block order."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

from pydicom import Dataset, dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_data_element

if TYPE_CHECKING:
    import random

IMPLICIT, EXPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
)


def whole(dataset: Dataset, syntax: str = EXPLICIT) -> bytes:
    """Return a file: preamble, file meta information, data set, every length defined."""
    return encoded(dataset, syntax=syntax)


def reread(data: bytes) -> Dataset:
    return dcmread(io.BytesIO(data), force=True)


_LONG = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])
_BLANK_PADDED = frozenset(
    ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UT"]
)
_WIDTHS = {"OW": 2, "OF": 4, "OD": 8, "OL": 4, "OV": 8}


def encoded(
    dataset: Dataset, *, syntax: str = EXPLICIT, rng: random.Random | None = None, bare: bool = False
) -> bytes:
    """Write a data set; with `rng` in a random but equal form (length forms, group lengths, padding)."""
    writer = _Writer(explicit=syntax != IMPLICIT, little=syntax != BIG, rng=rng)
    body = writer.level(dataset)
    if bare:
        return body
    if syntax == DEFLATED:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = deflater.compress(body) + deflater.flush()
    meta = Dataset()
    meta.add_new(0x00020002, "UI", str(dataset.get("SOPClassUID", "")))
    meta.add_new(0x00020003, "UI", str(dataset.get("SOPInstanceUID", "")))
    meta.add_new(0x00020010, "UI", syntax)
    return b"\0" * 128 + b"DICM" + _Writer(explicit=True, little=True, rng=None).level(meta) + body


class _Writer:
    """An encoder of our own, so that the scanner is not proved by its own mistakes."""

    def __init__(self, *, explicit: bool, little: bool, rng: random.Random | None) -> None:
        self.explicit, self.little, self.rng = explicit, little, rng
        self.order = "<" if little else ">"

    def chance(self, probability: float) -> bool:
        return self.rng is not None and self.rng.random() < probability

    def level(self, dataset: Dataset, charset: object = None) -> bytes:
        correct_ambiguous_vr(dataset, True)
        charset = dataset.get("SpecificCharacterSet", charset)
        blocks = self._blocks(dataset)
        parts: dict[int, bytes] = {}
        for element in dataset:
            tag = int(element.tag)
            if tag & 0xFFFF == 0:
                continue
            parts[blocks(tag)] = self._one(blocks(tag), element, charset)
        return self._joined(parts)

    def _blocks(self, dataset: Dataset):
        """Move private blocks to other places, if so decided."""
        tags = map(int, dataset.keys())
        moved = {tag: tag for tag in tags if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF}
        if moved and self.chance(0.7):
            for group in {tag >> 16 for tag in moved}:
                mine = [tag for tag in moved if tag >> 16 == group]
                places = self.rng.sample(range(0x10, 0xFF), len(mine))
                moved.update({tag: group << 16 | place for tag, place in zip(mine, places, strict=True)})

        def new_place(tag: int) -> int:
            if not tag >> 16 & 1:
                return tag
            if tag in moved:
                return moved[tag]
            block = moved.get(tag >> 16 << 16 | tag >> 8 & 0xFF)
            return tag if block is None else tag >> 16 << 16 | (block & 0xFF) << 8 | tag & 0xFF

        return new_place

    def _joined(self, parts: dict[int, bytes]) -> bytes:
        out, group_lengths = [], self.chance(0.5)
        for group in sorted({tag >> 16 for tag in parts}):
            body = b"".join(parts[tag] for tag in sorted(parts) if tag >> 16 == group)
            if group_lengths and group > 2:
                out.append(self._header(group << 16, "UL", 4) + struct.pack(self.order + "I", len(body)))
            out.append(body)
        return b"".join(out)

    def _header(self, tag: int, vr: str, length: int) -> bytes:
        head = struct.pack(self.order + "HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + struct.pack(self.order + "I", length)
        if vr in _LONG:
            return head + vr.encode() + b"\0\0" + struct.pack(self.order + "I", length)
        return head + vr.encode() + struct.pack(self.order + "H", length)

    def _one(self, tag: int, element, charset) -> bytes:
        if element.VR == "SQ":
            return self._sequence(tag, element.value, charset)
        vr = element.VR
        value = self._value(element, charset)
        if self.explicit and vr not in _LONG and len(value) > 0xFFFE:
            vr = "UN"  # PS3.5 6.2.2: too long for a length of two bytes
        return self._header(tag, vr, len(value)) + value

    def _value(self, element, charset) -> bytes:
        stream = DicomBytesIO()
        stream.is_little_endian, stream.is_implicit_VR = self.little, True
        write_data_element(stream, element, ["latin-1"] if charset else None)
        value = stream.getvalue()[8:]
        width = _WIDTHS.get(element.VR, 1)
        if not self.little and width > 1:
            value = b"".join(value[at : at + width][::-1] for at in range(0, len(value), width))
        if element.VR in _BLANK_PADDED and value and self.chance(0.2):
            value += b"  "
        if element.VR == "UI" and value and self.chance(0.2):
            value += b"\0\0"
        return value

    def _sequence(self, tag: int, items, charset) -> bytes:
        body = b""
        for inner in items:
            level = self.level(inner, charset)
            if self.chance(0.5):
                body += self._delimiter(0xE000, 0xFFFFFFFF) + level + self._delimiter(0xE00D, 0)
            else:
                body += self._delimiter(0xE000, len(level)) + level
        if self.chance(0.5):
            return self._header(tag, "SQ", 0xFFFFFFFF) + body + self._delimiter(0xE0DD, 0)
        return self._header(tag, "SQ", len(body)) + body

    def _delimiter(self, number: int, length: int) -> bytes:
        return struct.pack(self.order + "HHI", 0xFFFE, number, length)
