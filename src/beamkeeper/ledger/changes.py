"""What changed each night, and what was announced to change."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db import transaction

from beamkeeper.clock import utc
from beamkeeper.domain.change import ObjectComparison
from beamkeeper.ledger.documents import read_document, write_document
from beamkeeper.ledger.models import Announced, FoundChange
from beamkeeper.ledger.rows import AnnouncementRow, ChangeRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

CHANGES_AT_A_TIME = 1_000


def record_changes(alias: str, run_on: date, pseudonym: str, comparisons: Sequence[ObjectComparison]) -> None:
    """Keep a night's verdicts on one patient; a second call replaces the first."""
    rows = [
        FoundChange(
            run_on=run_on, pseudonym=pseudonym, sequence=sequence, comparison=write_document(comparison)
        )
        for sequence, comparison in enumerate(comparisons)
    ]
    with transaction.atomic(using=alias):
        changes = FoundChange.objects.using(alias)
        changes.filter(run_on=run_on, pseudonym=pseudonym).delete()
        changes.bulk_create(rows, batch_size=CHANGES_AT_A_TIME)


def find_changes(alias: str, run_on: date | None, pseudonym: str | None) -> tuple[ChangeRow, ...]:
    """Return the verdicts of one night, of one patient over the nights, or all; oldest first."""
    rows = FoundChange.objects.using(alias).order_by("run_on", "pseudonym", "sequence")
    if run_on is not None:
        rows = rows.filter(run_on=run_on)
    if pseudonym is not None:
        rows = rows.filter(pseudonym=pseudonym)
    return tuple(
        ChangeRow(
            run_on=row.run_on,
            pseudonym=row.pseudonym,
            comparison=read_document(ObjectComparison, row.comparison),
        )
        for row in rows.iterator()
    )


def announce(alias: str, announcement: AnnouncementRow) -> None:
    """Keep an announcement; the same one twice is one."""
    text = write_document(announcement)
    Announced.objects.using(alias).get_or_create(
        key=hashlib.sha256(text.encode()).hexdigest(),
        defaults={
            "valid_from": utc(announcement.valid_from),
            "valid_until": utc(announcement.valid_until),
            "announcement": text,
        },
    )


def announcements(alias: str, at: datetime | None) -> tuple[AnnouncementRow, ...]:
    """Return the announcements that count at `at` (None: all ever made), oldest first."""
    rows = Announced.objects.using(alias).order_by("valid_from", "key")
    if at is not None:
        rows = rows.filter(valid_from__lte=utc(at), valid_until__gt=utc(at))
    return tuple(read_document(AnnouncementRow, row.announcement) for row in rows.iterator())
