"""`state.json`: everything the vault holds of one patient, so that the vault needs no database.

References
----------
`docs/formats/vault.md`, section "state.json"
"""

from __future__ import annotations

import json
import math
import operator
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beamkeeper.domain.objects import ObjectRef
from beamkeeper.errors import IntegrityError
from beamkeeper.vault.tarstream import is_member_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STATE_FORMAT: Final = "beamkeeper-state"
STATE_VERSION: Final = 1
STATE_NAME: Final = "state.json"
STATE_BYTES_MAX: Final = 64 << 20
ITEMS_MAX: Final = 100_000
"""Objects, and documents, of one patient."""
TEXT_LENGTH_MAX: Final = 1024
FACTS_DEPTH_MAX: Final = 16
SIZE_BYTES_MAX: Final = 1 << 40

THIS_PARCEL: Final = ""
"""Stands in `parcel` for the parcel about to be sealed; `Vault.seal` writes its path there."""

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PSEUDONYM = re.compile(r"[a-z2-7]{20,52}")
_PARCEL = re.compile(r"[a-z2-7]{20,52}/\d{4}-\d{2}-\d{2}-\d{1,6}\.tar\.zst\.age")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject(ObjectRef):
    """One version of one DICOM object, and where its bytes lie.

    Attributes
    ----------
    parcel, member
        Path of the parcel in signed metadata, and the file's name inside it.
    first_seen_on, last_seen_on
        Nights on which the source first and last held these very bytes.
    present
        False once the source no longer lists the object: it stays, marked.
    superseded
        True when a later night brought other bytes under the same SOP Instance UID.
    """

    parcel: str
    member: str
    first_seen_on: date
    last_seen_on: date
    present: bool = True
    superseded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """One version of one document, and where its bytes lie.

    Attributes
    ----------
    document_id
        How the source names it; versions of one document share it.
    title
        What a person calls it.
    """

    document_id: str
    title: str
    media_type: str
    sha256: str
    size_bytes: int
    parcel: str
    member: str
    first_seen_on: date
    last_seen_on: date
    present: bool = True
    superseded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientState:
    """Everything kept of one patient as of one night.

    Attributes
    ----------
    patient
        Facts of the person as JSON (identifiers, contacts, ...): kept as given, not interpreted here.
    objects, documents
        The complete current set and every older version still kept.
    """

    pseudonym: str
    night: date
    patient: Mapping[str, JsonValue]
    objects: tuple[StoredObject, ...] = ()
    documents: tuple[StoredDocument, ...] = ()

    def items(self) -> tuple[StoredObject | StoredDocument, ...]:
        """Return all objects, then all documents."""
        return (*self.objects, *self.documents)

    def current_objects(self) -> tuple[StoredObject, ...]:
        """Return what the source held on that night: present and not superseded."""
        return tuple(item for item in self.objects if item.present and not item.superseded)

    def current_documents(self) -> tuple[StoredDocument, ...]:
        """Return the documents the source held on that night."""
        return tuple(item for item in self.documents if item.present and not item.superseded)


def is_pseudonym(text: str) -> bool:
    """Return whether `text` has the form of a patient's pseudonym."""
    return _PSEUDONYM.fullmatch(text) is not None


def object_member(*, modality: str, sop_instance_uid: str, sha256: str, version: int = 1) -> str:
    """Return the name under which an object lies in a parcel: `dicom/<modality>/<uid>.dcm`.

    Received text is used only where it is harmless; a strange UID gives way to the digest.

    Parameters
    ----------
    version
        2 and more for further copies of one UID in the same parcel.
    """
    folder = modality if re.fullmatch(r"[A-Z0-9]{1,16}", modality) else "OTHER"
    uid = re.fullmatch(r"[0-9]([0-9.]{0,62}[0-9])?", sop_instance_uid)
    stem = sop_instance_uid if uid else f"sha256-{sha256}"
    return f"dicom/{folder}/{stem}{'' if version == 1 else f'-{version}'}.dcm"


