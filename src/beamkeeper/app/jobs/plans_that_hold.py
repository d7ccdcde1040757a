"""The inventory with what people said of plans: order and placement go by the plan that holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.respond.incident import Deed
from beamkeeper.respond.incident.replaced import replacements
from beamkeeper.respond.incident.since import SinceCopy, settled_keys, standing_now

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.replacing import Replacement
    from beamkeeper.protect.lists import Person
    from beamkeeper.respond.incident import Inventory

SAID_OF_PLANS = frozenset({Deed.PLAN_REPLACED, Deed.PLAN_TAKEN_BACK})


def with_plans_that_hold(inventory: Inventory, rows: Sequence[AuditRow]) -> Inventory:
    """Return the inventory as the copy counts it, by the plans that people said hold.

    What was given since the copy was made is not in it; the one count of now is `since.patient_now`.
    """
    names = {row.patient_pseudonym for row in rows if row.action == Deed.PLAN_REPLACED}
    if not names:
        return inventory
    persons = tuple(
        _as_said(one, rows, inventory) if one.pseudonym in names else one for one in inventory.persons
    )
    return replace(inventory, persons=persons)


def _as_said(person: Person, rows: Sequence[AuditRow], inventory: Inventory) -> Person:
    zone = ZoneInfo(inventory.time_zone)
    said = replacements(rows, person.pseudonym, zone)
    if not said:
        return person
    since = SinceCopy(
        conflicts={},
        settled=settled_keys(rows, person.pseudonym),
        replaced=tuple(_by_the_copy(one, person) for one in said),
    )
    return standing_now(person, since, attacked_at=inventory.attacked_at, zone=zone)


def _by_the_copy(said: Replacement, person: Person) -> Replacement:
    """Return what was said with no more fractions of the old plan than the copy knows of."""
    plans = person.position.plans if person.position else ()
    given = next((at.fractions_complete for at in plans if at.plan_uid == said.old_uid), said.after)
    return replace(said, after=min(said.after, given))


def replaced_since(rows: Sequence[AuditRow], made_at: datetime) -> frozenset[str]:
    """Return of whom something was said of plans after an instant, by pseudonym."""
    return frozenset(
        row.patient_pseudonym
        for row in rows
        if row.action in SAID_OF_PLANS and row.patient_pseudonym and row.at > made_at
    )
