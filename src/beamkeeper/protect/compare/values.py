"""What one stored value means: numbers as numbers, text as text, whatever way they are written.

References
----------
DICOM PS3.5 6.2 (padding and significance of blanks by VR), 6.1 (character sets), 7.3 (byte order).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from pydicom.charset import decode_bytes, python_encoding

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from beamkeeper.wire.dicom.elements import DataSet, Element

SHOWN_CHARACTERS_MAX = 120
"""Longest value shown to a person; what is longer is cut and says so."""

_NUMBER_TEXT = frozenset({"DS", "IS"})
_BLANKS_MEAN_NOTHING = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UI"})
_TEXT = _BLANKS_MEAN_NOTHING | {"PN", "LT", "ST", "UC", "UR", "UT"}
_HAS_FRACTION_OF_SECOND = frozenset({"TM", "DT"})
_FLOAT = {"FL": "<f4", "FD": "<f8", "OF": "<f4", "OD": "<f8"}
_INTEGER = {"US": "<u2", "SS": "<i2", "UL": "<u4", "SL": "<i4", "UV": "<u8", "SV": "<i8"}
_WIDTH = {"AT": 2, "OW": 2, "OL": 4, "OV": 8} | {
    vr: int(code[-1]) for vr, code in (_FLOAT | _INTEGER).items()
}
_CONTROL_IN_TEXT = frozenset(b"\t\n\f\r\x1b")
_BINARY_BYTES = bytes(byte for byte in range(32) if byte not in _CONTROL_IN_TEXT)

NUMERIC_VRS = frozenset(_NUMBER_TEXT | _FLOAT.keys() | _INTEGER.keys())


@dataclass(frozen=True, slots=True)
class Value:
    """One stored value with what is needed to read it.

    Attributes
    ----------
    vr
        The VR to read it with; "UN" when nobody knows.
    raw
        The stored bytes; a view of them where they are too many to copy (`level_value`).
    charset
        Specific Character Set (0008,0005) that holds for it, raw.
    """

    vr: str
    raw: bytes | memoryview
    little: bool = True
    charset: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing: no bytes but padding."""
        if self.vr in _TEXT or self.vr in _NUMBER_TEXT:
            return not bytes(self.raw).strip(b" \0")
        return len(self.raw) == 0


LARGE_BYTES = 16 << 20
"""From this size on a value is looked at where it lies: a dose of 600 MB is not copied."""
_CHUNK_BYTES = 1 << 20


def level_value(level: DataSet, element: Element, vr: str) -> Value:
    """Return the value of an element of a level."""
    source = level.scope.source.data
    raw: bytes | memoryview
    if element.stop - element.start < LARGE_BYTES:
        raw = source[element.start : element.stop]
    else:
        raw = memoryview(source)[element.start : element.stop]
    return Value(vr, raw, level.scope.encoding.little, level.charset)


def same_bytes(old: Buffer, new: Buffer) -> bool:
    """Return whether two buffers hold the same bytes, a piece at a time."""
    left, right = memoryview(old), memoryview(new)
    if left.nbytes != right.nbytes:
        return False
    return all(
        bytes(left[start : start + _CHUNK_BYTES]) == bytes(right[start : start + _CHUNK_BYTES])
        for start in range(0, left.nbytes, _CHUNK_BYTES)
    )


def same_meaning(old: Value, new: Value) -> bool:
    """Return whether two values say the same: numbers compared exactly, text decoded and unpadded."""
    vr = new.vr if old.vr == "UN" else old.vr
    if vr == "UN":
        return same_bytes(canonical(old, private=True), canonical(new, private=True))
    if vr in _TEXT or vr in _NUMBER_TEXT:
        one, other = bytes(old.raw), bytes(new.raw)
        if one == other and (old.charset == new.charset or is_plain(one)):
            return True
        if vr in _NUMBER_TEXT:
            return _same_numbers(one, other)
    return same_bytes(canonical(_as(old, vr)), canonical(_as(new, vr)))


def is_plain(raw: bytes) -> bool:
    """Return whether text reads the same in every character set: ASCII without code extensions."""
    return raw.isascii() and b"\x1b" not in raw


def _as(value: Value, vr: str) -> Value:
    return value if value.vr == vr else Value(vr, value.raw, value.little, value.charset)


def _same_numbers(old: bytes, new: bytes) -> bool:
    left, right = old.split(b"\\"), new.split(b"\\")
    return len(left) == len(right) and all(
        one == other or canonical_number(one) == canonical_number(other)
        for one, other in zip(left, right, strict=True)
    )


def canonical(value: Value, *, private: bool = False) -> bytes | memoryview:
    """Return bytes that are equal exactly when two values mean the same.

    Private elements lose their VR in implicit VR, so theirs is never used: what looks like text is
    read as text, everything else byte by byte.
    """
    raw = little_endian(value)
    if private or value.vr == "UN":
        text = bytes(raw) if len(raw) < LARGE_BYTES else b"\0"
        return _canonical_text(Value("LT", text, charset=value.charset)) if _looks_like_text(text) else raw
    if value.vr in _NUMBER_TEXT:
        return b"\\".join(canonical_number(part) for part in bytes(raw).rstrip(b" \0").split(b"\\"))
    if value.vr in _TEXT:
        return _canonical_text(value)
    if value.vr in _FLOAT and len(raw) % _WIDTH[value.vr] == 0:
        # Adding zero makes -0.0 and 0.0 one number and keeps every other bit, NaN included.
        floats = np.frombuffer(raw, _FLOAT[value.vr])
        with np.errstate(invalid="ignore"):  # a signalling NaN is a value like others here
            return bytes((floats + floats.dtype.type(0)).tobytes())
    return raw


