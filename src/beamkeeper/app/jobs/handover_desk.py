"""The desk of the house under attack, in the folder of its incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.respond.handover import Desk

if TYPE_CHECKING:
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

DESK: Final = "handover"


def desk_of(folder: IncidentFolder) -> Desk:
    """Return the desk of an incident, made with the site's name when it is first used."""
    desk = Desk(folder.path / DESK)
    return desk if desk.is_there else Desk.create(desk.path, folder.incident().site_name)
