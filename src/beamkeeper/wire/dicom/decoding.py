"""Compressed pixels as numbers: RLE Lossless and JPEG Lossless, by array arithmetic alone.

What comes out of a hospital's archive is not trusted, and whoever reads it holds the keys of the vault. So no
decoder in C is asked: these two are short, cannot leave their arrays, and are what many archives use for CT.

References
----------
DICOM PS3.5 A.4 (fragments), Annex G (RLE). ITU-T T.81 Annex H and F.2.2 (JPEG Lossless, Huffman coding).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import unpack_from
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.errors import ObjectUnreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray

RLE: Final = "1.2.840.10008.1.2.5"
JPEG_LOSSLESS: Final = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
_NAMES: Final = {
    "1.2.840.10008.1.2.4.50": "JPEG baseline",
    "1.2.840.10008.1.2.4.51": "JPEG extended",
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.81": "JPEG-LS with loss",
    "1.2.840.10008.1.2.4.90": "JPEG 2000",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.201": "HTJ2K",
    "1.2.840.10008.1.2.4.202": "HTJ2K",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
}
DECODED_PIXELS_MAX: Final = 2048 * 2048
"""Of one frame."""
LARGER_THAN_PLAIN: Final = 2
"""Compressed data of more than so many times the plain size are none."""
_SEGMENTS_MAX: Final = 15
_PADDING: Final = 64
_ITEM: Final = b"\xfe\xff\x00\xe0"


def decoded(
    fragments: list[memoryview], transfer_syntax_uid: str, shape: tuple[int, ...], bits: int
) -> NDArray[np.generic]:
    """Return the stored values of compressed frames, (row, column) or (frame, row, column), unsigned.

    Parameters
    ----------
    fragments
        As `fragments_of` gives them.
    bits
        Bits Allocated, 8, 16 or 32.

    Raises
    ------
    ObjectUnreadable
        Compressed in another way, too large, or not whole.
    """
    rows, columns = shape[-2:]
    frames = shape[0] if len(shape) > 2 else 1  # noqa: PLR2004 - (row, column)
    if transfer_syntax_uid != RLE and transfer_syntax_uid not in JPEG_LOSSLESS:
        name = _NAMES.get(transfer_syntax_uid, "in a way that is not known here")
        raise ObjectUnreadable(
            f"The pixel data are compressed ({name}): they are kept whole and cannot be drawn here;"
            " a DICOM viewer shows them."
        )
    if rows * columns > DECODED_PIXELS_MAX:
        raise ObjectUnreadable("The compressed pixel data are too large to be drawn.")
    plain = rows * columns * bits // 8
    if frames == 1 and transfer_syntax_uid != RLE:
        fragments = [memoryview(b"".join(fragments))]
    if len(fragments) != frames:
        raise ObjectUnreadable("The compressed pixel data do not lie frame by frame.")
    if any(len(one) > LARGER_THAN_PLAIN * plain + 1024 for one in fragments):
        raise ObjectUnreadable("The compressed pixel data are larger than plain ones would be.")
    if transfer_syntax_uid == RLE:
        found = [_run_lengths(bytes(one), rows * columns, bits // 8) for one in fragments]
    else:
        found = [_jpeg_lossless(bytes(one), rows, columns) for one in fragments]
    return np.concatenate(found).reshape(shape)


def fragments_of(data: memoryview, start: int, end: int) -> list[memoryview]:
    """Return the fragments of encapsulated pixel data, without the Basic Offset Table that leads them.

    Raises
    ------
    ObjectUnreadable
        The items do not fit.
    """
    found: list[memoryview] = []
    at = start
    while at + 8 <= end and bytes(data[at : at + 4]) == _ITEM:
        (length,) = unpack_from("<I", data, at + 4)
        if at + 8 + length > end:
            raise ObjectUnreadable("Truncated: a fragment of the pixel data runs past their end.")
        found.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return found[1:]


def _run_lengths(data: bytes, pixels: int, size: int) -> NDArray[np.generic]:
    """Return one frame of RLE Lossless (PS3.5 G.5): a segment for each byte of a value, the highest first."""
    if len(data) < 64:  # noqa: PLR2004 - the header
        raise ObjectUnreadable("Truncated: the RLE header is not whole.")
    count, *starts = unpack_from("<16I", data)
    if count != size or count > _SEGMENTS_MAX:
        raise ObjectUnreadable("The RLE segments are not as many as a value has bytes.")
    ends = [*starts[1:count], len(data)]
    planes = [_unpacked(data[a:b], pixels) for a, b in zip(starts[:count], ends, strict=True)]
    return np.stack(planes, axis=1).view(f">u{size}").ravel().astype(f"<u{size}")


def _unpacked(data: bytes, pixels: int) -> NDArray[np.uint8]:
    """Return one segment (PS3.5 G.3.1, as Macintosh PackBits)."""
    out = bytearray()
    at = 0
    while at + 1 < len(data) and len(out) < pixels:
        head = data[at]
        if head < 128:  # noqa: PLR2004 - so many and one bytes as they stand
            out += data[at + 1 : at + 2 + head]
            at += 2 + head
        elif head > 128:  # noqa: PLR2004 - one byte repeated
            out += data[at + 1 : at + 2] * (257 - head)
            at += 2
        else:
            at += 1
    if len(out) < pixels:
        raise ObjectUnreadable("Truncated: an RLE segment ends before its last pixel.")
    return np.frombuffer(bytes(out[:pixels]), np.uint8)


@dataclass(slots=True)
class _Stream:
    """What the headers of a JPEG stream say.

    Attributes
    ----------
    tables
        Huffman tables by number: for the next 16 bits, (length of the code, bits of the difference).
    """

    precision: int = 0
    rows: int = 0
    columns: int = 0
    predictor: int = 0
    shift: int = 0
    table: int = 0
    coded: bytes = b""
    tables: dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = field(default_factory=dict)


def _jpeg_lossless(data: bytes, rows: int, columns: int) -> NDArray[np.generic]:
    """Return one frame of JPEG Lossless, one component, predicted from the left (selection value 1)."""
    stream = _headers(data)
    if (stream.rows, stream.columns) != (rows, columns):
        raise ObjectUnreadable("The JPEG stream has another size than the object states.")
    if stream.predictor != 1:
        raise ObjectUnreadable("The pixel data are JPEG Lossless of a rare kind: they cannot be drawn here.")
    differences = _differences(stream, rows * columns).reshape(rows, columns)
    # T.81 H.1.2.1: the first from the middle value, the first of a row from above, the others from the left.
    differences[0, 0] += 1 << (stream.precision - stream.shift - 1)
    differences[:, 0] = np.cumsum(differences[:, 0])
    values = np.cumsum(differences, axis=1) & 0xFFFF
    return (values << stream.shift).astype("<u2" if stream.precision > 8 else "u1").ravel()  # noqa: PLR2004 - bits


def _headers(data: bytes) -> _Stream:
    """Return what stands before the coded data, and these."""
    stream = _Stream()
    at = 2
    while at + 4 <= len(data):
        mark, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if data[at] != 0xFF or length < 2 or len(body) != length - 2:  # noqa: PLR2004 - counts itself
            break
        if mark == 0xC4:  # noqa: PLR2004 - DHT
            _read_tables(body, stream)
        elif mark == 0xC3 and len(body) == 9:  # noqa: PLR2004 - SOF3 of one component
            stream.precision = body[0]
            stream.rows, stream.columns = unpack_from(">HH", body, 1)
        elif mark == 0xDD and any(body):  # noqa: PLR2004 - DRI
            raise ObjectUnreadable("The JPEG stream has restart intervals: it cannot be drawn here.")
        elif mark == 0xDA and len(body) == 6 and 2 <= stream.precision <= 16:  # noqa: PLR2004 - SOS
            stream.table, stream.predictor, stream.shift = body[2] >> 4, body[3], body[5] & 0x0F
            stream.coded = data[at + 2 + length :]
            if stream.table in stream.tables and stream.shift < stream.precision:
                return stream
            break
        at += 2 + length
    raise ObjectUnreadable("The JPEG stream is not whole, or none of one component without loss.")


def _read_tables(body: bytes, stream: _Stream) -> None:
    """Read Huffman tables (T.81 B.2.4.2) as look-ups by the next 16 bits."""
    at = 0
    while at + 17 <= len(body):
        number, counts = body[at] & 0x0F, body[at + 1 : at + 17]
        symbols = body[at + 17 : at + 17 + sum(counts)]
        lengths, sizes = np.zeros(1 << 16, np.uint8), np.zeros(1 << 16, np.uint8)
        place = taken = 0
        for length, count in enumerate(counts, 1):
            for symbol in symbols[taken : taken + count]:
                reach = place + (1 << (16 - length))
                if reach > 1 << 16 or symbol > 16:  # noqa: PLR2004 - bits
                    raise ObjectUnreadable("The JPEG stream has a code table that makes no sense.")
                lengths[place:reach], sizes[place:reach] = length, symbol
                place = reach
            taken += count
        stream.tables[number] = lengths, sizes
        at += 17 + sum(counts)


def _differences(stream: _Stream, count: int) -> NDArray[np.int64]:
    """Return the differences of all pixels, in their order.

    Codes have different lengths, so where one begins is known only after the one before. At every bit it is
    looked up how far the code that would begin there reaches; then one walk over these steps finds the codes.
    """
    end = _end_of_coded(stream.coded)
    plain = np.frombuffer(stream.coded[:end].replace(b"\xff\x00", b"\xff") + bytes(_PADDING // 8), np.uint8)
    ahead = _next_16_bits(plain)
    lengths, sizes = stream.tables[stream.table]
    # T.81 H.1.2.2: 16 stands for 32,768 and is followed by no bits.
    reach = np.where(lengths == 0, 0, lengths + np.where(sizes == 16, 0, sizes)).astype(np.uint8)  # noqa: PLR2004
    steps = reach[ahead].tobytes() + bytes(_PADDING)
    begins = []
    at, last = 0, len(ahead)
    for _ in range(count):
        if at >= last:
            raise ObjectUnreadable("Truncated: the JPEG stream ends before its last pixel.")
        begins.append(at)
        at += steps[at]
    where = np.array(begins)
    code = ahead[where]
    if not reach[code].all():
        raise ObjectUnreadable("The JPEG stream is damaged: it has a code that is in no table.")
    size = sizes[code].astype(np.int64)
    following = ahead[np.minimum(where + lengths[code], len(ahead) - 1)].astype(np.int64)
    bits = following >> (16 - size)
    low = bits < (1 << np.maximum(size - 1, 0))
    found: NDArray[np.int64] = np.where(low & (size > 0), bits - (1 << size) + 1, bits)
    found[size == 16] = 1 << 15  # noqa: PLR2004 - said above
    return found


def _end_of_coded(coded: bytes) -> int:
    """Return where the next marker stands; FF 00 is a stuffed byte and none."""
    at = coded.find(b"\xff")
    while at >= 0 and coded[at + 1 : at + 2] == b"\x00":
        at = coded.find(b"\xff", at + 2)
    return len(coded) if at < 0 else at


def _next_16_bits(plain: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return for every bit, but for the last 16, the 16 bits that begin there."""
    three = plain[:-2].astype(np.uint32) << 16 | plain[1:-1].astype(np.uint32) << 8 | plain[2:]
    found = np.empty((len(three), 8), np.uint16)
    for shift in range(8):
        found[:, shift] = (three >> (8 - shift)) & 0xFFFF
    return found.ravel()
