"""A flat look at DICOM bytes: which element lies where, nothing converted.

Comparing two copies needs where values are, not what they mean, and it needs it for objects that a
full reader would spend seconds on. `open_object` finds the data set (with or without preamble and
file meta information, in any uncompressed or encapsulated transfer syntax), and `DataSet.elements`
reads one level of it on demand: tag -> (VR, first byte, last byte). Sequences of defined length are
entered only when asked; sequences of undefined length must be walked to find their end.

Why beside `reader_bytes`, which finds elements too: that one opens an object to say what it means; it walks
the main level once, in one dictionary by tag, and says what was odd. This one is asked where bytes differ, or
where to change them: a level is read only when somebody asks, private elements are known by their creator, a
repeated element is kept beside the first, and a map of a file is not copied. On the data sets of the tests
they find the same elements and refuse the same files, which a test holds.

Everything is bounded: depth, number of elements, inflated size. Whatever the bytes are, the only
error is `ObjectUnreadable`.

References
----------
DICOM PS3.5 chapter 7; PS3.10 chapter 7 (file meta information).
"""

from __future__ import annotations

import mmap
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.elements_level import (
    DEPTH_MAX,
    ELEMENTS_MAX,
    DataSet,
    Element,
    Scope,
    Source,
    cut_short,
)
from beamkeeper.wire.dicom.elements_vr import (
    ENCODINGS,
    EXPLICIT_HEADER,
    EXPLICIT_LITTLE,
    HEADER_BYTES,
    LONG_LENGTH,
    LONG_VRS,
    REPEATED,
    SHORT_VRS,
    Encoding,
    Key,
    PrivateTag,
    dictionary_vr,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

__all__ = [
    "DEPTH_MAX",
    "ELEMENTS_MAX",
    "INFLATED_BYTES_MAX",
    "REPEATED",
    "DataSet",
    "Element",
    "Encoding",
    "Key",
    "PrivateTag",
    "RawObject",
    "dictionary_vr",
    "flatten",
    "open_object",
]

INFLATED_BYTES_MAX = 1 << 30
"""Size of a deflated data set once inflated: a zip bomb stops here."""

_DEFLATED = "1.2.840.10008.1.2.1.99"
_TRANSFER_SYNTAX_UID = 0x00020010
_MARK, _MARK_AT = b"DICM", 128
_META_GROUP = b"\x02\x00"
_FIRST_GROUP_MAX = 0x0010
"""A bare data set begins with a group up to the patient's: command 0000, identifying 0008, 0010."""


@dataclass(frozen=True, slots=True)
class RawObject:
    """One object, opened but not interpreted.

    Attributes
    ----------
    transfer_syntax_uid
        As the file meta information says; "" when there is none.
    meta
        The file meta information; None when the file has none.
    """

    transfer_syntax_uid: str
    meta: DataSet | None
    dataset: DataSet


def open_object(data: Buffer) -> RawObject:
    """Return the object in `data`, its main level read.

    Raises
    ------
    ObjectUnreadable
        Not DICOM, cut short, damaged, or beyond a bound.
    """
    held = _held(data)
    source = Source(held)
    start = _MARK_AT + len(_MARK) if held[_MARK_AT : _MARK_AT + len(_MARK)] == _MARK else 0
    meta, start = _read_meta(source, start)
    transfer_syntax_uid = meta.text(_TRANSFER_SYNTAX_UID) if meta is not None else ""
    if transfer_syntax_uid == _DEFLATED:
        source, start = Source(_inflate(held[start:])), 0
    encoding = _encoding_at(source.data, start, transfer_syntax_uid)
    dataset = DataSet(Scope(source, encoding), start, len(source.data))
    if not dataset.elements:
        raise ObjectUnreadable(
            "The file holds no DICOM element after its header.", do_next="Ask the source for it again."
        )
    return RawObject(transfer_syntax_uid, meta, dataset)


def _held(data: Buffer) -> bytes | mmap.mmap:
    """Return the bytes behind a buffer without copying them where it is all of a file or of `bytes`."""
    if isinstance(data, bytes | mmap.mmap):
        return data
    view = memoryview(data)
    if isinstance(view.obj, bytes | mmap.mmap) and view.nbytes == len(view.obj) and view.contiguous:
        return view.obj
    return bytes(view)


def _read_meta(source: Source, start: int) -> tuple[DataSet | None, int]:
    """Find the file meta information (group 0002, always explicit little endian) if it is there."""
    data, position = source.data, start
    while position + HEADER_BYTES <= len(data) and data[position : position + 2] == _META_GROUP:
        _, _, vr, length = EXPLICIT_HEADER[True](data, position)
        end = position + HEADER_BYTES + length
        if vr in LONG_VRS:
            if position + 12 > len(data):
                raise cut_short(position)
            end = position + 12 + LONG_LENGTH[True](data, position + 8)[0]
        if end > len(data):
            raise cut_short(position)
        position = end
    if position == start:
        return None, start
    return DataSet(Scope(source, EXPLICIT_LITTLE), start, position), position


def _encoding_at(data: bytes | mmap.mmap, start: int, transfer_syntax_uid: str) -> Encoding:
    """Decide the encoding by the first element; the transfer syntax decides only what that leaves open.

    Files without file meta information are common (Monaco), and files whose transfer syntax is not
    the one they were written in exist.
    """
    head = data[start : start + HEADER_BYTES]
    if len(head) < HEADER_BYTES:
        raise ObjectUnreadable(
            f"The file ends after {len(data):,} bytes, before its first element.",
            do_next="Ask the source for it again.",
        )
    states_vr = head[4:6] in SHORT_VRS or head[4:6] in LONG_VRS
    little_group, big_group = int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big")
    little = little_group <= big_group if states_vr else True
    if (little_group if little else big_group) > _FIRST_GROUP_MAX and not transfer_syntax_uid:
        raise ObjectUnreadable(
            "The file is not DICOM: it has neither the mark DICM at byte 128 nor a first element that "
            "could begin a data set.",
            do_next="Nothing to do if it is another kind of file; else ask the source for it again.",
        )
    declared = ENCODINGS.get(transfer_syntax_uid, EXPLICIT_LITTLE) if transfer_syntax_uid else None
    if declared is not None and declared.explicit == states_vr:
        return declared
    return Encoding(explicit=states_vr, little=little)


def _inflate(deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(deflated, INFLATED_BYTES_MAX)
    except zlib.error as error:
        raise ObjectUnreadable(
            "The object says it is deflated, and its bytes cannot be inflated.",
            do_next="Ask the source for it again.",
        ) from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise ObjectUnreadable(
            f"The deflated object is cut short, or larger than {INFLATED_BYTES_MAX:,} bytes once inflated.",
            do_next="Ask the source for it again, uncompressed.",
        )
    return inflated


def flatten(
    dataset: DataSet, prefix: tuple[Key | int, ...] = ()
) -> Iterator[tuple[tuple[Key | int, ...], str, bytes]]:
    """Yield every value below `dataset` as (path, VR, stored bytes).

    A path is element keys and item positions from 0, in turn. A sequence itself is yielded with the
    number of its items as value, so that an empty one is seen too.

    Raises
    ------
    ObjectUnreadable
        A sequence inside is damaged.
    """
    for key, (tag, element) in dataset.keyed().items():
        vr = dataset.vr(key, tag, element)
        path = (*prefix, key)
        if vr != "SQ":
            yield path, vr, dataset.bytes_of(element)
            continue
        items = dataset.items(tag)
        yield path, "SQ", str(len(items)).encode()
        for position, item in enumerate(items):
            yield from flatten(item, (*path, position))
