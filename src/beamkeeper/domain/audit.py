"""A log that shows any later change: who did what to which patient and when, each line bound to the last.

Each line is canonical JSON and carries the SHA-256 of the line before it; the SHA-256 of a line stands in the
next one, and beside it where the log is a table. The sequence has no gaps. What a chain cannot show is that
its end was cut off, or that all of it was written anew: keep its head elsewhere and hold the log against it.

References
----------
DICOM PS3.15 A.5; IHE ITI ATNA.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from beamkeeper.domain.codec import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT: Final = 1
LINE_CHARACTERS_MAX: Final = 65_536
FIRST_PREVIOUS: Final = "0" * 64
"""What the first line names as the digest of the line before it."""

_NEVER: Final = frozenset(
    {"name", "patient_name", "birth_on", "birth_date", "phone", "address", "password", "secret"}
)
"""Keys that may not stand in `details`: the log is read by people who may not know who a patient is."""

_KEYS: Final = frozenset(
    {"format", "sequence", "at", "action", "actor", "patient", "outcome", "details", "previous"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The end of the log: kept elsewhere, it proves that nothing before it was changed or cut off since.

    Attributes
    ----------
    sequence
        Of the last line, from 1; 0 when the log was empty.
    sha256
        Digest of that line, hexadecimal.
    """

    sequence: int
    sha256: str


NOTHING_YET: Final = AuditHead(sequence=0, sha256=FIRST_PREVIOUS)
"""The head of an empty log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What is to be written: who did what, to whom, with which outcome.

    Attributes
    ----------
    at
        Aware.
    patient_pseudonym
        None where the action concerns no single patient.
    """

    action: str
    actor: str
    outcome: str
    at: datetime
    patient_pseudonym: str | None = None
    details: Mapping[str, object] | None = None


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


def next_line(head: AuditHead, event: AuditEvent) -> str:
    """Return the line that continues a log which ends with `head`."""
    if event.at.tzinfo is None:
        raise ValueError("a naive datetime has no place in the log")
    line = canonical(
        {
            "format": FORMAT,
            "sequence": head.sequence + 1,
            "previous": head.sha256,
            "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "action": event.action,
            "actor": event.actor,
            "patient": event.patient_pseudonym,
            "outcome": event.outcome,
            "details": _checked(event.details or {}),
        }
    )
    if len(line) > LINE_CHARACTERS_MAX:
        raise ValueError(f"an audit line of {len(line)} characters")
    return line


def verify_exported(lines: Iterable[str], expected: AuditHead | None = None) -> AuditReport:
    """Check exported JSON lines, without any database."""
    stripped = (line.rstrip("\r\n") for line in lines)
    numbered = enumerate(stripped, start=1)
    return verify_lines(((sequence, line, digest_of(line)) for sequence, line in numbered), expected)


def verify_lines(entries: Iterable[tuple[int, str, str]], expected: AuditHead | None = None) -> AuditReport:
    """Check (sequence, line, digest) triples in order; the rule behind every check of the log."""
    head = NOTHING_YET
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
    if digest_of(line) != digest:
        return "its digest is not that of its text"
    try:
        body = json.loads(line)
        same_text = canonical(body) == line and set(body) == _KEYS and _is_shaped(body)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it is no audit line"
    if not same_text or body["format"] != FORMAT:
        return "it is no audit line of this format"
    if body["sequence"] != sequence:
        return f"it says it is line {body['sequence']}"
    if body["previous"] != head.sha256:
        return "it does not continue the line before it"
    return ""


def _is_shaped(body: Mapping[str, object]) -> bool:
    """Whether every reader of a line can rely on what its values are: who writes the file can digest, too."""
    texts = (body["action"], body["actor"], body["outcome"], body["patient"] or "")
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(body["details"], dict)
        and datetime.fromisoformat(str(body["at"])).tzinfo is not None
    )


def _checked(details: Mapping[str, object]) -> dict[str, object]:
    if found := sorted(_NEVER & set(details)):
        raise ValueError(f"{', '.join(found)} may not stand in the audit log")
    return dict(details)


def digest_of(line: str) -> str:
    """Return the SHA-256 of a line, hexadecimal."""
    return hashlib.sha256(line.encode()).hexdigest()


def row_of(line: str) -> AuditRow:
    """Return what a line of the log says."""
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
        sha256=digest_of(line),
    )
