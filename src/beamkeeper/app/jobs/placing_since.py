"""What the journal says of patients since a draft was made: who went to which house, what was given anywhere.

A patient whose data went to a house stays with it until its last return bundle; one of whom records came back
has begun there. What is left is the one count of now: the copy, File Mode, paper, and every house.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.placing_facts import fractions_left, open_plan_uids
from beamkeeper.app.jobs.plans_that_hold import with_plans_that_hold
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.jobs.transfers import transfers
from beamkeeper.errors import IntegrityError
from beamkeeper.protect.lists import row_among
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.transfers import Transfer
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.placement.board import Place

COUNTED: Final = frozenset(
    {Deed.RETURNED, Deed.RELEASED, Deed.COLLECTED, Deed.ENTERED, Deed.STRUCK, Deed.ASSIGNED}
)
"""After these another fraction may be the next one: what a released plan gave may come with another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """One patient at another house.

    Attributes
    ----------
    machine
        "" where nobody wrote down which one of the house it is.
    first_on
        The first day that was agreed with the bundle; None where none was.
    has_begun
        Whether records of theirs came back.
    """

    house: str
    machine: str = ""
    first_on: date | None = None
    has_begun: bool = False


def away(
    rows: Sequence[AuditRow], *, machines: Mapping[str, str], places: Mapping[str, Place]
) -> dict[str, Away]:
    """Return by pseudonym who is at another house: sent, and not yet said to be treated there no more.

    Parameters
    ----------
    machines
        The house of each machine of the partners' file, as people call it.
    places
        Where the version that counts has everybody: believed where the bundle names no machine.
    """
    agreed = {
        (row.patient_pseudonym or "", str(row.details.get("to", ""))): row
        for row in rows
        if row.action == Deed.PACKED and row.outcome == "ok"
    }
    return {
        one.pseudonym: _away(one, agreed[one.pseudonym, one.house], machines=machines, places=places)
        for one in transfers(rows)
        if one.is_away
    }


def _away(one: Transfer, row: AuditRow, *, machines: Mapping[str, str], places: Mapping[str, Place]) -> Away:
    placed, day = places.get(one.pseudonym, ("", None))
    named, on = str(row.details.get("machine") or ""), row.details.get("first_on")
    begun = bool(one.returns)
    if named in machines:
        first_on = date.fromisoformat(str(on)) if on else None
        return Away(house=one.house, machine=named, first_on=first_on, has_begun=begun)
    if placed and machines.get(placed, "").casefold() == one.house.casefold():
        return Away(house=one.house, machine=placed, first_on=day, has_begun=begun)
    return Away(house=one.house, has_begun=begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSince:
    """What was given since the copy.

    Attributes
    ----------
    fractions
        By pseudonym. Whose count is not known is not in it: what people said stands.
    damaged
        By pseudonym: why somebody cannot be counted.
    """

    fractions: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)


def given_since(
    folder: IncidentFolder, rows: Iterable[AuditRow], patients: Iterable[str], *, now: datetime
) -> GivenSince:
    """Return how many fractions each patient had since the copy, of whom anything was counted since."""
    wanted = set(patients) & {row.patient_pseudonym for row in rows if row.action in COUNTED}
    found = GivenSince()
    if not wanted:
        return found
    inventory = folder.inventory()
    zone = inventory.head.zone
    said = with_plans_that_hold(inventory, folder.journal.rows())
    before = {one.pseudonym: one for one in said.persons if one.pseudonym in wanted}
    for pseudonym, person in before.items():
        try:
            at = patient_now(folder, inventory, pseudonym, now)
        except IntegrityError as error:  # this patient's alone
            found.damaged[pseudonym] = f"{error.message} {error.do_next}".strip()
            continue
        row = row_among(person, inventory.persons, inventory.head)
        then = fractions_left(person, open_plan_uids(row), zone)[0]
        left = fractions_left(at.person, uids, zone)[0] if (uids := open_plan_uids(at.row)) else 0
        if then is not None and left is not None:
            found.fractions[pseudonym] = then - left
    return found
