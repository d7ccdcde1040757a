"""An incident: who declared it, when, of which night; and where it stands, by what its journal says."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.domain.audit import AuditRow

DECIDES: Final = "Decision support: physicians decide who is treated, physicists what is given."


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What was known when it was declared; never changed afterwards.

    Attributes
    ----------
    incident_id
        Date and four letters: "2026-11-22-kqzt". Says nothing of the hospital.
    aware_at
        When somebody first knew: from here the clocks of the law run.
    declared_by
        Name and role, as typed.
    known
        What is known, in the words of who declared it.
    time_zone
        IANA name: the clock on the wall.
    night, trust, confirmed_by
        The night the copies are of, where it stands in words, and who confirmed it.
    vault_expires_at
        Until when the vault was promised to be fed.
    laws
        Whose clocks run; () for all that are known.
    """

    incident_id: str
    declared_at: datetime
    aware_at: datetime
    declared_by: str
    known: str
    site_name: str
    time_zone: str
    night: date
    trust: str
    confirmed_by: tuple[str, ...] = ()
    vault_expires_at: datetime | None = None
    laws: tuple[str, ...] = ()


class Deed(StrEnum):
    """What a line of the journal is about."""

    DECLARED = "declared"
    CHECKED = "vault read"
    KEY_KEPT = "key kept"
    KEY_REMOVED = "key removed"
    HELD = "removal frozen"
    LISTED = "inventory made"
    NOTED = "note"
    DECIDED = "decision"
    TICKED = "step ticked"
    UNTICKED = "step unticked"
    REPORTED = "reported"
    OVERRIDDEN = "priority changed"
    DAYS_SAID = "treatment days said"
    PACKED = "bundle made"
    SENT = "bundle sent"
    RETURNED = "records came back"
    CHOSEN = "gap option chosen"
    ADMITTED = "person admitted"
    DISMISSED = "person dismissed"
    DRAFTED = "placement drafted"
    PLACED = "placement made"
    PLACE_SET = "place set by hand"
    PLACE_UNDONE = "place set by hand undone"
    ANNOUNCED = "places announced"
    BEGUN = "begun elsewhere"
    SETTLED = "doubt settled"
    PLAN_REPLACED = "plan replaced"
    PLAN_TAKEN_BACK = "plan replaced no more"
    ENTERED = "fraction entered by hand"
    CHECKED_ENTRY = "hand entry checked"
    STRUCK = "hand entry struck out"
    ACTIVATED = "file mode activated"
    RELEASED = "plan released to file mode"
    LAID = "plan laid on the share"
    COLLECTED = "file mode collected"
    WITHDRAWN = "plan taken off the share"
    ASSIGNED = "record assigned to a fraction"
    CLOSED = "closed"
    NOT_UNDERSTOOD = "line not understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Who ticked a step or sent a report, when, and what they said."""

    by: str
    at: datetime
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an incident stands.

    Attributes
    ----------
    ticked, reported
        By the step's or the clock's identifier; the last word counts.
    """

    ticked: dict[str, Tick]
    reported: dict[str, Tick]
    closed: Tick | None = None


def new_incident_id(day: date) -> str:
    """Return an identifier that nobody can guess anything from."""
    return f"{day}-{''.join(secrets.choice('bcdfghjkmnpqrstvwxz') for _ in range(4))}"


def standing(rows: Sequence[AuditRow]) -> Standing:
    """Return where an incident stands by its journal."""
    ticked: dict[str, Tick] = {}
    reported: dict[str, Tick] = {}
    closed: Tick | None = None
    for row in rows:
        about = str(row.details.get("about", ""))
        tick = Tick(by=row.actor, at=row.at, said=str(row.details.get("said", "")))
        if row.action == Deed.TICKED:
            ticked[about] = tick
        elif row.action == Deed.UNTICKED:
            ticked.pop(about, None)
        elif row.action == Deed.REPORTED:
            reported[about] = tick
        elif row.action == Deed.CLOSED:
            closed = tick
    return Standing(ticked=ticked, reported=reported, closed=closed)
