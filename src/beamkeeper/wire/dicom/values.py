"""Values of a data set, asked for by DICOM keyword: text, numbers, days, instants, items.

An absent, empty or senseless value is `None` (or ""), never an exception: senseless ones leave a
warning. Character sets are decoded here, and DA/TM get their zone here.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from struct import unpack
from typing import TYPE_CHECKING

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR, tag_for_keyword

from beamkeeper.clock import local_instant
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.reader_bytes import (
    DEPTH_MAX,
    IMPLICIT,
    Element,
    Index,
    OpenedObject,
    Syntax,
    index_item,
    item_ranges,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

ITEMS_MAX = 2_000_000
"""Sequence items looked at in one object; a 600 ROI structure set has some 100,000."""
WARNINGS_MAX = 40
TEXT_CHARACTERS_MAX = 1024
"""A label longer than this is cut; identifiers never are."""
NUMBERS_MAX = 1024
"""Numbers of one value: two banks of 160 leaves are 320."""
NUMBER_CHARACTERS_MAX = 64
"""DS allows 16; some writers print every digit they have."""
NUMBER_MAX = 1e30
"""Nothing in medicine is larger; sums and squares of what is larger leave the range of numbers."""
YEAR_MIN, YEAR_MAX = 1800, 2199
"""Whoever writes another year writes "unknown"; weeks around the last ones leave the calendar."""

_UID = re.compile(r"[0-9.]{1,64}\Z")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_BINARY = {
    b"US": ("H", 2),
    b"SS": ("h", 2),
    b"UL": ("I", 4),
    b"SL": ("i", 4),
    b"FL": ("f", 4),
    b"FD": ("d", 8),
}
_SINGLE_BYTE_OR_UTF8 = {"ISO_IR 100": "latin-1", "ISO_IR 192": "utf-8", "ISO_IR 6": "ascii", "": "ascii"}


@dataclass(slots=True)
class Context:
    """What the data sets of one object share.

    Attributes
    ----------
    zone
        Where DA and TM are meant, unless the object states an offset.
    """

    zone: ZoneInfo
    offset: timezone | None = None
    items_left: int = ITEMS_MAX
    notes: dict[str, None] = field(default_factory=dict)

    def warn(self, text: str) -> None:
        """Keep one warning; each is said once, and no more than `WARNINGS_MAX` of them."""
        if len(self.notes) < WARNINGS_MAX:
            self.notes[text] = None

    def instant(self, day: date, wall_time: time) -> datetime:
        """Return that wall time as an instant in UTC."""
        if self.offset is not None:
            return datetime.combine(day, wall_time, tzinfo=self.offset).astimezone(UTC)
        return local_instant(day, wall_time, self.zone)


class DataSet:
    """One data set or item; values by keyword, items on demand.

    Parameters
    ----------
    charsets
        Specific Character Set (0008,0005) values in force here.
    """

    __slots__ = ("_charsets", "_data", "_depth", "_elements", "_syntax", "context")

    def __init__(
        self,
        data: memoryview,
        elements: Index,
        syntax: Syntax,
        *,
        context: Context,
        depth: int = 0,
        charsets: tuple[str, ...] = (),
    ) -> None:
        self._data, self._elements, self._syntax = data, elements, syntax
        self._depth, self.context = depth, context
        own = self._raw("SpecificCharacterSet")
        self._charsets = tuple(_ascii(own).split("\\")) if own is not None else charsets

    def __contains__(self, keyword: str) -> bool:
        return _tag(keyword)[0] in self._elements

    @property
    def is_big_endian(self) -> bool:
        """Whether numbers lie with the most significant byte first."""
        return self._syntax.big_endian

    def raw(self, keyword: str) -> tuple[Element, memoryview] | None:
        """Return where a value lies and the buffer it lies in; None when absent."""
        element = self._elements.get(_tag(keyword)[0])
        return None if element is None else (element, self._data)

    def text(self, keyword: str) -> str:
        """Return a text value without outer blanks and control characters; "" when absent or empty."""
        raw = self._raw(keyword)
        if not raw:
            return ""
        text = _CONTROL.sub(" ", self._decode(raw[: TEXT_CHARACTERS_MAX * 4], keyword)).strip()
        if len(text) > TEXT_CHARACTERS_MAX:
            self.context.warn(f"{keyword} has more than {TEXT_CHARACTERS_MAX} characters: cut")
        return text[:TEXT_CHARACTERS_MAX]

    def identifier(self, keyword: str) -> str:
        """Return a text value whole, outer blanks and NULs removed, nothing else changed."""
        raw = self._raw(keyword)
        return self._decode(raw, keyword).strip(" \0") if raw else ""

    def code(self, keyword: str) -> str:
        """Return a code string in capitals; "" when absent or empty."""
        return self.text(keyword).upper()

    def uid(self, keyword: str) -> str:
        """Return a UID without padding; "" when absent, empty or no valid UID (then with a warning)."""
        raw = self._raw(keyword)
        if not raw:
            return ""
        uid = clean_uid(raw)
        if uid is None:
            self.context.warn(f"{keyword} is no valid UID: ignored")
        return uid or ""

    def integer(self, keyword: str) -> int | None:
        """Return a whole number; None when absent, empty or senseless."""
        number = self.number(keyword)
        if number is None:
            return None
        if number != int(number):
            self.context.warn(f"{keyword} is {number:g}, not a whole number: ignored")
            return None
        return int(number)

    def number(self, keyword: str) -> float | None:
        """Return the first number of a value; None when absent, empty or senseless."""
        values = self.numbers(keyword)
        return values[0] if values else None

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Return every number of a value; () when absent, empty or when any of them is senseless."""
        tag, dictionary_vr = _tag(keyword)
        element = self._elements.get(tag)
        if element is None or element.start == element.end:
            return ()
        vr = element.vr if element.vr not in {b"", b"UN"} else dictionary_vr
        if vr in _BINARY:
            return self._binary(element, vr, keyword)
        found: list[float] = []
        raw = bytes(self._data[element.start : min(element.end, element.start + NUMBERS_MAX * 17)])
        for part in raw.split(b"\\")[:NUMBERS_MAX]:
            text = part.strip(b" \0\t\r\n")[: NUMBER_CHARACTERS_MAX + 1].decode("ascii", "replace")
            if not text and not found:
                return ()
            is_number = len(text) <= NUMBER_CHARACTERS_MAX and _NUMBER.match(text)
            if not is_number or abs(float(text)) > NUMBER_MAX:
                self.context.warn(f"{keyword} is not a number: ignored")
                return ()
            found.append(float(text))
        return tuple(found)

    def day(self, keyword: str) -> date | None:
        """Return a DA value; None when absent, empty or senseless."""
        text = self.text(keyword)
        digits = text.replace(".", "").replace("-", "")
        if not digits:
            return None
        try:
            found = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
        except ValueError:
            self.context.warn(f"{keyword} is not a date: ignored")
            return None
        if not YEAR_MIN <= found.year <= YEAR_MAX:
            self.context.warn(f"{keyword} is beyond the calendar: ignored")
            return None
        return found

    def instant(self, day_keyword: str, time_keyword: str) -> datetime | None:
        """Return a DA and TM pair as an instant in UTC; None without a date, midnight without a time."""
        day = self.day(day_keyword)
        if day is None:
            return None
        try:
            return self.context.instant(day, self._wall_time(time_keyword))
        except OverflowError:
            self.context.warn(f"{day_keyword} is beyond the calendar: ignored")
            return None

    def first(self, keyword: str) -> DataSet | None:
        """Return the first item of a sequence; None when it has none."""
        return next(self.items(keyword), None)

    def items(self, keyword: str) -> Iterator[DataSet]:
        """Yield the items of a sequence; nothing when absent or empty.

        Raises
        ------
        ObjectUnreadable
            The sequence is broken, nested too deep, or the object has more than `ITEMS_MAX` items.
        """
        element = self._elements.get(_tag(keyword)[0])
        if element is None or element.start == element.end:
            return
        if self._depth >= DEPTH_MAX:
            raise ObjectUnreadable(f"Sequences are nested more than {DEPTH_MAX} deep.")
        if element.vr not in {b"SQ", b"UN", b""}:
            self.context.warn(f"{keyword} is not a sequence here: ignored")
            return
        # PS3.5 6.2.2: a sequence sent as UN is implicit VR little endian inside.
        syntax = IMPLICIT if element.vr == b"UN" else self._syntax
        ranges = item_ranges(self._data, element, syntax, self._depth)
        self.context.items_left -= len(ranges)
        if self.context.items_left < 0:
            raise ObjectUnreadable(f"The object has more than {ITEMS_MAX} sequence items; it was not read.")
        for start, end in ranges:
            yield DataSet(
                self._data,
                index_item(self._data, start, end, syntax, self._depth + 1),
                syntax,
                context=self.context,
                depth=self._depth + 1,
                charsets=self._charsets,
            )

    def count(self, keyword: str, separator: bytes) -> int:
        """Return how often `separator` stands in a value, without decoding it."""
        element = self._elements.get(_tag(keyword)[0])
        if element is None:
            return 0
        return bytes(self._data[element.start : element.end]).count(separator)

    def _raw(self, keyword: str) -> bytes | None:
        element = self._elements.get(_tag(keyword)[0])
        return None if element is None else bytes(self._data[element.start : element.end])

    def _decode(self, raw: bytes, keyword: str) -> str:
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii")
        text, problem = decode_text(raw, self._charsets)
        if problem:
            self.context.warn(f"{keyword}: {problem}")
        return text

    def _binary(self, element: Element, vr: bytes, keyword: str) -> tuple[float, ...]:
        letter, size = _BINARY[vr]
        count = min((element.end - element.start) // size, NUMBERS_MAX)
        raw = self._data[element.start : element.start + count * size]
        found = tuple(
            float(v) for v in unpack(f"{'>' if self._syntax.big_endian else '<'}{count}{letter}", raw)
        )
        if not all(abs(value) <= NUMBER_MAX for value in found):  # nor is NaN
            self.context.warn(f"{keyword} is not a number: ignored")
            return ()
        return found

    def _wall_time(self, keyword: str) -> time:
        digits = self.text(keyword).replace(":", "").partition(".")
        whole, fraction = digits[0], digits[2][:6].ljust(6, "0")
        if not whole:
            self.context.warn(f"{keyword} is empty: midnight is assumed")
            return time()
        try:
            second = min(int(whole[4:6] or 0), 59)  # a leap second is 60
            return time(int(whole[:2]), int(whole[2:4] or 0), second, int(fraction))
        except ValueError:
            self.context.warn(f"{keyword} is not a time: midnight is assumed")
            return time()


def data_set_of(opened: OpenedObject, zone: ZoneInfo) -> DataSet:
    """Return the top level of an opened object, its Timezone Offset From UTC in force."""
    context = Context(zone=zone, notes=dict.fromkeys(opened.warnings))
    top = DataSet(opened.body, opened.elements, opened.syntax, context=context)
    context.offset = _offset(top.text("TimezoneOffsetFromUTC"), context)
    return top


def clean_uid(raw: bytes) -> str | None:
    """Return a UID without NUL and blank padding; None when it has other characters or is too long."""
    uid = _ascii(raw)
    return uid if _UID.match(uid) else None


def decode_text(raw: bytes, charsets: tuple[str, ...]) -> tuple[str, str]:
    r"""Return text of a possibly wrongly declared character set, and what was wrong ("" when nothing).

    Text that is not in the declared set is read as UTF-8, else as Latin 1: it is never lost.
    """
    if len(charsets) <= 1 and b"\x1b" not in raw:
        codec = _SINGLE_BYTE_OR_UTF8.get(charsets[0] if charsets else "")
        if codec is not None:
            try:
                return raw.decode(codec), ""
            except UnicodeDecodeError:
                return _guess(raw), "not in the declared character set"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            encodings = convert_encodings(list(charsets) or ["ISO_IR 6"])
            return decode_bytes(raw, encodings, set(b"\\^=\r\n\t\f")), ""
    except (UnicodeError, LookupError, Warning, ValueError):
        return _guess(raw), "not in the declared character set"


def _guess(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _ascii(raw: bytes) -> str:
    return raw.decode("ascii", "replace").strip(" \0")


def _offset(text: str, context: Context) -> timezone | None:
    if not text:
        return None
    matched = re.match(r"([+-])(\d\d)(\d\d)\Z", text)
    if matched is None or int(matched[2]) > 14 or int(matched[3]) > 59:  # noqa: PLR2004 - PS3.3 C.12.1.1.8
        context.warn("TimezoneOffsetFromUTC is not an offset: ignored")
        return None
    minutes = int(matched[2]) * 60 + int(matched[3])
    return timezone(timedelta(minutes=minutes if matched[1] == "+" else -minutes))


@lru_cache(maxsize=4096)
def _tag(keyword: str) -> tuple[int, bytes]:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise LookupError(f"DICOM has no keyword {keyword}")
    return int(tag), dictionary_VR(tag).encode()
