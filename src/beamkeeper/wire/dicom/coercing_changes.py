"""Which elements of a copy say whose it is now, and whose it was: for `coercing` alone.

References
----------
DICOM PS3.3 C.2.2, C.12.1.1.9, 10.15 (Issuer of Patient ID); PS3.5 6.1 (character sets)
"""

from __future__ import annotations

import unicodedata
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_description
from pydicom.valuerep import PersonName

from beamkeeper.errors import ConfigError
from beamkeeper.wire.dicom.elements import dictionary_vr, flatten
from beamkeeper.wire.dicom.splicing import element, inner_encoding, item, with_item_more
from beamkeeper.wire.dicom.values import decode_text

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.domain.patient import Patient
    from beamkeeper.wire.dicom.elements import RawObject

LONG_STRING_MAX: Final = 64
"""Characters of LO, and of one group of a PN (PS3.5 6.2)."""
CHARSET, NAME, ID, ISSUER, ID_TYPE = 0x00080005, 0x00100010, 0x00100020, 0x00100021, 0x00100022
QUALIFIERS, BORN, OTHER_IDS, ORIGINAL = 0x00100024, 0x00100030, 0x00101002, 0x04000561
OURS: Final = (CHARSET, NAME, ID, ISSUER, ID_TYPE, QUALIFIERS, BORN, OTHER_IDS, ORIGINAL)
_ENTITY, _ENTITY_TYPE = 0x00400032, 0x00400033
_MODIFIED, _MODIFIED_AT, _BY, _FROM, _WHY = 0x04000550, 0x04000562, 0x04000563, 0x04000564, 0x04000565
_TEXT: Final = frozenset({"SH", "LO", "ST", "LT", "UC", "UT", "PN"})
_UTF8: Final = "ISO_IR 192"
_NOT_ASCII_BELOW: Final = frozenset({"ISO_IR 13", "ISO 2022 IR 13"})
"""Character sets in which a byte below 128 is not always the ASCII sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One element that a copy holds otherwise than its original; both values may identify a patient."""

    tag: int
    element: str
    before: str
    after: str


