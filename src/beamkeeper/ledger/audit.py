"""Who did what to which patient and when: a chain that shows any later change.

Each line is canonical JSON and carries the SHA-256 of the line before it; the SHA-256 of a line is
kept beside it and in the next one. The sequence has no gaps. What a chain cannot show is that its
end was cut off, or that all of it was written anew: every night's report, and the vault's signed metadata,
carry `head()`, and `verify_chain` holds the log against it.

References
----------
DICOM PS3.15 A.5; IHE ITI ATNA.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connections, transaction

from beamkeeper.clock import utc
from beamkeeper.domain.audit import AuditHead
from beamkeeper.ledger.documents import canonical
from beamkeeper.ledger.models import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from beamkeeper.ledger.database import Database

FORMAT = 1
LINE_CHARACTERS_MAX = 65_536
LINES_AT_A_TIME = 2_000
FIRST_PREVIOUS = "0" * 64
"""What the first line names as the digest of the line before it."""

_NEVER = frozenset(
    {"name", "patient_name", "birth_on", "birth_date", "phone", "address", "password", "secret"}
)
"""Keys that may not stand in `details`: the log is read by people who may not know who a patient is."""

_KEYS = frozenset(
    {"format", "sequence", "at", "action", "actor", "patient", "outcome", "details", "previous"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One line of the log.

    Attributes
    ----------
    sequence
        From 1, without gaps; the order of writing even where the clock was set back.
    patient_pseudonym
        None where the action concerns no single patient.
    sha256
        Digest of this line, hexadecimal.
    """

    sequence: int
    at: datetime
    action: str
    actor: str
    patient_pseudonym: str | None
    outcome: str
    details: Mapping[str, object]
    previous: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What checking the chain found.

    Attributes
    ----------
    first_broken
        Sequence of the first line that is not what was written; None when all are.
    reason
        What is wrong with it, in words.
    clock_steps_back
        Lines that say an earlier time than the line before: no damage, but worth knowing.
    """

    lines: int
    head: AuditHead
    first_broken: int | None = None
    reason: str = ""
    clock_steps_back: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every line is what was written."""
        return self.first_broken is None


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
        body: dict[str, object] = {
            "format": FORMAT,
            "at": utc(at).isoformat(timespec="microseconds"),
            "action": action,
            "actor": actor,
            "patient": patient_pseudonym,
            "outcome": outcome,
            "details": _checked(details or {}),
        }
        alias = self._database.alias
        with self._database.session(), transaction.atomic(using=alias):
            _wait_for_other_writers(alias)
            last = AuditEntry.objects.using(alias).order_by("-sequence").first()
            body["sequence"] = 1 if last is None else last.sequence + 1
            body["previous"] = FIRST_PREVIOUS if last is None else last.sha256
            line = canonical(body)
            if len(line) > LINE_CHARACTERS_MAX:
                raise ValueError(f"an audit line of {len(line)} characters")
            AuditEntry.objects.using(alias).create(sequence=body["sequence"], line=line, sha256=_digest(line))
        return _row(line)

    def head(self) -> AuditHead:
        """Return the end of the log; sequence 0 when it is empty."""
        with self._database.session():
            last = AuditEntry.objects.using(self._database.alias).order_by("-sequence").first()
        if last is None:
            return AuditHead(sequence=0, sha256=FIRST_PREVIOUS)
        return AuditHead(sequence=last.sequence, sha256=last.sha256)

    def rows(self, *, after: int = 0) -> Iterator[AuditRow]:
        """Yield lines in order, those after sequence `after`, in bounded memory."""
        for line in self.lines(after=after):
            yield _row(line)

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


def verify_exported(lines: Iterable[str], expected: AuditHead | None = None) -> AuditReport:
    """Check exported JSON lines, without any database."""
    stripped = (line.rstrip("\r\n") for line in lines)
    numbered = enumerate(stripped, start=1)
    return verify_lines(((sequence, line, _digest(line)) for sequence, line in numbered), expected)


def verify_lines(entries: Iterable[tuple[int, str, str]], expected: AuditHead | None = None) -> AuditReport:
    """Check (sequence, line, digest) triples in order; the rule behind every check of the log."""
    head = AuditHead(sequence=0, sha256=FIRST_PREVIOUS)
    steps_back = 0
    last_at: datetime | None = None
    for sequence, line, digest in entries:
        reason = _fault(head, sequence, line, digest)
        if not reason and expected and expected.sequence == sequence and expected.sha256 != digest:
            reason = "it is not the line that was the end of the log when that end was noted"
        if reason:
            return AuditReport(
                lines=head.sequence,
                head=head,
                first_broken=head.sequence + 1,
                reason=reason,
                clock_steps_back=steps_back,
            )
        at = datetime.fromisoformat(json.loads(line)["at"])
        steps_back += last_at is not None and at < last_at
        last_at = at
        head = AuditHead(sequence=sequence, sha256=digest)
    if expected and expected.sequence > head.sequence:
        reason = f"the log ends at line {head.sequence}; line {expected.sequence} was its end before"
        broken = head.sequence + 1
        return AuditReport(
            lines=head.sequence, head=head, first_broken=broken, reason=reason, clock_steps_back=steps_back
        )
    return AuditReport(lines=head.sequence, head=head, clock_steps_back=steps_back)


def _fault(head: AuditHead, sequence: int, line: str, digest: str) -> str:
    """Return what is wrong with the line after `head`; "" when nothing is."""
    if sequence != head.sequence + 1:
        return f"line {head.sequence + 1} is missing"
    if _digest(line) != digest:
        return "its digest is not that of its text"
    try:
        body = json.loads(line)
        datetime.fromisoformat(body["at"])
        same_text = canonical(body) == line and set(body) == _KEYS
    except (ValueError, KeyError, TypeError):
        return "it is no audit line"
    if not same_text or body["format"] != FORMAT:
        return "it is no audit line of this format"
    if body["sequence"] != sequence:
        return f"it says it is line {body['sequence']}"
    if body["previous"] != head.sha256:
        return "it does not continue the line before it"
    return ""


def _wait_for_other_writers(alias: str) -> None:
    """Let one writer at a time find the end of the log (SQLite: the transaction already is IMMEDIATE)."""
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE ledger_auditentry IN EXCLUSIVE MODE")


def _checked(details: Mapping[str, object]) -> dict[str, object]:
    if found := sorted(_NEVER & set(details)):
        raise ValueError(f"{', '.join(found)} may not stand in the audit log")
    return dict(details)


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _row(line: str) -> AuditRow:
    body = json.loads(line)
    return AuditRow(
        sequence=body["sequence"],
        at=datetime.fromisoformat(body["at"]),
        action=body["action"],
        actor=body["actor"],
        patient_pseudonym=body["patient"],
        outcome=body["outcome"],
        details=body["details"],
        previous=body["previous"],
        sha256=_digest(line),
    )
