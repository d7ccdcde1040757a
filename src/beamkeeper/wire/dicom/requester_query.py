"""Query identifiers we send, and the answers read with suspicion: raw bytes, valid UIDs, bounded."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from pydicom.datadict import dictionary_VR, tag_for_keyword

from beamkeeper.errors import PatientMismatch, SourceAnswerInvalid
from beamkeeper.wire.dicom.elements_level import Scope, Source, read_level
from beamkeeper.wire.dicom.elements_vr import EXPLICIT_LITTLE, IMPLICIT_LITTLE
from beamkeeper.wire.dicom.values import clean_uid, decode_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXPLICIT_LITTLE_UID = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE_UID = "1.2.840.10008.1.2"
PATIENT_ID_CHARACTERS_MAX = 64
_EXPLICIT = Struct("<HH2sH")
_IMPLICIT = Struct("<HHI")
_WILDCARDS = re.compile(r"[*?]")
_FORBIDDEN = re.compile(r"[\\\x00-\x1f\x7f]")


def patient_id_key(patient_id: str) -> str:
    """Return the matching key that finds a Patient ID, and as few others as DICOM allows.

    DICOM cannot escape wildcards (PS3.4 C.2.2.2.4): each stands as `?` in the key, which still finds
    it, and answers with another Patient ID are dropped.

    Raises
    ------
    PatientMismatch
        The Patient ID is empty or would ask for everybody, or cannot be sent.
    """
    if not _WILDCARDS.sub("", patient_id).strip():
        raise PatientMismatch("A Patient ID that is empty or only wildcards would ask for every patient.")
    if len(patient_id) > PATIENT_ID_CHARACTERS_MAX or _FORBIDDEN.search(patient_id):
        raise PatientMismatch(
            f"A Patient ID that DICOM cannot ask for: over {PATIENT_ID_CHARACTERS_MAX} characters, or with "
            "backslash or control characters.",
            do_next="Collect this patient's objects from a folder, or correct the Patient ID at its source.",
        )
    return _WILDCARDS.sub("?", patient_id)


@dataclass(frozen=True, slots=True)
class Query:
    """An identifier we send: the level and the keys, "" for what is to come back.

    Attributes
    ----------
    keys
        Values by keyword; several of one keyword match any of them (PS3.4 C.2.2.2.2, UIDs only).
    """

    level: str
    keys: Mapping[str, str | tuple[str, ...]]

    def having(self, **keys: str) -> Query:
        """Return the same query with other or further keys."""
        return Query(self.level, {**self.keys, **keys})

    def encoded(self, *, explicit: bool) -> bytes:
        """Return the identifier in Explicit or Implicit VR Little Endian."""
        values = {"QueryRetrieveLevel": self.level, **self.keys}
        texts = {
            keyword: value if isinstance(value, str) else "\\".join(value)
            for keyword, value in values.items()
        }
        if not all(text.isascii() for text in texts.values()):
            texts["SpecificCharacterSet"] = "ISO_IR 192"
        elements = sorted((*_tag_and_vr(keyword), text) for keyword, text in texts.items())
        return b"".join(_element(tag, vr, text.encode(), explicit=explicit) for tag, vr, text in elements)


def query(level: str, *, returning: Sequence[str] = (), **keys: str | tuple[str, ...]) -> Query:
    """Return an identifier: matching `keys`, and empty elements for what is to come back."""
    return Query(level, {**dict.fromkeys(returning, ""), **keys})


@lru_cache(maxsize=256)
def _tag_and_vr(keyword: str) -> tuple[int, bytes]:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise LookupError(f"DICOM has no keyword {keyword}")
    return int(tag), dictionary_VR(tag).encode("ascii")


def _element(tag: int, vr: bytes, value: bytes, *, explicit: bool) -> bytes:
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    if explicit:
        return _EXPLICIT.pack(tag >> 16, tag & 0xFFFF, vr, len(value)) + value
    return _IMPLICIT.pack(tag >> 16, tag & 0xFFFF, len(value)) + value


class Answer:
    """One pending answer of a query.

    Parameters
    ----------
    identifier
        Its bytes as sent, in Explicit or Implicit VR Little Endian.

    Raises
    ------
    ObjectUnreadable
        The bytes are no data set.
    """

    def __init__(self, identifier: bytes, *, explicit: bool) -> None:
        self._identifier = identifier
        scope = Scope(Source(identifier), EXPLICIT_LITTLE if explicit else IMPLICIT_LITTLE)
        self._elements, _ = read_level(scope, 0, len(identifier))
        charset = self._raw("SpecificCharacterSet").decode("ascii", "replace").strip(" \0")
        self._charsets = tuple(charset.split("\\")) if charset else ()

    def text(self, keyword: str) -> str:
        """Return a text value without outer blanks; "" when absent."""
        raw = self._raw(keyword)
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii").strip(" \0")
        return decode_text(raw, self._charsets)[0].strip(" \0")

    def uid(self, keyword: str) -> str:
        """Return a UID.

        Raises
        ------
        SourceAnswerInvalid
            It is absent or no valid UID: such an answer cannot be followed.
        """
        uid = clean_uid(self._raw(keyword))
        if not uid:
            raise SourceAnswerInvalid(f"The peer answered without a valid {keyword}.", keyword=keyword)
        return uid

    def uids(self, keyword: str) -> tuple[str, ...]:
        """Return the valid UIDs of a list, each once."""
        found = (clean_uid(part) for part in self._raw(keyword).split(b"\\"))
        return tuple(dict.fromkeys(uid for uid in found if uid))

    def day(self, keyword: str) -> date | None:
        """Return a DA value; None when absent or senseless."""
        text = self.text(keyword)
        with suppress(ValueError):
            return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
        return None

    def count(self, keyword: str) -> int | None:
        """Return a whole number; None when absent or senseless."""
        with suppress(ValueError):
            return int(self.text(keyword))
        return None

    def _raw(self, keyword: str) -> bytes:
        """Return the bytes as sent: a foreign value is never converted by rules that warn or raise."""
        element = self._elements.get(_tag_and_vr(keyword)[0])
        return b"" if element is None else self._identifier[element.start : element.stop]
