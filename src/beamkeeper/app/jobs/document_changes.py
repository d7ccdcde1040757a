"""What is to be said of a patient's documents: new, changed, gone, or nothing any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.change import DOCUMENT, Change, Grade, ObjectComparison

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.app.jobs.document_notes import FoundDocument
    from beamkeeper.ledger import DocumentRow

NEW: Final = "a new document"
GONE: Final = "It is on the share no longer, or the OIS lists it no longer. The vault keeps the last copy."
BACK: Final = "It had gone and is back, with the same bytes."
EMPTIED: Final = "The file on the share is empty (0 bytes). The vault keeps the last copy that was not."
DAMAGED: Final = (
    "It was a document and is none any more ({before:,} → {now:,} bytes of no known kind). The vault keeps "
    "both; the last good one is what a restore gives."
)


def gone(row: DocumentRow) -> ObjectComparison:
    """Return what to say of a document that is not there any more."""
    return _said(row, Grade.MISSING, GONE)


def emptied(row: DocumentRow) -> ObjectComparison:
    """Return what to say of a document whose file has no bytes any more."""
    return _said(row, Grade.UNREADABLE, EMPTIED)


def back(row: DocumentRow) -> ObjectComparison:
    """Return what to say of a document that had gone."""
    return _said(row, Grade.ADMINISTRATIVE, BACK)


def damaged(row: DocumentRow, found: FoundDocument) -> ObjectComparison:
    """Return what to say of a file that was a document before."""
    text = DAMAGED.format(before=row.stored.size_bytes, now=found.size_bytes)
    return _said(row, Grade.UNREADABLE, text)


def new(found: FoundDocument) -> ObjectComparison:
    """Return what to say of a document that is kept for the first time: shown, and no reason to look."""
    return ObjectComparison(
        sop_instance_uid="",
        sop_class_uid="",
        modality="",
        kind=DOCUMENT,
        label=found.title,
        grade=Grade.NEW,
        expected=NEW,
    )


def changed(found: FoundDocument, texts: Iterable[str], *, look_at: Iterable[str]) -> ObjectComparison:
    """Return what to say of a document with other content.

    Parameters
    ----------
    texts
        What is different, a sentence each.
    look_at
        Words in a kind or title that make a change clinical: people set patients up by it.
    """
    about = f"{found.kind} {found.title}".casefold()
    is_clinical = any(word.casefold() in about for word in look_at if word)
    grade = Grade.CLINICAL if is_clinical else Grade.ADMINISTRATIVE
    changes = tuple(Change(path="", old=None, new=None, text=text, grade=grade) for text in texts)
    return replace(new(found), grade=grade, expected="", changes=changes)


def bytes_differ(before: int, now: int) -> str:
    """Return the sentence for a change that nobody can read."""
    return f"Other bytes: {before:,} → {now:,}."


def _said(row: DocumentRow, grade: Grade, text: str) -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid="",
        sop_class_uid="",
        modality="",
        kind=DOCUMENT,
        label=row.stored.title,
        grade=grade,
        changes=(Change(path="", old=None, new=None, text=text, grade=grade),),
    )
