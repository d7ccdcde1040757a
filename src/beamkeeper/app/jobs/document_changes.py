"""What is to be said of a patient's documents: new, changed, gone, or nothing any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.change import DOCUMENT, Change, Grade, ObjectComparison

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beamkeeper.app.jobs.document_notes import FoundDocument
    from beamkeeper.ledger import DocumentRow
    from beamkeeper.protect.documents import TextDifference

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


def changed(
    found: FoundDocument, differences: Sequence[tuple[str | None, str | None, str]], *, expected: str
) -> ObjectComparison:
    """Return what to say of a document with other content.

    Parameters
    ----------
    differences
        What is different: before, now, and a sentence each.
    expected
        Why nobody has to look; "" where somebody has to.
    """
    grade = Grade.ADMINISTRATIVE
    changes = tuple(
        Change(path="", old=old, new=now, text=text, grade=grade) for old, now, text in differences
    )
    return replace(new(found), grade=grade, expected=expected, changes=changes)


def as_clinical(item: ObjectComparison) -> ObjectComparison:
    """Return a change of what people set patients up by: somebody looks, whoever announced it."""
    changes = tuple(replace(change, grade=Grade.CLINICAL) for change in item.changes)
    return replace(item, grade=Grade.CLINICAL, changes=changes, expected="")


def is_set_up_by(found: FoundDocument, words: Iterable[str]) -> bool:
    """Return whether a word of the site's `look_at` stands in a document's kind or title."""
    about = f"{found.kind} {found.title}".casefold()
    return any(word.casefold() in about for word in words if word)


def differences(
    text: TextDifference | None, before_bytes: int, now_bytes: int
) -> list[tuple[str | None, str | None, str]]:
    """Return what is different as (before, now, sentence); None for a kind that is not read."""
    other = f"{before_bytes:,} → {now_bytes:,} bytes"
    if text is None:
        return [(None, None, f"Other bytes: {other}.")]
    if text.not_read:
        return [(None, None, f"Other bytes: {other}. What changed is not shown: {text.not_read}.")]
    if text.line_counts == (0, 0):
        return [(None, None, f"It has no text to compare, as a scan has none: {other}.")]
    if not text.pairs:
        return [(None, None, f"The same text: {other}. Pictures and layout are not compared.")]
    found = [(old, now, _line(old, now)) for old, now in text.pairs]
    if text.more_count:
        found.append((None, None, f"{text.more_count:,} more lines differ."))
    return found


def _line(old: str | None, now: str | None) -> str:
    if old is None:
        return f"new: “{now}”"
    return f"no longer there: “{old}”" if now is None else f"“{old}” → “{now}”"


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
