"""One move on the pages: what was asked for, what it costs, and whether that is still what was seen."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.placing_hand import move_back, priced
from beamkeeper.app.web.room.room import the_room
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beamkeeper.app.jobs.placing import At
    from beamkeeper.respond.placement.board import Move, Place

TYPED = ("machine", "from", "reason", "person", "seen", "even-so")
"""Fields of the form that signs a move."""


def names_of(at: At) -> dict[str, str]:
    """Return the names of everybody, those for whom no place is looked for, too."""
    names = {one.id: one.name for one in at.draft.patients}
    return names | {one.id: one.name for one in at.version.left_out}


def outdated_names(at: At) -> list[str]:
    """Return the names of whom another plan holds than when the draft was made."""
    names = names_of(at)
    return sorted(names.get(one, one) for one in at.outdated)


def price_of(at: At, pseudonym: str, machine: str, asked: str) -> Move:
    """Return what it costs to put a patient on a machine, from the day that was typed or the best free one.

    Raises
    ------
    ConfigError
        No such patient, machine or day.
    """
    return priced(at, pseudonym, machine, asked_day(asked), today=the_room().today())


def back_price(at: At, pseudonym: str) -> Move | None:
    """Return what taking a decision back costs; None where nobody decided for this patient."""
    if pseudonym not in at.stand.decisions or pseudonym in at.outdated:
        return None
    return move_back(PlacementFolder(the_room().folder), at, pseudonym, today=the_room().today())


def wanted(at: At, pseudonym: str, typed: Mapping[str, str], *, back: bool) -> Move:
    """Return the move of a form, if it is still the one that was priced.

    Raises
    ------
    ConfigError
        Another placement was made since, or it cannot be made.
    """
    if back:
        found = move_back(PlacementFolder(the_room().folder), at, pseudonym, today=the_room().today())
    else:
        found = price_of(at, pseudonym, typed["machine"], typed["from"])
    if typed["seen"] != mark_of(at, found):
        raise ConfigError(
            "Something was placed, decided or announced since you saw the price.",
            do_next="Look at what it would do now, and sign then.",
        )
    return found


def mark_of(at: At, found: Move) -> str:
    """Return a mark of everything that is shown of a move: who signs, signs for exactly that."""
    shown = (at.version.number, found.patient, found.wanted, shown_price(found), found.moved, found.remarks)
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def shown_price(found: Move) -> str:
    """Return a price as people see it, and as a signature is for it."""
    return f"{found.price:+.2f}".replace("-", "−")


def price_facts(at: At, pseudonym: str, found: Move | None) -> dict[str, object]:
    """Return what a page says of a move before it is signed: price, who has to go, the way there."""
    if found is None:
        return {"move": None}
    before = at.board.places()[pseudonym]
    return {
        "move": found,
        "price": shown_price(found),
        "seen": mark_of(at, found),
        "displaced": displaced(at, found),
        "travel": (travel(at, pseudonym, before), travel(at, pseudonym, found.wanted)),
        "before": before,
    }


def back_facts(at: At, back: Move | None) -> dict[str, object]:
    """Return what a page says of a decision taken back before that is signed."""
    if back is None:
        return {"back": None}
    return {
        "back": back,
        "back_price": shown_price(back),
        "back_seen": mark_of(at, back),
        "back_displaced": displaced(at, back),
    }


def displaced(at: At, found: Move) -> list[dict[str, object]]:
    """Return everybody else whose place changes, by name."""
    names = names_of(at)
    return [{"moved": one, "name": names.get(one.patient, one.patient)} for one in found.displaced]


def travel(at: At, pseudonym: str, place: Place) -> float | None:
    """Return how long the way to a place is, in minutes; None for nowhere."""
    need = next(one for one in at.board.instance.patient if one.id == pseudonym)
    return next((one.travel_min for one in need.options if one.machine == place[0]), None)


def day_of(text: str) -> date | None:
    """Return a day; None for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def asked_day(text: str) -> date | None:
    """Return the day that was typed; None for none.

    Raises
    ------
    ConfigError
        It is no day.
    """
    if not text.strip():
        return None
    found = day_of(text.strip())
    if found is None:
        raise ConfigError(f"{text[:20]!r} is no day.", do_next="Write it as 2026-11-22, or leave it out.")
    return found
