"""Whom the placement that counts sends to a house, with machine and days: what a handover is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement.timetable import timetable

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.app.jobs.incident_folder import IncidentFolder


@dataclass(frozen=True, slots=True)
class PlacedThere:
    """One patient's place at a house.

    Attributes
    ----------
    days
        Of each fraction within the placement's horizon, in order; twice where two are given on a day.
    """

    pseudonym: str
    machine: str
    days: tuple[date, ...]


def placed_there(folder: IncidentFolder, site: str) -> tuple[PlacedThere, ...]:
    """Return everybody whom the placement that counts sends to a site, in its order.

    Raises
    ------
    ConfigError
        There is no placement yet, no such site in it, or nobody is placed there.
    """
    placements = PlacementFolder(folder)
    stand = placements.standing()
    version, instance = placements.version(stand, stand.version)
    known = [one.id for one in instance.site]
    if site not in known:
        raise ConfigError(f"The placement has no site {site!r}.", do_next=f"It has {', '.join(known)}.")
    days: dict[str, list[date]] = {}
    for machine_day in timetable(instance, version.placed):
        for session in machine_day.sessions:
            days.setdefault(session.patient, []).extend([machine_day.day] * session.per_day)
    found = [
        PlacedThere(pseudonym=one.patient, machine=one.machine, days=tuple(days.get(one.patient, ())))
        for one in version.placed
        if one.site == site and one.first_on is not None
    ]
    if not found:
        raise ConfigError(
            f"Nobody is placed at {site!r} in version {version.number}.",
            do_next="`beamkeeper placement show` says who goes where.",
        )
    return tuple(found)
