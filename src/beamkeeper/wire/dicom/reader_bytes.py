"""Where the elements of a DICOM object lie: one bounded pass over its bytes, no value converted.

Tolerant where real systems are sloppy (no preamble, no file meta, group lengths, odd delimiters, a
transfer syntax that is not the stated one), strict where bytes are missing: an object that is not
whole is `ObjectUnreadable`, with the reason.

Why beside `elements`: that one compares and changes bytes, level by level; it says why the two are not one.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from beamkeeper.errors import NotAStoredObject, ObjectUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

DEPTH_MAX = 32
"""Sequences inside sequences; real RT objects stay below 10."""
ELEMENTS_MAX = 10_000_000
"""Elements looked at in one pass; a structure set of 600 regions has about a million."""
INFLATED_BYTES_MAX = 128 << 20
"""A deflated data set may not grow beyond this: a small file must not fill the memory."""
PADDING_BYTES_MAX = 1 << 16
"""Zeros after the last element that are forgiven."""
FIRST_GROUPS = frozenset({0x0002, 0x0008})

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED_UIDS = frozenset({DEFLATED_LITTLE, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
"""Whole data sets deflated: Deflated Explicit, JPIP Referenced Deflate, JPIP HTJ2K Referenced Deflate."""

TRANSFER_SYNTAX = 0x00020010
PIXEL_DATA = 0x7FE00010
_UNDEFINED = 0xFFFFFFFF
_DELIMITER_GROUP, _HEADER_BYTES = 0xFFFE, 8
_META_GROUP = b"\x02\x00"
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_UNKNOWN_VRS = frozenset({b"??", b"  ", b"\0\0", b"--"})
"""What some writers put where they do not know; length in 16 bits, as other toolkits read it."""


class Syntax(NamedTuple):
    """How elements are encoded."""

    explicit: bool
    big_endian: bool = False


IMPLICIT = Syntax(explicit=False)


class Element(NamedTuple):
    """Where one value lies.

    Attributes
    ----------
    vr
        Value Representation as stated; b"" in implicit syntaxes.
    start, end
        Byte positions of the value; for undefined lengths `end` includes the delimiter.
    """

    vr: bytes
    start: int
    end: int
    undefined_length: bool = False


Index = dict[int, Element]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedObject:
    """An object whose top level has been walked from end to end.

    Attributes
    ----------
    body
        The bytes `elements` points into: the file itself, or its inflated data set.
    meta
        File meta group (0002,xxxx); empty where the writer left it out. Points into the file.
    """

    data: memoryview
    body: memoryview
    syntax: Syntax
    transfer_syntax_uid: str
    meta: Index
    elements: Index
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Walk:
    """One pass; remembers what was odd."""

    data: memoryview
    syntax: Syntax
    odd: dict[str, None] = field(default_factory=dict)
    elements_left: int = ELEMENTS_MAX

    def level(self, pos: int, end: int, depth: int, into: Index | None, *, delimited: bool = False) -> int:
        """Walk the elements of one data set or item; return the position after it."""
        if depth > DEPTH_MAX:
            raise ObjectUnreadable(
                f"Sequences are nested more than {DEPTH_MAX} deep; no radiotherapy object is.", offset=pos
            )
        header = _header_reader(self.syntax)
        last = -1
        while pos + 8 <= end:
            tag, vr, length, start = header(self.data, pos, end)
            self.elements_left -= 1
            if self.elements_left < 0:
                raise ObjectUnreadable(f"The object has more than {ELEMENTS_MAX} elements; it was not read.")
            if tag >> 16 == _DELIMITER_GROUP:
                if tag == _ITEM_END and delimited:
                    return pos + 8
                if tag != _SEQUENCE_END or length:
                    raise ObjectUnreadable(
                        f"The structure is broken: an item delimiter stands alone at byte {pos}.", offset=pos
                    )
                self.odd["a sequence delimiter stands where no sequence is open"] = None
                pos += 8
                continue
            if tag == 0:
                return self._padding(pos, end, delimited=delimited)
            if length == _UNDEFINED:
                stop = self._undefined(tag, vr, start, end, depth)
            else:
                stop = start + length
                if stop > end:
                    raise _too_short(tag, length, end - start, pos)
            if tag <= last:
                self.odd["elements are not in ascending order"] = None
            last = tag
            if into is not None and tag not in into:
                into[tag] = Element(vr, start, stop, length == _UNDEFINED)
            pos = stop
        if delimited:
            raise ObjectUnreadable("Truncated: the bytes end inside an item.", offset=pos)
        # In big endian an element may begin with zeros: what looks like padding may be a cut element.
        if pos < end and (self.syntax.big_endian or not _only_zeros(self.data, pos, end)):
            raise ObjectUnreadable(
                f"Truncated: {end - pos} bytes are left at the end, too few for an element.", offset=pos
            )
        return end

    def _padding(self, pos: int, end: int, *, delimited: bool) -> int:
        """Return the end if only forgiven zeros are left; (0000,0000) is no element of an object."""
        if delimited or not _only_zeros(self.data, pos, end):
            raise ObjectUnreadable(
                f"The structure is broken: zeros where an element must be, at byte {pos}.", offset=pos
            )
        self.odd["zeros follow the last element"] = None
        return end

    def _undefined(self, tag: int, vr: bytes, start: int, end: int, depth: int) -> int:
        """Return the position after the sequence delimiter that closes the value at `start`."""
        # PS3.5 6.2.2: a value of VR UN and undefined length is implicit VR little endian inside.
        inner = self if vr != b"UN" else _Walk(self.data, IMPLICIT, self.odd)
        pos = start
        items = Struct(">HHI" if inner.syntax.big_endian else "<HHI")
        while pos + 8 <= end:
            group, element, length = items.unpack_from(self.data, pos)
            item = group << 16 | element
            pos += 8
            if item == _SEQUENCE_END:
                return pos
            if item != _ITEM:
                raise ObjectUnreadable(
                    f"The structure is broken: no item in {tag_text(tag)} where one must be, at {pos - 8}.",
                    offset=pos - 8,
                )
            if length == _UNDEFINED:
                pos = inner.level(pos, end, depth + 1, None, delimited=True)
            elif pos + length > end:
                raise _too_short(tag, length, end - pos, pos)
            else:
                pos += length
        raise ObjectUnreadable(f"Truncated: the bytes end inside {tag_text(tag)}.", offset=pos)


def open_object(data: Buffer) -> OpenedObject:
    """Walk the top level of a DICOM object, with or without preamble and file meta.

    Raises
    ------
    ObjectUnreadable
        Not DICOM, not whole, damaged by line-ending conversion, or beyond the named limits.
    """
    view = memoryview(data).cast("B")
    has_preamble = bytes(view[128:132]) == b"DICM"
    start = 132 if has_preamble else 0
    if not has_preamble and not _starts_like_a_data_set(view):
        raise _not_dicom(view)
    try:
        return _open_at(view, start, has_preamble=has_preamble)
    except ObjectUnreadable as error:
        if _line_endings_converted(view):
            raise ObjectUnreadable(
                "Damaged by line-ending conversion: every line feed byte (0A) has a carriage return (0D) "
                "before it, and the lengths no longer fit.",
                do_next="Copy the file again in binary mode.",
                size_bytes=len(view),
            ) from error
        if not has_preamble and not _names_an_object(view, start):
            raise _not_dicom(view) from error
        raise


def index_item(data: memoryview, start: int, end: int, syntax: Syntax, depth: int) -> Index:
    """Return the elements of one item, whose delimiter may be included.

    Raises
    ------
    ObjectUnreadable
        An element runs past the end of the item.
    """
    into: Index = {}
    _Walk(data, syntax).level(start, end, depth, into)
    return into


def item_ranges(data: memoryview, element: Element, syntax: Syntax, depth: int) -> list[tuple[int, int]]:
    """Return where the items of a sequence lie, without their delimiters.

    Raises
    ------
    ObjectUnreadable
        An item runs past the end of the sequence.
    """
    found: list[tuple[int, int]] = []
    items = Struct(">HHI" if syntax.big_endian else "<HHI")
    walk = _Walk(data, syntax)
    pos, end = element.start, element.end
    while pos + 8 <= end:
        group, number, length = items.unpack_from(data, pos)
        item = group << 16 | number
        pos += 8
        if item == _SEQUENCE_END:
            break
        if item != _ITEM:
            raise ObjectUnreadable(
                f"The structure is broken: no item where one must be, at byte {pos - 8}.", offset=pos - 8
            )
        if length == _UNDEFINED:
            stop = walk.level(pos, end, depth + 1, None, delimited=True)
            found.append((pos, stop - 8))
        else:
            stop = pos + length
            if stop > end:
                raise ObjectUnreadable(
                    f"Truncated: an item states {length} bytes, {end - pos} are left.", offset=pos
                )
            found.append((pos, stop))
        pos = stop
    return found


def tag_text(tag: int) -> str:
    """Return a tag as DICOM writes it, `(7FE0,0010)`."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


