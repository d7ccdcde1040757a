"""What people say of a night: ballots, and what there is to say something about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

THE_NIGHT = ""
"""The item that is no patient: what the night as a whole has to answer for (losses, an empty list)."""
REASON_CHARACTERS_MAX = 500

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_login(text: str) -> bool:
    """Whether `text` may be the short name of a person: small letters, digits, ". _ -"."""
    return _LOGIN.fullmatch(text) is not None


class Verdict(StrEnum):
    """What a person says of changes."""

    CONFIRM = "confirm"
    """They are genuine."""
    DISPUTE = "dispute"
    """They are not, or may not be."""


class VotePath(StrEnum):
    """Which way a ballot came."""

    PAGE = "page"
    MAIL = "mail"
    FILE = "file"
    CLI = "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """What one person said of one night.

    Attributes
    ----------
    person
        The login of a person of the site file, never a shown name.
    scope
        Pseudonyms of the patients meant; None for the night as a whole.
    at
        When Beamkeeper took it, aware.
    digest
        Of the change list the person saw (`NightFacts.digest`): a ballot is about that list and no other.
    reason
        Their words; may name a patient, so it stays in the ledger.
    """

    night: date
    person: str
    verdict: Verdict
    scope: tuple[str, ...] | None
    path: VotePath
    at: datetime
    digest: str
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse a ballot that could never be counted."""
        if not is_login(self.person) or _DIGEST.fullmatch(self.digest) is None:
            raise ValueError("a ballot bears a login and the SHA-256 of the list it is about")
        if self.at.tzinfo is None or len(self.reason) > REASON_CHARACTERS_MAX:
            raise ValueError("a ballot has an aware instant and a short reason")
        if self.scope is not None and (not self.scope or THE_NIGHT in self.scope):
            raise ValueError("a ballot is about patients, or about the night as a whole (None)")

    def covers(self, item: str) -> bool:
        """Whether this ballot speaks of `item`: a pseudonym, or `THE_NIGHT`."""
        return self.scope is None or item in self.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFacts:
    """What a night gives people to confirm.

    Attributes
    ----------
    digest
        SHA-256 of the change list; "" while there is no report.
    items
        Pseudonyms with something to look at, and `THE_NIGHT` for what belongs to no patient.
    reported_at
        When the report was written; None while there is none.
    people_needed
        How many different people had to confirm when the night was reported.
    """

    night: date
    digest: str = ""
    items: tuple[str, ...] = ()
    reported_at: datetime | None = None
    people_needed: int = 2

    def __post_init__(self) -> None:
        """Refuse a list without its digest, and a rule that nobody has to keep."""
        if (self.reported_at is None) != (not self.digest) or self.people_needed < 1:
            raise ValueError("a reported night has the digest of its list, and somebody who confirms it")
        if self.digest and _DIGEST.fullmatch(self.digest) is None:
            raise ValueError(f"{self.digest=}")

    @property
    def is_quiet(self) -> bool:
        """Whether it was reported and nothing in it needs a vote."""
        return self.reported_at is not None and not self.items
