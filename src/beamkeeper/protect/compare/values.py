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

import numpy as np
from pydicom.charset import convert_encodings, decode_bytes

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
    charset
        Specific Character Set (0008,0005) that holds for it, raw.
    """

    vr: str
    raw: bytes
    little: bool = True
    charset: bytes = b""

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing: no bytes but padding."""
        return not self.raw.strip(b" \0") if self.vr in _TEXT or self.vr in _NUMBER_TEXT else not self.raw


def same_meaning(old: Value, new: Value) -> bool:
    """Return whether two values say the same: numbers compared exactly, text decoded and unpadded."""
    vr = new.vr if old.vr == "UN" else old.vr
    if vr == "UN":
        return canonical(old, private=True) == canonical(new, private=True)
    if old.raw == new.raw and old.little == new.little and (old.charset == new.charset or old.raw.isascii()):
        return True
    if vr in _NUMBER_TEXT:
        return _same_numbers(old.raw, new.raw)
    return canonical(_as(old, vr)) == canonical(_as(new, vr))


def _as(value: Value, vr: str) -> Value:
    return value if value.vr == vr else Value(vr, value.raw, value.little, value.charset)


def _same_numbers(old: bytes, new: bytes) -> bool:
    left, right = old.split(b"\\"), new.split(b"\\")
    return len(left) == len(right) and all(
        one == other or canonical_number(one) == canonical_number(other)
        for one, other in zip(left, right, strict=True)
    )


def canonical(value: Value, *, private: bool = False) -> bytes:
    """Return bytes that are equal exactly when two values mean the same.

    Private elements lose their VR in implicit VR, so theirs is never used: what looks like text is
    read as text, everything else byte by byte.
    """
    raw = little_endian(value)
    if private or value.vr == "UN":
        return _canonical_text(Value("LT", raw, charset=value.charset)) if _looks_like_text(raw) else raw
    if value.vr in _NUMBER_TEXT:
        return b"\\".join(canonical_number(part) for part in raw.rstrip(b" \0").split(b"\\"))
    if value.vr in _TEXT:
        return _canonical_text(value)
    if value.vr in _FLOAT and len(raw) % _WIDTH[value.vr] == 0:
        # Adding zero makes -0.0 and 0.0 one number and keeps every other bit, NaN included.
        floats = np.frombuffer(raw, _FLOAT[value.vr])
        return bytes((floats + floats.dtype.type(0)).tobytes())
    return raw


def little_endian(value: Value) -> bytes:
    """Return the bytes in little endian order."""
    width = _WIDTH.get(value.vr, 1)
    if value.little or width == 1 or len(value.raw) % width:
        return value.raw
    return np.frombuffer(value.raw, f">u{width}").byteswap().tobytes()


def _looks_like_text(raw: bytes) -> bool:
    text = raw.rstrip(b" \0")
    # Nothing but NUL is a binary zero, and how many of them is part of it; nothing but blanks is no text.
    return text.translate(None, _BINARY_BYTES) == text if text else b"\0" not in raw


@lru_cache(maxsize=50_000)
def canonical_number(text: bytes) -> bytes:
    """Return a decimal string in one form: `+1.50`, `1.5 ` and `15e-1` are all `1.5`.

    What is no number is returned without its padding.
    """
    stripped = text.strip(b" \0")
    try:
        number = Decimal(stripped.decode("ascii"))
    except (InvalidOperation, UnicodeDecodeError, ValueError):
        return stripped
    if not number.is_finite():
        return stripped
    return b"0" if not number else str(number.normalize()).encode()


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
    raw = value.raw
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns where it guesses; both sides guess alike
            encodings = convert_encodings(value.charset.decode("ascii", "replace").split("\\"))
            return str(decode_bytes(raw, encodings, {0x0D, 0x0A, 0x09, 0x0C, 0x5C, 0x5E, 0x3D}))
    except (LookupError, ValueError, UnicodeError):
        return raw.decode("latin-1")


def numbers(value: Value | None) -> tuple[str, ...]:
    """Return the single numbers of a value as they would be written; empty when it has none."""
    if value is None or value.is_empty:
        return ()
    if value.vr in _NUMBER_TEXT:
        return tuple(part.strip(b" \0").decode("ascii", "replace") for part in value.raw.split(b"\\"))
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
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[: SHOWN_CHARACTERS_MAX - 1] + "…"
