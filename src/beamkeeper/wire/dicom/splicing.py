"""Changing single elements of an object in its bytes: everything else stays as it lies in the file.

Only the main level is touched. What is put in takes the file's own encoding, whatever it is; a deflated
data set is inflated, changed and deflated again.

References
----------
DICOM PS3.5 chapter 7 (elements, sequences), 7.2 (group lengths), A.5 (deflated)
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.elements_vr import IMPLICIT_LITTLE, LONG_VRS, REPEATED, Encoding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beamkeeper.wire.dicom.elements import RawObject
    from beamkeeper.wire.dicom.elements_level import DataSet, Element

SHORT_BYTES_MAX: Final = 0xFFFE
"""Of a value whose length has two bytes."""
_DELIMITERS: Final = {
    little: tuple(struct.pack("<HHI" if little else ">HHI", 0xFFFE, number, 0) for number in (0xE00D, 0xE0DD))
    for little in (True, False)
}
_ITEM: Final = 0xFFFEE000
_PADS: Final = {b"UI": b"\0", b"OB": b"\0"}


def element(encoding: Encoding, tag: int, vr: bytes, value: bytes) -> bytes:
    """Return one element with its header, its value padded to an even length (blank; UID and bytes NUL)."""
    if vr not in {b"SQ", b"UN"}:
        value += _PADS.get(vr, b" ") * (len(value) % 2)
    order = "<" if encoding.little else ">"
    group, number = tag >> 16 & 0xFFFF, tag & 0xFFFF
    if not encoding.explicit:
        return struct.pack(f"{order}HHI", group, number, len(value)) + value
    if vr in LONG_VRS:
        return struct.pack(f"{order}HH2sHI", group, number, vr, 0, len(value)) + value
    if len(value) > SHORT_BYTES_MAX:
        raise ValueError(f"a value of {len(value)} bytes does not fit VR {vr!r}")
    return struct.pack(f"{order}HH2sH", group, number, vr, len(value)) + value


def item(encoding: Encoding, *elements: bytes) -> bytes:
    """Return one item of defined length holding these elements."""
    content = b"".join(elements)
    order = "<" if encoding.little else ">"
    return struct.pack(f"{order}HHI", _ITEM >> 16, _ITEM & 0xFFFF, len(content)) + content


def with_item_more(dataset: DataSet, tag: int, more: bytes) -> bytes:
    """Return the whole sequence element at `tag` with one item behind those that are there.

    Parameters
    ----------
    more
        The item, in `inner_encoding` of that sequence.
    """
    there = dataset.elements.get(tag)
    if there is None:
        return element(dataset.scope.encoding, tag, b"SQ", more)
    dataset.items(tag)  # raises where it is damaged
    vr = _written_vr(dataset, there) or b"SQ"
    return element(dataset.scope.encoding, tag, vr, dataset.bytes_of(there) + more)


def inner_encoding(dataset: DataSet, tag: int) -> Encoding:
    """Return how elements in the sequence at `tag` are written, or would be."""
    there = dataset.elements.get(tag)
    if there is not None and _written_vr(dataset, there) == b"UN":
        return IMPLICIT_LITTLE  # PS3.5 6.2.2
    return dataset.scope.encoding


def spliced(raw: RawObject, data: bytes, changes: Mapping[int, bytes | None]) -> bytes:
    """Return the file with elements of its main level replaced, put in, or (None) taken out.

    Raises
    ------
    ObjectUnreadable
        The elements do not follow one another as their headers say.
    """
    source = bytes(raw.dataset.scope.source.data)
    spans = dict(_spans(raw.dataset))
    edits = _edits(spans, changes, raw.dataset.stop)
    edits += _group_lengths(raw.dataset, spans, changes)
    parts, at = [], raw.dataset.start
    for start, stop, new in sorted(edits, key=lambda edit: edit[:2]):
        parts += [source[at:start], new]
        at = stop
    body = b"".join([*parts, source[at:]])
    if source is data or source == data:
        return data[: raw.dataset.start] + body
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflater.compress(body) + deflater.flush()
    head = 0 if raw.meta is None else raw.meta.stop
    return data[:head] + packed + b"\0" * (len(packed) % 2)


def stored_bytes(raw: RawObject) -> dict[int, bytes]:
    """Return each element of the main level whole, header and all, as it lies in the file."""
    source = bytes(raw.dataset.scope.source.data)
    return {tag: source[start:stop] for tag, (start, stop) in _spans(raw.dataset)}


_Edit = tuple[int, int, bytes]


def _edits(
    spans: Mapping[int, tuple[int, int]], changes: Mapping[int, bytes | None], end: int
) -> list[_Edit]:
    """Return what to put where; a new element goes before the first that has a higher tag."""
    edits: list[_Edit] = []
    put_in: dict[int, list[tuple[int, bytes]]] = {}
    last = max((stop for _, stop in spans.values()), default=end)
    for tag, new in sorted(changes.items()):
        if tag in spans:
            edits.append((*spans[tag], new or b""))
        elif new is not None:
            place = next((start for there, (start, _) in spans.items() if there % REPEATED > tag), last)
            put_in.setdefault(place, []).append((tag, new))
    edits += [(place, place, b"".join(new for _, new in sorted(more))) for place, more in put_in.items()]
    return edits


def _group_lengths(
    dataset: DataSet, spans: Mapping[int, tuple[int, int]], changes: Mapping[int, bytes | None]
) -> Iterator[_Edit]:
    """Say the new length of each group that states one (retired, and still written)."""
    order = "<" if dataset.scope.encoding.little else ">"
    for group in {tag >> 16 for tag in changes}:
        there = dataset.elements.get(group << 16)
        if there is None or there.stop - there.start != 4:  # noqa: PLR2004 - UL
            continue
        (length,) = struct.unpack(f"{order}I", dataset.bytes_of(there))
        for tag, new in changes.items():
            if tag >> 16 == group:
                start, stop = spans.get(tag, (0, 0))
                length += len(new or b"") - (stop - start)
        yield there.start, there.stop, struct.pack(f"{order}I", length & 0xFFFFFFFF)


def _spans(dataset: DataSet) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield where each element of a level begins, header included, and ends, delimiters included."""
    data, encoding = dataset.scope.source.data, dataset.scope.encoding
    delimiters = _DELIMITERS[encoding.little]
    position = dataset.start
    for tag, there in dataset.elements.items():
        while data[position : position + 8] in delimiters:
            position += 8
        header = struct.unpack_from("<HH" if encoding.little else ">HH", data, position)
        if there.start - position not in (8, 12) or header != (tag >> 16 & 0xFFFF, tag & 0xFFFF):
            raise ObjectUnreadable(
                f"The element at byte {position:,} does not begin where the one before ends.",
                do_next="Ask the source for the object again.",
            )
        start, position = position, there.stop
        while data[position : position + 8] in delimiters:
            position += 8
        yield tag, (start, position)


def _written_vr(dataset: DataSet, there: Element) -> bytes:
    """Return the VR in the file; b"" where it states none."""
    vr_at = there.start - 8  # of a header of twelve bytes: SQ and UN both have one
    if not dataset.scope.encoding.explicit or vr_at < dataset.start + 4:
        return b""
    vr = bytes(dataset.scope.source.data[vr_at : vr_at + 2])
    return vr if vr in {b"SQ", b"UN"} else b""
