"""The end of the audit log, as it is kept outside the log."""

from __future__ import annotations

from dataclasses import dataclass


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
