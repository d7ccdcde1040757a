"""The journal of a desk: what was received, checked, stored, told and sent back, one chained line each."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.respond.incident import Journal

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.handover import Desk

JOURNAL: Final = "journal.jsonl"


class DeskDeed(StrEnum):
    """What a line of a desk's journal is about."""

    RECEIVED = "bundle received"
    REFUSED = "bundle refused"
    CHECKED = "bundle verified"
    KNOWN_AS = "patient has our number"
    STORED = "objects stored"
    TELLING = "messages begun"
    TOLD = "message sent"
    REPLIED = "return bundle made"
    SENT = "return bundle sent"
    TIDIED = "laid aside removed"
    FORGOTTEN = "patient forgotten"


def journal(desk: Desk) -> Journal:
    """Return the journal of a desk."""
    return Journal(desk.path / JOURNAL)


def note(
    desk: Desk,
    deed: DeskDeed,
    *,
    by: str,
    at: datetime,
    pseudonym: str | None = None,
    outcome: str = "ok",
    **details: object,
) -> AuditRow:
    """Write one line into the journal of a desk."""
    return journal(desk).note(deed, by=by, at=at, pseudonym=pseudonym, outcome=outcome, **details)
