"""What a night found of one patient's documents, and what follows from it for the vault."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - the codec reads these hints when it runs
from typing import TYPE_CHECKING

from beamkeeper.domain.change import ObjectComparison  # noqa: TC001 - the codec reads these hints when it runs
from beamkeeper.domain.night import NotKept  # noqa: TC001 - the codec reads these hints when it runs
from beamkeeper.ledger import DocumentRow
from beamkeeper.protect.compare import EntropySample  # noqa: TC001 - the codec reads these hints when it runs
from beamkeeper.protect.documents import Seen, documents_after
from beamkeeper.vault import Member
from beamkeeper.vault.state import THIS_PARCEL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import date
    from pathlib import Path
    from typing import BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDocument:
    """One document that the share holds tonight.

    Attributes
    ----------
    place, stamp
        Where it lies and what the share says of the file.
    is_read
        Whether its bytes were read tonight; else they are known to be as they were.
    is_damaged
        It was of a known kind before and is of none now.
    revised_at
        When the OIS says its present version was written; None when it does not say.
    """

    document_id: str
    title: str
    kind: str
    media_type: str
    sha256: str
    size_bytes: int
    place: str
    stamp: str
    is_read: bool
    is_damaged: bool = False
    revised_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientDocuments:
    """One patient's documents in one night.

    Attributes
    ----------
    gone
        Documents that the share does not hold any more, or that the OIS lists no more.
    remarks
        What is odd and is no loss, in words.
    is_compared
        Whether `comparisons` and `samples` say all there is to say.
    """

    found: tuple[FoundDocument, ...] = ()
    gone: tuple[str, ...] = ()
    not_kept: tuple[NotKept, ...] = ()
    remarks: tuple[str, ...] = ()
    comparisons: tuple[ObjectComparison, ...] = ()
    samples: tuple[EntropySample, ...] = ()
    is_compared: bool = False


def rows_after(
    kept: Sequence[DocumentRow], tonight: PatientDocuments | None, *, night: date
) -> tuple[DocumentRow, ...]:
    """Return every version the vault will hold of a patient's documents, with what is known of the files."""
    if tonight is None:
        return tuple(kept)
    seen = [
        Seen(
            document_id=item.document_id,
            title=item.title,
            media_type=item.media_type,
            sha256=item.sha256,
            size_bytes=item.size_bytes,
            is_damaged=item.is_damaged,
        )
        for item in tonight.found
    ]
    stored = documents_after([row.stored for row in kept], seen, gone=tonight.gone, night=night)
    before = {(row.stored.document_id, row.stored.sha256): row for row in kept}
    found = {(item.document_id, item.sha256): item for item in tonight.found}
    rows = []
    for item in stored:
        key = (item.document_id, item.sha256)
        row = replace(before[key], stored=item) if key in before else DocumentRow(stored=item)
        if key in found:
            row = _as_found(row, found[key], night)
        rows.append(row)
    return tuple(rows)


def _as_found(row: DocumentRow, found: FoundDocument, night: date) -> DocumentRow:
    read_on = night if found.is_read else row.read_on
    return replace(row, kind=found.kind, place=found.place, stamp=found.stamp, read_on=read_on)


def is_other(before: Iterable[DocumentRow], after: Iterable[DocumentRow]) -> bool:
    """Return whether anything but "seen again" is new of the documents."""
    return _flags(before) != _flags(after)


def _flags(rows: Iterable[DocumentRow]) -> set[tuple[str, str, bool, bool]]:
    stored = (row.stored for row in rows)
    return {(item.document_id, item.sha256, item.present, item.superseded) for item in stored}


def in_parcel(rows: Iterable[DocumentRow], path: str) -> list[DocumentRow]:
    """Return the rows as the ledger keeps them: what is new lies in tonight's parcel."""
    return [
        replace(row, stored=replace(row.stored, parcel=path)) if row.stored.parcel == THIS_PARCEL else row
        for row in rows
    ]


def there(rows: Iterable[DocumentRow], lost: Collection[str]) -> tuple[DocumentRow, ...]:
    """Return the versions whose parcel the vault has."""
    return tuple(row for row in rows if row.stored.parcel not in lost)


def document_members(rows: Iterable[DocumentRow], staging: Path) -> list[Member]:
    """Return the documents that are new, each member once, read only when it is sealed."""
    new = {row.stored.member: row.stored for row in rows if row.stored.parcel == THIS_PARCEL}
    return [
        Member(name=name, size_bytes=item.size_bytes, open=_opener(staging / item.sha256))
        for name, item in new.items()
    ]


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")
