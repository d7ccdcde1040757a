"""Who is asked, how many must agree, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.clock import local_instant
from beamkeeper.domain.ballot import is_login

if TYPE_CHECKING:
    from datetime import date, datetime
    from zoneinfo import ZoneInfo


class Role(StrEnum):
    """What a person does in the department."""

    PHYSICIST = "physicist"
    PHYSICIAN = "physician"
    THERAPIST = "therapist"
    IT = "it"
    AUDITOR = "auditor"


VOTING_ROLES = frozenset({Role.PHYSICIST, Role.PHYSICIAN})
"""Who can tell whether a change of a treatment is genuine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the department, as the site file names them.

    Attributes
    ----------
    login
        Short name: what ballots, logs and the console know them by.
    mail
        Their own address; "" when they are not written to.
    language
        nl, fr, de or en: in which we write to them.
    signing_key
        Public OpenSSH key ("ssh-ed25519 AAAA…") for ballots as files; "" without.
    age_recipient
        Who can open sealed attachments of the report ("age1…"); "" without.
    """

    login: str
    name: str
    role: Role
    mail: str = ""
    language: str = "en"
    signing_key: str = ""
    age_recipient: str = ""

    def __post_init__(self) -> None:
        """Refuse a login that a ballot could not bear."""
        if not is_login(self.login):
            raise ValueError(f"{self.login=}")

    @property
    def may_vote(self) -> bool:
        """Whether this person's ballots count."""
        return self.role in VOTING_ROLES


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumRule:
    """When a night counts as confirmed, and who is called when it is not.

    Attributes
    ----------
    deadline, night_starts_at
        Local times. A night that starts after the deadline's hour is due on the next day.
    remind_every
        From the deadline on, until enough people have confirmed.
    escalate_after
        How long after the deadline `escalate_to` are called as well.
    recipients, escalate_to
        Logins.
    """

    zone: ZoneInfo
    people_needed: int = 2
    deadline: time = time(10)
    night_starts_at: time = time(2)
    remind_every: timedelta = timedelta(minutes=10)
    escalate_after: timedelta = timedelta(hours=1)
    recipients: tuple[str, ...] = ()
    escalate_to: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a rule that asks nobody or never reminds."""
        if self.people_needed < 1 or self.remind_every <= timedelta() or self.escalate_after < timedelta():
            raise ValueError("a rule asks somebody, and reminds")

    def deadline_at(self, night: date) -> datetime:
        """Return the instant from which the night of that date is overdue, UTC."""
        day = night if self.night_starts_at < self.deadline else night + timedelta(days=1)
        return local_instant(day, self.deadline, self.zone).astimezone(UTC)