def little_endian(value: Value) -> bytes | memoryview:
    """Return the bytes in little endian order."""
    width = _WIDTH.get(value.vr, 1)
    if value.little or width == 1 or len(value.raw) % width:
        return value.raw
    return np.frombuffer(value.raw, f">u{width}").byteswap().tobytes()


def _looks_like_text(raw: bytes) -> bool:
    text = raw.rstrip(b" \0")
    # Nothing but NUL is a binary zero, and how many of them is part of it; nothing but blanks is no text.
    return text.translate(None, _BINARY_BYTES) == text if text else b"\0" not in raw


NUMBER_CHARACTERS_MAX = 64
"""Longest text read as a number: a decimal string has 16 characters, and some systems write more."""


def canonical_number(text: bytes) -> bytes:
    """Return a decimal string in one form: `+1.50`, `1.5 ` and `15e-1` are one number.

    Digits are never rounded. What is no number is returned without its padding.
    """
    stripped = text.strip(b" \0")
    return stripped if len(stripped) > NUMBER_CHARACTERS_MAX else _canonical_number(stripped)


@lru_cache(maxsize=50_000)
def _canonical_number(text: bytes) -> bytes:
    try:
        number = Decimal(text.decode("ascii"))
    except (InvalidOperation, UnicodeDecodeError):
        return text
    if not number.is_finite() or b"_" in text:
        return text
    sign, digits, exponent = number.as_tuple()
    written = "".join(map(str, digits)).lstrip("0")
    kept = written.rstrip("0")
    if not kept:
        return b"0"
    return f"{'-' if sign else ''}{kept}e{int(exponent) + len(written) - len(kept)}".encode()


def _canonical_text(value: Value) -> bytes:
    text = decoded(value)
    if value.vr == "PN":
        people = [group.strip(" \0").rstrip("^") for group in text.split("=")]
        return "=".join(people).rstrip("=").encode("utf-8", "backslashreplace")
    if value.vr not in _BLANKS_MEAN_NOTHING:
        return text.rstrip(" \0").encode("utf-8", "backslashreplace")
    parts = [part.strip(" \0") for part in text.split("\\")]
    if value.vr in _HAS_FRACTION_OF_SECOND:
        parts = [part.rstrip("0").rstrip(".") if "." in part and "+" not in part else part for part in parts]
    return "\\".join(parts).encode("utf-8", "backslashreplace")


def decoded(value: Value) -> str:
    """Return the bytes of a text value as text; what its character set does not know stays visible."""
    raw = bytes(value.raw)
    if is_plain(raw):
        return raw.decode("ascii")
    terms = [term.strip() for term in value.charset.decode("ascii", "replace").split("\\")]
    known = [python_encoding[term] for term in terms if term in python_encoding]
    if len(terms) == 1 or len(known) < len(terms):
        return raw.decode(known[0] if known else "latin-1", "backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns where it guesses; both sides guess alike
            return str(decode_bytes(raw, known, _ENDS_CODE_EXTENSIONS))
    except (LookupError, ValueError):
        return raw.decode("latin-1")


_ENDS_CODE_EXTENSIONS = {0x0A, 0x0C, 0x0D, 0x09, 0x5C, 0x5E, 0x3D}
"""Bytes after which the first character set holds again (PS3.5 6.1.2.5.3)."""


def numbers(value: Value | None) -> tuple[str, ...]:
    """Return the single numbers of a value as they would be written; empty when it has none."""
    if value is None or value.is_empty:
        return ()
    if value.vr in _NUMBER_TEXT:
        return tuple(part.strip(b" \0").decode("ascii", "replace") for part in bytes(value.raw).split(b"\\"))
    code = _FLOAT.get(value.vr) or _INTEGER.get(value.vr)
    raw = little_endian(value)
    if code is None or len(raw) % int(code[-1]):
        return ()
    return tuple(str(number) for number in np.frombuffer(raw, code))


def as_float(number: str) -> float | None:
    """Return one written number as a float; None when it is none."""
    try:
        return float(number)
    except ValueError:
        return None


def shown(value: Value | None) -> str | None:
    """Return a value as a person reads it, cut at `SHOWN_CHARACTERS_MAX`; None when it is absent."""
    if value is None:
        return None
    if value.vr in _TEXT or value.vr in _NUMBER_TEXT:
        text = "\\".join(part.strip(" \0") for part in decoded(value).split("\\"))
    elif value.vr == "AT":
        raw = little_endian(value)
        text = "\\".join(
            f"({raw[at + 1]:02x}{raw[at]:02x},{raw[at + 3]:02x}{raw[at + 2]:02x})"
            for at in range(0, len(raw) - 3, 4)
        )
    elif value.vr in NUMERIC_VRS and len(value.raw) <= SHOWN_CHARACTERS_MAX * 8:
        text = "\\".join(numbers(value))
    else:
        text = f"{len(value.raw):,} bytes"
    return printable(text)


def printable(text: str, most: int = SHOWN_CHARACTERS_MAX) -> str:
    """Return text fit for a terminal and a mail: no control characters, at most `most` characters."""
    text = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return text if len(text) <= most else text[: most - 1] + "…"