def state_bytes(state: PatientState) -> bytes:
    """Return `state` as the bytes of a state.json: the same state, the same bytes."""
    document = {
        "format": STATE_FORMAT,
        "version": STATE_VERSION,
        "pseudonym": state.pseudonym,
        "night": state.night.isoformat(),
        "patient": state.patient,
        "objects": [_item(item) for item in state.objects],
        "documents": [_item(item) for item in state.documents],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def read_state(data: bytes) -> PatientState:
    """Return the state that the bytes of a state.json hold.

    Raises
    ------
    IntegrityError
        Not a state.json of this format and version, to the last key.
    """
    try:
        document = _parse(data)
        _verify_keys(document, _STATE_KEYS)
        return PatientState(
            pseudonym=_matching(document["pseudonym"], _PSEUDONYM),
            night=_day(document["night"]),
            patient=_facts(document["patient"]),
            objects=_items(document["objects"], StoredObject),
            documents=_items(document["documents"], StoredDocument),
        )
    except _Refused as refused:
        raise IntegrityError(
            f"This state.json cannot be trusted: {refused}.",
            do_next="Use an earlier night of this patient, and report this with the version of Beamkeeper.",
        ) from refused


class _Refused(Exception):
    """Why a document is not a state.json, in words; never with a value from inside."""


_STATE_KEYS = frozenset({"format", "version", "pseudonym", "night", "patient", "objects", "documents"})
_Item = TypeVar("_Item", StoredObject, StoredDocument)


def _item(item: StoredObject | StoredDocument) -> dict[str, object]:
    names, values = _FIELDS[type(item)]
    pairs = dict(zip(names, values(item), strict=True))
    pairs["first_seen_on"] = item.first_seen_on.isoformat()
    pairs["last_seen_on"] = item.last_seen_on.isoformat()
    return pairs


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > STATE_BYTES_MAX:
        raise _Refused(f"it is larger than {STATE_BYTES_MAX} bytes")
    try:
        document = json.loads(data, parse_constant=_no_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _Refused("it is not JSON") from error
    if not isinstance(document, dict) or document.get("format") != STATE_FORMAT:
        raise _Refused(f'its format is not "{STATE_FORMAT}"')
    if document.get("version") != STATE_VERSION or isinstance(document["version"], bool | float):
        raise _Refused(f"its version is not {STATE_VERSION}, the only one this Beamkeeper reads")
    return document


def _no_constant(_: str) -> None:
    raise _Refused("it holds a number that is none")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _Refused("a key stands twice")
    return document


def _verify_keys(document: Mapping[str, Any], expected: frozenset[str]) -> None:
    if document.keys() != expected:
        odd = sorted(expected ^ document.keys())[:5]
        raise _Refused(f"keys are missing or unknown ({', '.join(name[:40] for name in odd)})")


def _items(values: Any, kind: type[_Item]) -> tuple[_Item, ...]:
    if not isinstance(values, list) or len(values) > ITEMS_MAX:
        raise _Refused(f"it holds no list, or more than {ITEMS_MAX} entries")
    readers = _READERS[kind]
    names = frozenset(readers)
    items = []
    for value in values:
        if not isinstance(value, dict):
            raise _Refused("an entry is not an object")
        _verify_keys(value, names)
        items.append(kind(**{name: read(value[name]) for name, read in readers.items()}))
    return tuple(items)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX:
        raise _Refused(f"a text is not one, or longer than {TEXT_LENGTH_MAX} characters")
    return value


def _matching(value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise _Refused("a digest, pseudonym, date or parcel has another form")
    return value


def _member(value: Any) -> str:
    if not isinstance(value, str) or not is_member_name(value):
        raise _Refused("a member's name could not stand in a parcel")
    return value


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(_matching(value, _DATE))
    except ValueError as error:
        raise _Refused("a date is none") from error


def _size(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= SIZE_BYTES_MAX:
        raise _Refused("a size is none")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Refused("a flag is neither true nor false")
    return value


def _facts(value: Any) -> dict[str, JsonValue]:
    if not isinstance(value, dict) or _depth(value) > FACTS_DEPTH_MAX:
        raise _Refused("the patient's facts are no object, or nested too deep")
    return value


def _depth(value: Any) -> int:
    if isinstance(value, float) and not math.isfinite(value):
        raise _Refused("it holds a number that is none")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(item) for item in inner), default=0)


_SHARED: dict[str, Callable[[Any], Any]] = {
    "sha256": lambda value: _matching(value, _SHA256),
    "size_bytes": _size,
    "parcel": lambda value: _matching(value, _PARCEL),
    "member": _member,
    "first_seen_on": _day,
    "last_seen_on": _day,
    "present": _flag,
    "superseded": _flag,
}
_OBJECT_TEXTS = (
    "sop_class_uid",
    "sop_instance_uid",
    "study_instance_uid",
    "series_instance_uid",
    "patient_id",
    "modality",
    "transfer_syntax_uid",
)
_READERS: dict[type, dict[str, Callable[[Any], Any]]] = {
    StoredObject: dict.fromkeys(_OBJECT_TEXTS, _text) | _SHARED,
    StoredDocument: dict.fromkeys(("document_id", "title", "media_type"), _text) | _SHARED,
}
_FIELDS = {kind: (tuple(readers), operator.attrgetter(*readers)) for kind, readers in _READERS.items()}
