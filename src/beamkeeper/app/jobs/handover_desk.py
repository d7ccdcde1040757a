"""The desk of the house under attack, in the folder of its incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.domain.words import line
from beamkeeper.errors import ConfigError
from beamkeeper.respond.handover import Desk
from beamkeeper.respond.handover.card import NAME_CHARACTERS_MAX

if TYPE_CHECKING:
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

DESK: Final = "handover"
_CHARACTERS_BEFORE_CUT: Final = 60


def desk_at(folder: IncidentFolder) -> Desk:
    """Return where the desk of an incident is or would be: to read from, nothing is made."""
    return Desk(folder.path / DESK)


def desk_of(folder: IncidentFolder) -> Desk:
    """Return the desk of an incident, made with the site's name when it is first used."""
    desk = desk_at(folder)
    if not desk.is_there:
        try:
            Desk.create(desk.path, _name_on_card(folder.incident().site_name))
        except ConfigError:
            if not desk.is_there:  # else another process was quicker, and it is the same desk
                raise
    return desk


def _name_on_card(site_name: str) -> str:
    """Return a site's name as a card can hold it: blanks joined, hidden signs named, cut with a word."""
    whole = line(site_name, longest=NAME_CHARACTERS_MAX)
    return whole if len(whole) <= NAME_CHARACTERS_MAX else line(site_name, longest=_CHARACTERS_BEFORE_CUT)
