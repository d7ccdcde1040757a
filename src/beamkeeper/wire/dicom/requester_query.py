"""Query identifiers we send, and the answers read with suspicion: raw bytes, valid UIDs, bounded."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from beamkeeper.errors import PatientMismatch, SourceAnswerInvalid
from beamkeeper.wire.dicom.values import clean_uid, decode_text

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENT_ID_CHARACTERS_MAX = 64
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


def query(level: str, *, returning: Sequence[str] = (), **keys: str | list[str]) -> Dataset:
    """Return an identifier: matching `keys`, and empty elements for what is to come back."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword in returning:
        setattr(identifier, keyword, "")
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    if not all(str(value).isascii() for value in keys.values()):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    return identifier


class Answer:
    """One pending answer of a query."""

    def __init__(self, identifier: Dataset) -> None:
        self._identifier = identifier
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
        tag = tag_for_keyword(keyword)
        if tag is None or tag not in self._identifier:
            return b""
        value: object = self._identifier.get_item(tag).value
        return value if isinstance(value, bytes) else str(value or "").encode()
