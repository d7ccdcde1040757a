"""Who goes where after an attack: the order of triage, the placement, and whom it sends to the partner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from beamkeeper.app.drill.home import NOT_ALL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.drill.house import House

PARTNER: Final = "noord"
DIRECT: Final = "A"
"""Given there by the very plan; nobody plans anew in a drill."""
SECONDS: Final = 20
_SITES: Final = """format = 1
attacked_domain = "drilled-ad"

[[site]]
id = "own"
name = "Drilled department, emergency system"
own = true
failure_domain = "emergency"

[[site]]
id = "noord"
name = "AZ Noord"
failure_domain = "noord-ad"
agreement_signed = true
travel_min = 35
replans_a_day = 4
"""
_OWN_MACHINE: Final = """
[[machine]]
id = "own-emergency"
name = "LINAC1"
site = "own"
own = true
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc"]
commissioned = ["VMAT", "IMRT step-and-shoot", "3D", "electron"]
slots = {slots}
"""
_THEIR_MACHINE: Final = """
[[machine]]
id = "noord-{number}"
name = "NOORD{number}"
site = "noord"
profile = "Varian TrueBeam, Millennium 120"
models = ["SimArc", "SimBeam"]
commissioned = ["VMAT", "IMRT step-and-shoot", "3D", "electron"]
slots = {slots}
first_slot_at = 08:00:00
"""
_MATCHED: Final = """
[[machine.matched_with]]
machine = "{machine}"
energies = ["6", "12 MeV"]
declared_by = "A. Jansen, physicist"
declared_on = 2025-01-10
"""
THEIR_MACHINES: Final = 2
PLACES_MORE: Final = 2
"""One place a day more at the partner for so many who are to go: who is planned anew takes some."""
PLACES_AT_HOME: Final = 10
"""One place a day at home, by its emergency system, for so many patients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """What triage and placement said.

    Attributes
    ----------
    ranked
        How many are in the order of triage.
    placed
        How many have a place anywhere.
    spoken_of
        Pseudonyms of everybody who has a place, or a reason why not.
    there
        First day at the partner of those it sends there to be treated by their own plan, by pseudonym; the
        earliest first.
    """

    ranked: int
    placed: int
    spoken_of: frozenset[str]
    there: Mapping[str, date]


def place(
    house: House, incident: Path, *, cards: str, disk: Path, partners: str, first_on: date, at: datetime
) -> Placing:
    """Type what puts everybody in order and gives them a place; return what came of it."""
    file = house.folder / "partners.toml"
    file.write_text(partners, encoding="utf-8")
    here = ("--incident", incident)
    order = house.told("triage", "show", *here, at=at, ends=(0, NOT_ALL))
    house.type(
        *("placement", "draft", "--partners", file, "--from", first_on, "--by", "drill"),
        *("--vault", disk, "--words", *here),
        at=at,
        keys=cards,
        ends=(0, NOT_ALL),
    )
    solved = ("placement", "solve", "--seconds", SECONDS, "--by", "drill")
    version = house.told(*solved, *here, at=at, ends=(0, NOT_ALL))["version"]
    house.type("placement", "announce", "--by", "drill", *here, at=at)
    placed = [one for one in version["placed"] if one["machine"]]
    there = {
        one["patient"]: date.fromisoformat(one["first_on"])
        for one in placed
        if (one["site"], one["delivery_class"]) == (PARTNER, DIRECT)
    }
    named = [one["patient"] for one in version["placed"] if one["machine"] or one["reason"]]
    return Placing(
        ranked=len(order["ranked"]),
        placed=len(placed),
        spoken_of=frozenset((*named, *(one["id"] for one in version["left_out"] if one["reason"]))),
        there=dict(sorted(there.items(), key=lambda item: item[1])),
    )


def partners_text(going: int, patients: int) -> str:
    """Return a partners' file: places a day at the partner for so many who are to go there, few at home."""
    each, more = divmod(going + going // PLACES_MORE, THEIR_MACHINES)
    slots = [each + (number < more) for number in range(THEIR_MACHINES)]
    parts = [_SITES, _OWN_MACHINE.format(slots=max(1, patients // PLACES_AT_HOME))]
    for number, count in enumerate(slots, 1):
        parts.append(_THEIR_MACHINE.format(number=number, slots=count))
        parts += [_MATCHED.format(machine=machine) for machine in ("LINAC1", "LINAC2")]
    return "".join(parts)
