"""The audit log as a table of the ledger: `domain.audit` says what a line is and how a chain is checked.

Every night's report, and the vault's signed metadata, carry `head()`, and `verify_chain` holds the log
against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import connections, transaction

from beamkeeper.domain.audit import (
    NOTHING_YET,
    AuditEvent,
    AuditHead,
    AuditReport,
    AuditRow,
    digest_of,
    next_line,
    row_of,
    verify_lines,
)
from beamkeeper.ledger.models import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from beamkeeper.ledger.database import Database

LINES_AT_A_TIME: Final = 2_000


class Audit:
    """The log in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        action: str,
        *,
        actor: str,
        outcome: str,
        at: datetime,
        patient_pseudonym: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> AuditRow:
        """Write one line; when it cannot be written this raises, and the action must not happen.

        Raises
        ------
        StorageFull, LedgerUnavailable
            The line is not in the log.
        """
        event = AuditEvent(
            action=action,
            actor=actor,
            outcome=outcome,
            at=at,
            patient_pseudonym=patient_pseudonym,
            details=details,
        )
        alias = self._database.alias
        with self._database.session(), transaction.atomic(using=alias):
            _wait_for_other_writers(alias)
            last = AuditEntry.objects.using(alias).order_by("-sequence").first()
            head = NOTHING_YET if last is None else AuditHead(sequence=last.sequence, sha256=last.sha256)
            line = next_line(head, event)
            AuditEntry.objects.using(alias).create(
                sequence=head.sequence + 1, line=line, sha256=digest_of(line)
            )
        return row_of(line)

    def head(self) -> AuditHead:
        """Return the end of the log; sequence 0 when it is empty."""
        with self._database.session():
            last = AuditEntry.objects.using(self._database.alias).order_by("-sequence").first()
        if last is None:
            return NOTHING_YET
        return AuditHead(sequence=last.sequence, sha256=last.sha256)

    def rows(self, *, after: int = 0) -> Iterator[AuditRow]:
        """Yield lines in order, those after sequence `after`, in bounded memory."""
        for line in self.lines(after=after):
            yield row_of(line)

    def lines(self, *, after: int = 0) -> Iterator[str]:
        """Yield the lines as they were hashed: JSON lines, ready to be exported."""
        for entry in self._entries(after):
            yield entry.line

    def verify_chain(self, expected: AuditHead | None = None) -> AuditReport:
        """Check every line, and with `expected` that nothing was cut off since that head was noted."""
        return verify_lines(
            ((entry.sequence, entry.line, entry.sha256) for entry in self._entries(0)), expected
        )

    def _entries(self, after: int) -> Iterator[AuditEntry]:
        with self._database.session():
            entries = AuditEntry.objects.using(self._database.alias).filter(sequence__gt=after)
            yield from entries.order_by("sequence").iterator(chunk_size=LINES_AT_A_TIME)


def _wait_for_other_writers(alias: str) -> None:
    """Let one writer at a time find the end of the log (SQLite: the transaction already is IMMEDIATE)."""
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE ledger_auditentry IN EXCLUSIVE MODE")
