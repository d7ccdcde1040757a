"""A small site whose second night found a change, with people who confirm it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from night_site import NIGHT_1, NIGHT_2, SmallSite, at

from beamkeeper.app.jobs.quorum import standing, take_reports
from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.domain.ballot import Ballot, Verdict, VotePath

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.ledger import Ledger
    from beamkeeper.protect.quorum import TrustState

QUORUM = """
[quorum]
escalate_to = ["head"]
recipients = ["an", "bo"]
[[quorum.people]]
login = "an"
name = "An Peeters"
role = "physicist"
mail = "an@hospital.example"
language = "nl"
[[quorum.people]]
login = "bo"
name = "Bo Claes"
role = "physicist"
mail = "bo@hospital.example"
[[quorum.people]]
login = "cy"
name = "Cy Maes"
role = "physician"
mail = "cy@hospital.example"
language = "fr"
[[quorum.people]]
login = "head"
name = "Di Wouters"
role = "therapist"
mail = "head@hospital.example"
"""
MORNING = datetime(2026, 3, 3, 7, tzinfo=UTC)
DEADLINE = datetime(2026, 3, 3, 10, tzinfo=UTC)
"""The small site lives in UTC."""


def ask_people(site: SmallSite, settings: str = QUORUM) -> None:
    """Let the site file ask people to confirm."""
    text = site.site_file.read_text(encoding="utf-8")
    site.site_file.write_text(text.replace("[[sources]]", f"{settings}\n[[sources]]", 1), encoding="utf-8")


def lose_a_structure_set(site: SmallSite) -> None:
    """Delete an object at the source: the next night has something to show."""
    next(iter(sorted(site.source.rglob("RTSTRUCT-1.dcm")))).unlink()


def second_night(kept: SmallSite, settings: str = QUORUM) -> SmallSite:
    """Play the second night: one structure set is gone."""
    ask_people(kept, settings)
    lose_a_structure_set(kept)
    kept.night(NIGHT_2)
    take_reports(kept.site, ledger_of(kept), MORNING)
    return kept


def ledger_of(site: SmallSite) -> Ledger:
    return open_ledger(site.site)


def ballot(
    site: SmallSite,
    person: str,
    verdict: str = "confirm",
    *,
    night: date = NIGHT_2,
    minute: int = 0,
    scope: tuple[str, ...] | None = None,
    path: VotePath = VotePath.PAGE,
) -> Ballot:
    """Return a ballot about the list that stands in the ledger."""
    facts = ledger_of(site).votes.facts(night)
    assert facts is not None
    return Ballot(
        night=night,
        person=person,
        verdict=Verdict(verdict),
        scope=scope,
        path=path,
        at=MORNING + timedelta(minutes=minute),
        digest=facts.digest,
    )


def state_of(site: SmallSite, now: datetime = MORNING, night: date = NIGHT_2) -> TrustState:
    return standing(site.site, ledger_of(site), night, now).state


def audited(site: SmallSite, action: str) -> list[dict[str, object]]:
    """Return what the audit log says of an action."""
    return [
        {"actor": row.actor, "outcome": row.outcome, **row.details}
        for row in ledger_of(site).audit.rows()
        if row.action == action
    ]


__all__ = [
    "DEADLINE",
    "MORNING",
    "NIGHT_1",
    "NIGHT_2",
    "QUORUM",
    "ask_people",
    "at",
    "audited",
    "ballot",
    "ledger_of",
    "lose_a_structure_set",
    "second_night",
    "state_of",
]