class Changes:
    """What is put into a copy: whole elements by tag, None for one that is taken out."""

    def __init__(self, raw: RawObject, *, partner: Patient, authority_uid: str) -> None:
        self.elements: dict[int, bytes | None] = {}
        self.differences: list[Difference] = []
        self.remarks: list[str] = []
        self._raw, self._dataset = raw, raw.dataset
        self._charsets = charsets_of(raw)
        self._former: list[tuple[int, bytes, bytes]] = []
        if partner.name:
            self._rename(partner.name)
        self._set(ID, partner.patient_id)
        self._set(ISSUER, partner.issuer_of_patient_id or None)
        # What says more about the home number does not hold for the partner's.
        if self._dataset.text(ID_TYPE) not in {"", "TEXT"}:
            self._set(ID_TYPE, None)
        self._qualify(authority_uid)
        if partner.birth_on is not None:
            self._set(BORN, f"{partner.birth_on:%Y%m%d}")

    @property
    def is_any(self) -> bool:
        """Whether anything differs; an object that stands under that number already stays as it is."""
        return bool(self.elements)

    def keep_home(self, *, source: str, system: str, at: datetime) -> None:
        """Put the home number among the other numbers, and every former value among the original ones."""
        number, issuer = (self._dataset.value(tag) or b"" for tag in (ID, ISSUER))
        listed = {(one.value(ID) or b"", one.value(ISSUER) or b"") for one in self._dataset.items(OTHER_IDS)}
        if (number, issuer) not in listed:
            parts = [(ID, b"LO", number), (ISSUER, b"LO", issuer), (ID_TYPE, b"CS", b"TEXT")]
            self._append(OTHER_IDS, [part for part in parts if part[2]], "with the home number")
        inner = inner_encoding(self._dataset, ORIGINAL)
        former = item(inner, *(element(inner, *one) for one in sorted(self._former)))
        self._append(
            ORIGINAL,
            [
                (_MODIFIED, b"SQ", former),
                (_MODIFIED_AT, b"DT", f"{at:%Y%m%d%H%M%S%z}".encode("ascii")),
                (_BY, b"LO", self._plainly(system)),
                (_FROM, b"LO", self._plainly(source)),
                (_WHY, b"CS", b"COERCE"),
            ],
            f"with the former values, {at:%Y-%m-%d %H:%M %z}",
        )

    def _rename(self, name: str) -> None:
        groups = name.split("=")
        fits = len(groups) <= 3 and all(len(group) <= LONG_STRING_MAX for group in groups)  # noqa: PLR2004 - PS3.5 6.2
        if not fits or "\\" in name or not name.isprintable():
            self.remarks.append("The partner's spelling of the name is no DICOM name: the object's stays.")
            return
        if encoded(name, self._charsets) is None and _is_all_ascii(self._raw, self._charsets):
            self._set(CHARSET, _UTF8)
            self._charsets = (_UTF8,)
        if encoded(name, self._charsets) is None:
            self.remarks.append(
                "The partner's spelling of the name cannot be written in the object's character set: the "
                "object's stays."
            )
            return
        self._set(NAME, name)

    def _set(self, tag: int, text: str | None) -> None:
        """Give an element another value, or none; one that has it already stays untouched."""
        there = self._dataset.elements.get(tag)
        before = None if there is None else self._dataset.bytes_of(there)
        vr = dictionary_vr(tag).encode()
        if text is None:
            if before is None:
                return
            self.elements[tag] = None
        else:
            value = encoded(text, self._charsets)
            if value is None:
                raise ConfigError(
                    "The partner's patient number or its issuer cannot be written in the character set of an "
                    "object.",
                    do_next="Ask the partner for a number in plain letters and digits.",
                )
            if before is not None and before.strip(b" \0") == value:
                return
            self.elements[tag] = element(self._dataset.scope.encoding, tag, vr, value)
        self._former.append((tag, vr, before or b""))
        self._differs(tag, said(before, charsets_of(self._raw)), text or "")

    def _qualify(self, authority_uid: str) -> None:
        """Say by OID who gave the number, or take out by whose OID the other was given."""
        there = self._dataset.elements.get(QUALIFIERS)
        encoding = self._dataset.scope.encoding
        if not authority_uid and there is None:
            return
        self.elements[QUALIFIERS] = None
        if authority_uid:
            inside = item(
                encoding,
                element(encoding, _ENTITY, b"UT", authority_uid.encode("ascii", "replace")),
                element(encoding, _ENTITY_TYPE, b"CS", b"ISO"),
            )
            self.elements[QUALIFIERS] = element(encoding, QUALIFIERS, b"SQ", inside)
        before = b"" if there is None else self._dataset.bytes_of(there)
        self._former.append((QUALIFIERS, b"SQ", before))
        self._differs(QUALIFIERS, _items_said(len(self._dataset.items(QUALIFIERS))), authority_uid)

    def _append(self, tag: int, parts: list[tuple[int, bytes, bytes]], what: str) -> None:
        inner = inner_encoding(self._dataset, tag)
        more = item(inner, *(element(inner, *part) for part in parts))
        count = len(self._dataset.items(tag))
        self.elements[tag] = with_item_more(self._dataset, tag, more)
        self._differs(tag, _items_said(count), f"{_items_said(count + 1)}, {what}")

    def _differs(self, tag: int, before: str, after: str) -> None:
        words = f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"
        self.differences.append(Difference(tag=tag, element=words, before=before, after=after))

    def _plainly(self, text: str) -> bytes:
        """Return a name of ours in the object's character set, without accents where it has none."""
        kept = "".join(sign for sign in text if sign.isprintable() and sign != "\\")[:LONG_STRING_MAX]
        plain = unicodedata.normalize("NFKD", kept).encode("ascii", "ignore")[:LONG_STRING_MAX]
        return encoded(kept, self._charsets) or plain.strip() or b"?"


def encoded(text: str, charsets: tuple[str, ...]) -> bytes | None:
    """Return text as it is stored under these character sets; None where they cannot write it."""
    if text.isascii() and not _NOT_ASCII_BELOW & set(charsets):
        return text.encode("ascii")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            encodings = convert_encodings(list(charsets) or ["ISO_IR 6"])
            several = len(encodings) > 1
            value = PersonName(text).encode(encodings) if several else text.encode(encodings[0])
    except (UnicodeError, LookupError, ValueError, Warning):
        return None
    return value if decode_text(value, charsets) == (text, "") else None


def charsets_of(raw: RawObject) -> tuple[str, ...]:
    """Return Specific Character Set (0008,0005); () is the default repertoire."""
    stated = raw.dataset.charset.decode("ascii", "replace")
    return tuple(part.strip() for part in stated.split("\\")) if stated else ()


def said(value: bytes | None, charsets: tuple[str, ...]) -> str:
    """Return a stored value as text; "" for none."""
    return decode_text((value or b"").strip(b" \0"), charsets)[0]


def _is_all_ascii(raw: RawObject, charsets: tuple[str, ...]) -> bool:
    """Return whether another character set would say the same of every text in the object."""
    if _NOT_ASCII_BELOW & set(charsets):
        return False
    return all(
        value.isascii() and b"\x1b" not in value for _, vr, value in flatten(raw.dataset) if vr in _TEXT
    )


def _items_said(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