_Header = tuple[int, bytes, int, int]
"""Tag, VR, stated length, position of the value."""


def _implicit_header(data: memoryview, pos: int, _end: int) -> _Header:
    group, element, length = _IMPLICIT.unpack_from(data, pos)
    return group << 16 | element, b"", length, pos + 8


def _explicit_reader(heads: Struct, lengths: Struct) -> Callable[[memoryview, int, int], _Header]:
    unpack_head, unpack_length = heads.unpack_from, lengths.unpack_from

    def read(data: memoryview, pos: int, end: int) -> _Header:
        group, element, vr, length = unpack_head(data, pos)
        tag = group << 16 | element
        if vr in SHORT_VRS:
            return tag, vr, length, pos + 8
        if vr in LONG_VRS:
            if pos + 12 > end:
                raise ObjectUnreadable(f"Truncated: the bytes end inside {tag_text(tag)}.", offset=pos)
            return tag, vr, unpack_length(data, pos + 8)[0], pos + 12
        if group == _DELIMITER_GROUP:
            return tag, b"", unpack_length(data, pos + 4)[0], pos + 8
        if tag == 0 or vr in _UNKNOWN_VRS:
            return tag, b"UN", length, pos + 8
        raise ObjectUnreadable(
            f"The structure is broken: {tag_text(tag)} at byte {pos} has no valid value representation.",
            offset=pos,
        )

    return read


