"""What a DICOMweb server answers, read with suspicion: DICOM JSON, bounded, nothing believed.

References
----------
DICOM PS3.18 annex F (DICOM JSON model), section 10.5.3 (store), annex I (store instances response)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.dicom.outgoing import StoreAnswer, StoreVerdict
from beamkeeper.wire.dicom.values import clean_uid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

US_MAX: Final = 0xFFFF
"""Reasons are of VR US."""
_REFERENCED_SOPS: Final = "00081199"
_FAILED_SOPS: Final = "00081198"
_FAILURE_REASON: Final = "00081197"
_WARNING_REASON: Final = "00081196"
_SOP_INSTANCE: Final = "00081155"
_OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)
_HAS_ANOTHER: Final = frozenset({45070, 45071, 0x0111})
"""Azure: exists already, is being made; PS3.7 C.5.6: duplicate SOP instance."""
_CONFLICT: Final = 409
_WORDS: Final = {
    0x0110: "processing failure",
    0x0111: "it has an object of this UID already",
    0x0122: "it does not store objects of this class",
    0x0124: "we are not allowed to store there",
    0xC122: "it does not take this transfer syntax",
    43264: "it finds the object not valid",
    43265: "the object is of another study",
    45070: "it has an object of this UID already",
    45071: "it is still making or removing an object of this UID",
}


def data_sets(text: bytes) -> list[dict[str, Any]]:
    """Return the data sets of a DICOM JSON document.

    Raises
    ------
    SourceAnswerInvalid
        It is no such document.
    """
    try:
        document = json.loads(text) if text.strip() else []
    except (ValueError, RecursionError) as error:
        raise SourceAnswerInvalid("The answer is not JSON, though DICOM JSON was asked for.") from error
    found = document if isinstance(document, list) else [document]
    if not all(isinstance(one, dict) for one in found):
        raise SourceAnswerInvalid("The answer is JSON and not DICOM JSON.")
    return found


def text_of(data_set: dict[str, Any], tag: str) -> str:
    """Return the first value of an element as text; "" where there is none."""
    return next((str(value) for value in _values(data_set, tag) if isinstance(value, str | int)), "")


def uid_of(data_set: dict[str, Any], tag: str) -> str:
    """Return a UID; "" where there is none that is valid."""
    return valid_uid(text_of(data_set, tag))


def valid_uid(text: str) -> str:
    """Return `text` where it is a UID; else ""."""
    return clean_uid(text.encode("ascii", "replace")) or ""


def store_answers(
    status: int, data_set: dict[str, Any], sop_instance_uids: Sequence[str]
) -> dict[str, StoreAnswer]:
    """Return what a server says of each object it was sent; those it does not mention are left out."""
    answers: dict[str, StoreAnswer] = {}
    for item in _items(data_set, _REFERENCED_SOPS):
        warning = _number(item, _WARNING_REASON)
        verdict = StoreVerdict.WARNED if warning else StoreVerdict.STORED
        reason = _reason(warning, "it warns") if warning else ""
        answers[uid_of(item, _SOP_INSTANCE)] = StoreAnswer(verdict=verdict, status=warning, reason=reason)
    for item in _items(data_set, _FAILED_SOPS):
        failure = _number(item, _FAILURE_REASON)
        answers[uid_of(item, _SOP_INSTANCE)] = StoreAnswer(
            verdict=_failed(status, failure), status=failure, reason=_reason(failure, f"HTTP status {status}")
        )
    return {uid: answers[uid] for uid in sop_instance_uids if uid in answers}


def _failed(status: int, failure: int) -> StoreVerdict:
    if failure in _HAS_ANOTHER or (status == _CONFLICT and not failure):
        return StoreVerdict.HAS_ANOTHER
    return StoreVerdict.FULL if failure in _OUT_OF_RESOURCES else StoreVerdict.REFUSED


def _reason(number: int, otherwise: str) -> str:
    return f"{_WORDS.get(number, otherwise)} (reason {number:04X})"


def _number(data_set: dict[str, Any], tag: str) -> int:
    numbers = (value for value in _values(data_set, tag) if type(value) is int and 0 <= value <= US_MAX)
    return next(numbers, 0)


def _items(data_set: dict[str, Any], tag: str) -> Iterator[dict[str, Any]]:
    return (value for value in _values(data_set, tag) if isinstance(value, dict))


def _values(data_set: dict[str, Any], tag: str) -> list[Any]:
    element = data_set.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []
