"""Who is at another house, by the journal of an incident: bundles made, sent, answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from beamkeeper.domain.audit import AuditRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One patient and one other house.

    Attributes
    ----------
    bundles, returns
        Identifiers of what was made for that house, and of what came back, oldest first.
    made_at, made_by
        Of the last bundle.
    sent_at
        When the last bundle was put at a place that both reach; None where it went by hand.
    came_at
        When the last return was taken in.
    is_away
        Whether the house has not said, of the last bundle, that the patient is not treated there any more.
    newest
        Which bundle the newest return answers, and its number: they may come in any order.
    """

    pseudonym: str
    house: str
    bundles: tuple[str, ...]
    made_at: datetime
    made_by: str
    sent_at: datetime | None = None
    returns: tuple[str, ...] = ()
    came_at: datetime | None = None
    is_away: bool = True
    newest: tuple[int, int] = (-1, 0)

    @property
    def away_since(self) -> str:
        """From when on it is not known what was given there, in words."""
        return f"after return bundle {self.returns[-1]}" if self.returns else "since the bundle was made"

    @property
    def state(self) -> str:
        """How it stands, in words."""
        if not self.is_away:
            return "last records are back"
        if self.came_at is not None and self.came_at >= self.made_at:
            return "treated there; some records are back"
        return "sent, nothing is back" if self.sent_at else "bundle made, nothing is back"


def transfers(rows: Iterable[AuditRow]) -> tuple[Transfer, ...]:
    """Return every patient and house, in the order of the first bundle."""
    found: dict[tuple[str, str], Transfer] = {}
    for row in rows:
        key = (row.patient_pseudonym or "", str(row.details.get("to", "")))
        held = found.get(key)
        if row.outcome != "ok":
            continue
        if row.action == Deed.PACKED:
            made = Transfer(
                pseudonym=key[0],
                house=key[1],
                bundles=(*(held.bundles if held else ()), str(row.details["about"])),
                made_at=row.at,
                made_by=row.actor,
                returns=held.returns if held else (),
                came_at=held.came_at if held else None,
                newest=held.newest if held else (-1, 0),
            )
            found[key] = made
        elif held is not None and row.action == Deed.SENT:
            found[key] = replace(held, sent_at=row.at)
        elif held is not None and row.action == Deed.RETURNED:
            found[key] = _returned(held, row)
    return tuple(found.values())


def _returned(held: Transfer, row: AuditRow) -> Transfer:
    """Return a transfer with what came back: an old return says nothing of what is treated now."""
    answered = str(row.details["about"])
    place = held.bundles.index(answered) if answered in held.bundles else -1
    newest = (place, int(str(row.details["number"])))
    is_away = held.is_away
    if newest >= held.newest:
        is_away = not (row.details.get("is_last") and answered == held.bundles[-1])
    return replace(
        held,
        returns=tuple(dict.fromkeys((*held.returns, str(row.details["bundle"])))),
        came_at=row.at,
        is_away=is_away,
        newest=max(newest, held.newest),
    )