_IMPLICIT = Struct("<HHI")
_explicit_little = _explicit_reader(Struct("<HH2sH"), Struct("<I"))
_explicit_big = _explicit_reader(Struct(">HH2sH"), Struct(">I"))


def _header_reader(syntax: Syntax) -> Callable[[memoryview, int, int], _Header]:
    if not syntax.explicit:
        return _implicit_header
    return _explicit_big if syntax.big_endian else _explicit_little


def _open_at(view: memoryview, start: int, *, has_preamble: bool) -> OpenedObject:
    odd: list[str] = []
    meta, body_start = _read_meta(view, start)
    stated = _uid_at(view, meta.get(TRANSFER_SYNTAX))
    if not meta:
        odd.append("no file meta" if has_preamble else "no preamble and no file meta")
    body = view
    if stated in DEFLATED_UIDS:
        body, body_start = _inflate(view[body_start:]), 0
    if body_start >= len(body):
        raise ObjectUnreadable("Truncated: there is no data set after the file meta.", size_bytes=len(view))
    syntax = _syntax_of(body, body_start, stated, odd)
    walk, elements = _Walk(body, syntax), Index()
    walk.level(body_start, len(body), 0, elements)
    assumed = EXPLICIT_BIG if syntax.big_endian else EXPLICIT_LITTLE if syntax.explicit else IMPLICIT_LITTLE
    return OpenedObject(
        data=view,
        body=body,
        syntax=syntax,
        transfer_syntax_uid=stated or assumed,
        meta=meta,
        elements=elements,
        warnings=(*odd, *walk.odd),
    )


def _read_meta(view: memoryview, start: int) -> tuple[Index, int]:
    """Return the file meta elements and where the data set begins; group length is not trusted."""
    meta: Index = {}
    pos = start
    explicit = bytes(view[pos + 4 : pos + 6]) in SHORT_VRS | LONG_VRS
    header = _header_reader(Syntax(explicit))
    while pos + 8 <= len(view) and bytes(view[pos : pos + 2]) == _META_GROUP:
        tag, vr, length, value = header(view, pos, len(view))
        if length == _UNDEFINED or value + length > len(view):
            raise _too_short(tag, length, len(view) - value, pos)
        meta[tag] = Element(vr, value, value + length)
        pos = value + length
    return meta, pos


