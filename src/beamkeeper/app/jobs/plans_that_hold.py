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

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.replacing import Replacement
    from beamkeeper.protect.lists import Person
    from beamkeeper.respond.incident import Inventory

SAID_OF_PLANS = frozenset({Deed.PLAN_REPLACED, Deed.PLAN_TAKEN_BACK})
_ANY_ZONE = ZoneInfo("UTC")
"""Only the words about who said it depend on one."""


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


def replaced_since(rows: Sequence[AuditRow], line: int) -> frozenset[str]:
    """Return of whom other plans hold than when a line of the journal was written, by pseudonym.

    What was said since and taken back since changes nothing.
    """
    before = [row for row in rows if row.sequence <= line]
    names = {row.patient_pseudonym for row in rows if row.sequence > line and row.action in SAID_OF_PLANS}
    return frozenset(name for name in names if name and _which_hold(rows, name) != _which_hold(before, name))


def _which_hold(rows: Sequence[AuditRow], pseudonym: str) -> tuple[tuple[str, str, int, bool], ...]:
    said = replacements(rows, pseudonym, _ANY_ZONE)
    return tuple((one.old_uid, one.new_uid, one.after, one.goes_on) for one in said)
