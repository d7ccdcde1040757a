"""Reading one level of a data set: the loop over elements, and sequences of either length form.

The face of this is `elements`; nothing else imports from here.

References
----------
DICOM PS3.5 chapter 7 (data sets), 7.5 (sequences), 6.2.2 (UN), A.4 (encapsulated pixels).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.elements_vr import (
    EXPLICIT_HEADER,
    HEADER_BYTES,
    IMPLICIT_HEADER,
    IMPLICIT_LITTLE,
    KNOWN_VRS,
    LONG_LENGTH,
    LONG_VRS,
    PRIVATE_BLOCK_FIRST,
    PRIVATE_BLOCK_LAST,
    REPEATED,
    SEQUENCE_TAGS,
    SHORT_VRS,
    Encoding,
    Key,
    PrivateTag,
    dictionary_vr,
)

if TYPE_CHECKING:
    import mmap

DEPTH_MAX = 24
"""Sequences inside sequences; the deepest standard object needs fewer than ten."""
ELEMENTS_MAX = 1_000_000
"""Elements looked at in one object; the largest structure sets have some 100,000."""

_UNDEFINED = 0xFFFFFFFF
_CHUNK_BYTES = 1 << 16
_DELIMITER_GROUP = 0xFFFE
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TRAILING_PADDING = 0xFFFCFFFC
_PIXEL_DATA_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_SPECIFIC_CHARACTER_SET = 0x00080005


@dataclass(slots=True)
class Source:
    """The bytes of one object and how many elements were seen in them so far."""

    data: bytes | mmap.mmap
    elements_seen: int = 0

    def count(self, more: int) -> None:
        """Add to the elements seen; too many end the reading with `ObjectUnreadable`."""
        self.elements_seen += more
        if self.elements_seen > ELEMENTS_MAX:
            raise ObjectUnreadable(
                f"The object holds more than {ELEMENTS_MAX:,} elements, more than any treatment object does.",
                do_next="Look at the file with dcmdump; keep it apart until it is understood.",
            )


class Scope(NamedTuple):
    """What holds for a whole level: its bytes, how they are written, how deep it lies, its text.

    Attributes
    ----------
    charset
        Specific Character Set (0008,0005) of the level around, raw; b"" is the default repertoire.
    """

    source: Source
    encoding: Encoding
    depth: int = 0
    charset: bytes = b""


class Element(NamedTuple):
    """Where one value lies.

    Attributes
    ----------
    vr
        VR as written; b"" in implicit VR, where the dictionary has to say.
    start, stop
        First byte of the value and the byte after its last, delimiters left out.
    items
        The items of a sequence of undefined length, already walked; None otherwise.
    """

    vr: bytes
    start: int
    stop: int
    items: tuple[DataSet, ...] | None = None


class DataSet:
    """One level of an object: the main data set or one item of a sequence.

    Parameters
    ----------
    scope, start, stop
        What holds here, and the bytes that belong to this level.
    elements
        Given when the level had to be walked already; else read on first use.
    """

    __slots__ = ("_charset", "_elements", "_items", "scope", "start", "stop")

    def __init__(
        self, scope: Scope, start: int, stop: int, *, elements: dict[int, Element] | None = None
    ) -> None:
        self.scope = scope
        self.start = start
        self.stop = stop
        self._elements = elements
        self._charset: bytes | None = None
        self._items: dict[int, tuple[DataSet, ...]] = {}

    @property
    def elements(self) -> dict[int, Element]:
        """Every element of this level by tag, in stored order; a repeated tag has `REPEATED` added.

        Raises
        ------
        ObjectUnreadable
            The bytes are not a data set.
        """
        if self._elements is None:
            self._elements, _ = read_level(self.scope, self.start, self.stop)
        return self._elements

    @property
    def charset(self) -> bytes:
        """Specific Character Set (0008,0005) as it holds here, raw; b"" is the default repertoire."""
        if self._charset is None:
            self._charset = _charset_of(self.scope, self.elements)
        return self._charset

    def bytes_of(self, element: Element) -> bytes:
        """Return the value as stored."""
        return self.scope.source.data[element.start : element.stop]

    def value(self, tag: int) -> bytes | None:
        """Return the stored value of `tag` without padding, None when the level does not have it."""
        element = self.elements.get(tag)
        return None if element is None else self.bytes_of(element).strip(b" \0")

    def text(self, tag: int) -> str:
        """Return a short ASCII value (UID, CS, IS, DS) as text; "" when absent."""
        return (self.value(tag) or b"").decode("ascii", "replace")

    def items(self, tag: int) -> tuple[DataSet, ...]:
        """Return the items of the sequence at `tag`; none when it is absent.

        Raises
        ------
        ObjectUnreadable
            The value is not a run of items.
        """
        element = self.elements.get(tag)
        if element is None:
            return ()
        if element.items is not None:
            return element.items
        found = self._items.get(tag)
        if found is None:
            # PS3.5 6.2.2: a sequence written as UN is encoded in implicit VR little endian.
            encoding = IMPLICIT_LITTLE if element.vr == b"UN" else self.scope.encoding
            inner = Scope(self.scope.source, encoding, self.scope.depth + 1, self.charset)
            found, _ = _read_items(inner, element.start, element.stop, open_ended=False)
            self._items[tag] = found
        return found

    def vr(self, key: Key, tag: int, element: Element) -> str:
        """Return the VR to read a value with: as written, else as the dictionaries say, else "UN".

        A value of unknown VR that is a well-formed run of items is a sequence.
        """
        if element.items is not None:
            return "SQ"
        if element.vr in KNOWN_VRS:
            return element.vr.decode("ascii")
        known = dictionary_vr(key)
        return "SQ" if known == "UN" and self.holds_items(tag, element) else known

    def holds_items(self, tag: int, element: Element) -> bool:
        """Return whether a value is a well-formed run of items, whatever VR it claims."""
        if self.scope.source.data[element.start : element.start + 4] not in _ITEM_MARKS:
            return False
        try:
            for item in self.items(tag):
                item.elements  # noqa: B018 - reading it is the proof
        except ObjectUnreadable:
            self._items.pop(tag, None)
            return False
        return True

    def keyed(self) -> dict[Key, tuple[int, Element]]:
        """Return the elements that carry meaning: key -> (tag here, element).

        Group lengths (gggg,0000), private creators (they are part of the keys) and trailing padding
        (FFFC,FFFC) carry none.
        """
        keyed: dict[Key, tuple[int, Element]] = {}
        creators: dict[int, str] = {}
        for tag, element in self.elements.items():
            if tag >> 16 & 1:
                key = self._private_key(tag, creators)
                while key in keyed:  # two blocks of one creator: there are at most 240
                    key = PrivateTag(key.group, key.creator, key.number + REPEATED)
                if key is not None:
                    keyed[key] = (tag, element)
            elif tag & 0xFFFF and tag != _TRAILING_PADDING:
                keyed[tag] = (tag, element)
        return keyed

    def _private_key(self, tag: int, creators: dict[int, str]) -> PrivateTag | None:
        group, number, repeats = tag >> 16 & 0xFFFF, tag & 0xFFFF, tag // REPEATED * REPEATED
        if number == 0 or PRIVATE_BLOCK_FIRST <= number <= PRIVATE_BLOCK_LAST:
            return None
        block = group << 16 | number >> 8
        creator = creators.get(block)
        if creator is None:
            creator = creators[block] = (self.value(block) or b"").decode("latin-1")
        return PrivateTag(group, creator, (number & 0xFF if creator else number) + repeats)


_ITEM_MARKS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


_new = tuple.__new__
"""Makes an `Element` without the call a named tuple adds: a fifth of the time of reading a level."""


def _charset_of(scope: Scope, elements: dict[int, Element]) -> bytes:
    stated = elements.get(_SPECIFIC_CHARACTER_SET)
    return scope.charset if stated is None else scope.source.data[stated.start : stated.stop].strip(b" \0")


def cut_short(position: int) -> ObjectUnreadable:
    """Return the error for bytes that stop making sense at `position`."""
    return ObjectUnreadable(
        f"The object is cut short or damaged: what begins at byte {position:,} does not fit the file.",
        do_next="Ask the source for it again.",
        position=position,
    )


def read_level(
    scope: Scope, start: int, stop: int, *, open_ended: bool = False
) -> tuple[dict[int, Element], int]:
    """Read the elements of one level; return them and the position after the level.

    With `open_ended` the level ends at its item delimiter, else at `stop`.

    Raises
    ------
    ObjectUnreadable
        The bytes are not a data set, or go beyond a bound.
    """
    source, (explicit, little), depth, _ = scope
    if depth > DEPTH_MAX:
        raise ObjectUnreadable(
            f"Sequences are nested more than {DEPTH_MAX} deep, deeper than in any treatment object.",
            do_next="Look at the file with dcmdump; keep it apart until it is understood.",
        )
    data = source.data
    elements: dict[int, Element] = {}
    explicit_header, implicit_header = EXPLICIT_HEADER[little], IMPLICIT_HEADER[little]
    repeats: dict[int, int] = {}
    position, vr = start, b""
    while position + HEADER_BYTES <= stop:
        value = position + HEADER_BYTES
        if explicit:
            group, number, vr, length = explicit_header(data, position)
            if vr not in SHORT_VRS:
                value, vr, length = _long_form(data, position, stop, vr, little=little)
        else:
            group, number, length = implicit_header(data, position)
        tag = group << 16 | number
        if group == _DELIMITER_GROUP:
            position = _after_delimiter(data, position, tag, little=little)
            if open_ended and tag == _ITEM_END:
                break
            continue
        if not tag and not length:  # zeros to the end of a disk block are no elements
            position = _after_zeros(data, position, stop)
            continue
        if length == _UNDEFINED:
            element, end = _read_undefined(scope, (tag, vr, value), stop, elements)
        else:
            end = value + length
            element = _new(Element, (vr or (b"SQ" if tag in SEQUENCE_TAGS else b""), value, end, None))
        if end > stop:
            raise cut_short(position)
        if tag in elements:
            repeats[tag] = repeats.get(tag, 0) + 1
            tag += repeats[tag] * REPEATED
        elements[tag] = element
        position = end
    else:
        # In big endian an element may begin with zeros: what looks like padding may be a cut element.
        if open_ended or (position < stop and (not little or any(data[position:stop]))):
            raise cut_short(position)
        position = stop
    source.count(len(elements))
    return elements, position


def _long_form(
    data: bytes | mmap.mmap, position: int, stop: int, vr: bytes, *, little: bool
) -> tuple[int, bytes, int]:
    """Return (start of value, VR, length) of an element whose length has four bytes."""
    if vr in LONG_VRS or (vr.isalpha() and vr.isupper()):
        if position + 12 > stop:
            raise cut_short(position)
        return position + 12, vr, LONG_LENGTH[little](data, position + 8)[0]
    # Written without its VR in the midst of explicit ones, or a delimiter: real files have both.
    return position + HEADER_BYTES, b"", IMPLICIT_HEADER[little](data, position)[2]


def _after_delimiter(data: bytes | mmap.mmap, position: int, tag: int, *, little: bool) -> int:
    """Step over a delimiter; one too many after an item of defined length is tolerated."""
    if tag not in (_ITEM_END, _SEQUENCE_END) or IMPLICIT_HEADER[little](data, position)[2]:
        raise cut_short(position)
    return position + HEADER_BYTES


def _after_zeros(data: bytes | mmap.mmap, position: int, stop: int) -> int:
    """Step over zeros that fill the rest of a level; anything after them is damage."""
    for start in range(position, stop, _CHUNK_BYTES):
        if any(data[start : min(start + _CHUNK_BYTES, stop)]):
            raise cut_short(position)
    return stop


def _read_undefined(
    scope: Scope, header: tuple[int, bytes, int], stop: int, so_far: dict[int, Element]
) -> tuple[Element, int]:
    """Walk a value of undefined length; return it and the position after its delimiter."""
    tag, vr, start = header
    if tag in _PIXEL_DATA_TAGS and vr != b"SQ":
        end = _skip_fragments(scope, start, stop)
        return Element(vr or b"OB", start, end), end + HEADER_BYTES
    encoding = IMPLICIT_LITTLE if vr == b"UN" else scope.encoding
    inner = Scope(scope.source, encoding, scope.depth + 1, _charset_of(scope, so_far))
    items, end = _read_items(inner, start, stop, open_ended=True)
    return Element(b"SQ", start, end - HEADER_BYTES, items), end


def _skip_fragments(scope: Scope, start: int, stop: int) -> int:
    """Return the position of the delimiter that ends encapsulated pixel data."""
    data, header = scope.source.data, IMPLICIT_HEADER[scope.encoding.little]
    position = start
    while position + HEADER_BYTES <= stop:
        group, number, length = header(data, position)
        tag = group << 16 | number
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM or length == _UNDEFINED:
            break
        scope.source.count(1)
        position += HEADER_BYTES + length
    raise cut_short(position)


def _read_items(scope: Scope, start: int, stop: int, *, open_ended: bool) -> tuple[tuple[DataSet, ...], int]:
    """Read the items of a sequence; return them and the position after it."""
    data, header = scope.source.data, IMPLICIT_HEADER[scope.encoding.little]
    items: list[DataSet] = []
    position, ended = start, False
    while position + HEADER_BYTES <= stop and not ended:
        group, number, length = header(data, position)
        tag, inside = group << 16 | number, position + HEADER_BYTES
        if tag == _SEQUENCE_END:
            position, ended = inside, open_ended
            continue
        if tag != _ITEM:
            raise cut_short(position)
        if length == _UNDEFINED:
            elements, end = read_level(scope, inside, stop, open_ended=True)
            items.append(DataSet(scope, inside, end - HEADER_BYTES, elements=elements))
        else:
            end = inside + length
            items.append(DataSet(scope, inside, end))
        if end > stop:
            raise cut_short(position)
        position = end
        scope.source.count(1)
    if open_ended != ended or (not open_ended and position != stop):
        raise cut_short(position)
    return tuple(items), position