def _syntax_of(body: memoryview, start: int, stated: str, odd: list[str]) -> Syntax:
    """Return how the data set is really encoded: the first element tells, whatever the meta says."""
    first = bytes(body[start : start + 6])
    explicit = first[4:6] in SHORT_VRS | LONG_VRS
    big = explicit and first[0] == 0 and first[1] != 0
    if stated and explicit == (stated == IMPLICIT_LITTLE):
        odd.append(f"the stated transfer syntax {stated} is not the one used")
    elif stated and big != (stated == EXPLICIT_BIG):
        odd.append(f"the stated transfer syntax {stated} has the other byte order")
    elif not stated:
        name = "explicit VR big endian" if big else f"{'ex' if explicit else 'im'}plicit VR little endian"
        odd.append(f"no transfer syntax is stated: read as {name}")
    return Syntax(explicit, big)


def _inflate(packed: memoryview) -> memoryview:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(packed, INFLATED_BYTES_MAX)
        if not inflater.eof and len(plain) < INFLATED_BYTES_MAX:
            plain += inflater.flush()
    except zlib.error as error:
        raise ObjectUnreadable("The deflated data set cannot be inflated: it is damaged.") from error
    if len(plain) >= INFLATED_BYTES_MAX:
        raise ObjectUnreadable(
            f"The deflated data set grows beyond {INFLATED_BYTES_MAX >> 20} MiB and was not opened.",
            size_bytes=len(packed),
        )
    if not inflater.eof:
        raise ObjectUnreadable("Truncated: the deflated data set has no end.", size_bytes=len(packed))
    return memoryview(plain)


def _starts_like_a_data_set(view: memoryview) -> bool:
    """Whether bytes without `DICM` may be a bare data set: group 0002 or 0008 first, in either order."""
    if len(view) < _HEADER_BYTES:
        return False
    little, big = view[0] | view[1] << 8, view[1] | view[0] << 8
    return little in FIRST_GROUPS or (big in FIRST_GROUPS and bytes(view[4:6]) in SHORT_VRS | LONG_VRS)


_OBJECT_MARK = re.compile(rb"1\.[0-9.]{4,62}")


def _names_an_object(view: memoryview, start: int) -> bool:
    """Whether a UID stands in the first bytes: a broken object rather than something else."""
    return _OBJECT_MARK.search(bytes(view[start : start + 1024])) is not None


def _not_dicom(view: memoryview) -> ObjectUnreadable:
    if not len(view):
        return ObjectUnreadable("Not DICOM: the file is empty.", size_bytes=0)
    return NotAStoredObject(
        "Not DICOM: neither the letters DICM at byte 128 nor a DICOM element at the start.",
        size_bytes=len(view),
    )


def _line_endings_converted(view: memoryview) -> bool:
    """Whether every 0A is preceded by 0D, at least twice: by chance less than once in 60,000 files."""
    feeds = pairs = 0
    before = b""
    for start in range(0, len(view), 1 << 20):
        block = before + bytes(view[start : start + (1 << 20)])
        feeds += block.count(b"\n", len(before))
        pairs += block.count(b"\r\n")
        before = b"\r" if block.endswith(b"\r") else b""
        if pairs < feeds:
            return False
    return feeds >= 2  # noqa: PLR2004 - said above


def _only_zeros(view: memoryview, start: int, end: int) -> bool:
    return end - start <= PADDING_BYTES_MAX and not bytes(view[start:end]).strip(b"\0")


def _uid_at(view: memoryview, element: Element | None) -> str:
    if element is None or element.end - element.start > 128:  # noqa: PLR2004 - twice the longest UID
        return ""
    return bytes(view[element.start : element.end]).rstrip(b"\0 ").decode("ascii", "replace")


def _too_short(tag: int, stated: int, left: int, offset: int) -> ObjectUnreadable:
    return ObjectUnreadable(
        f"Truncated: {tag_text(tag)} states {stated} bytes, {max(left, 0)} are left.",
        tag=tag_text(tag),
        stated_bytes=stated,
        left_bytes=max(left, 0),
        offset=offset,
    )
