"""Which versions of a patient's documents the vault holds after a night. A rule without I/O."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.documents.content import UNKNOWN, suffix_of
from beamkeeper.vault.state import TEXT_LENGTH_MAX, THIS_PARCEL, StoredDocument

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date

NAME_CHARACTERS_MAX: Final = 40
DIGEST_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One document as the share holds it tonight.

    Attributes
    ----------
    sha256
        Of its bytes, read tonight or known to be the same.
    is_damaged
        It was a document of a known kind and is none any more: kept, and no reason to give up the last
        good version.
    """

    document_id: str
    title: str
    media_type: str
    sha256: str
    size_bytes: int
    is_damaged: bool = False


def documents_after(
    kept: Sequence[StoredDocument], seen: Sequence[Seen], *, gone: Collection[str], night: date
) -> tuple[StoredDocument, ...]:
    """Return every version the vault will hold; new ones carry the parcel `THIS_PARCEL`.

    A document that is gone at its source stays, marked; so does an older version. One that says nothing any
    more supersedes nothing.

    Parameters
    ----------
    gone
        Documents the source does not hold any more, by its word.
    """
    by_id = {item.document_id: item for item in seen}
    after = [_kept_after(item, by_id.get(item.document_id), gone, night) for item in kept]
    known = {(item.document_id, item.sha256) for item in kept}
    after += [new_document(item, night) for item in seen if (item.document_id, item.sha256) not in known]
    return tuple(after)


def _kept_after(
    item: StoredDocument, seen: Seen | None, gone: Collection[str], night: date
) -> StoredDocument:
    if seen is None:
        return replace(item, present=False) if item.document_id in gone else item
    if seen.sha256 == item.sha256:
        superseded = item.superseded and seen.is_damaged
        return replace(item, present=True, superseded=superseded, last_seen_on=night)
    return item if seen.is_damaged else replace(item, superseded=True)


def new_document(seen: Seen, night: date) -> StoredDocument:
    """Return a version that is sealed tonight."""
    name = f"{_readable(seen.title)}-{seen.sha256[:DIGEST_CHARACTERS]}.{suffix_of(seen.media_type)}"
    return StoredDocument(
        document_id=seen.document_id[:TEXT_LENGTH_MAX],
        title=seen.title[:TEXT_LENGTH_MAX],
        media_type=seen.media_type or UNKNOWN,
        sha256=seen.sha256,
        size_bytes=seen.size_bytes,
        parcel=THIS_PARCEL,
        member=f"documents/{name}",
        first_seen_on=night,
        last_seen_on=night,
        superseded=seen.is_damaged,
    )


def state_in_words(item: StoredDocument, versions: Iterable[StoredDocument]) -> str:
    """Return what became of a document: gone, or its file damaged; "" where the share has it as it is here.

    Parameters
    ----------
    versions
        Every version the vault holds of the patient's documents.
    """
    damaged_on = [
        one.first_seen_on
        for one in versions
        if one.document_id == item.document_id
        and one.superseded
        and one.media_type == UNKNOWN
        and one.last_seen_on > item.last_seen_on
    ]
    if not item.present:
        return f"on the share no longer since {item.last_seen_on}"
    if damaged_on:
        return f"damaged on the share since {max(damaged_on)}; this is the last good one"
    return ""


def _readable(title: str) -> str:
    """Return a title as a harmless part of a file's name."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:NAME_CHARACTERS_MAX].strip("-")
    return words or "document"
