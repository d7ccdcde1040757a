"""Whom the placement that counts sends to a house, with machine and days: what a handover is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.handover_sessions import sessions_of
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement.times import times_of

if TYPE_CHECKING:
    from datetime import date, time

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.handover import Session
    from beamkeeper.respond.placement.times import Promised


@dataclass(frozen=True, slots=True)
class PlacedThere:
    """One patient's place at a house.

    Attributes
    ----------
    days
        Of each fraction within the placement's horizon, in order; twice where two are given on a day.
    times
        Of day, for each of them; None where the partners' file does not say when slots begin.
    """

    pseudonym: str
    machine: str
    days: tuple[date, ...]
    times: tuple[time | None, ...]


def placed_there(folder: IncidentFolder, site: str) -> tuple[PlacedThere, ...]:
    """Return everybody whom the placement that counts sends to a site, in its order.

    Times that a bundle asked for already stay with its patient.

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
    sessions = times_of(instance, version.placed, _promised(folder))
    found = [
        PlacedThere(
            pseudonym=one.patient,
            machine=one.machine,
            days=tuple(day for day, _ in sessions.get(one.patient, ())),
            times=tuple(at for _, at in sessions.get(one.patient, ())),
        )
        for one in version.placed
        if one.site == site and one.first_on is not None
    ]
    if not found:
        raise ConfigError(
            f"Nobody is placed at {site!r} in version {version.number}.",
            do_next="`beamkeeper placement show` says who goes where.",
        )
    return tuple(found)


def _promised(folder: IncidentFolder) -> Promised:
    """Return the times that bundles asked for, of each patient those of the last bundle with times."""
    zone = ZoneInfo(folder.incident().time_zone)
    last: dict[str, tuple[Session, ...]] = {}
    for row in folder.journal.rows():
        standing = sessions_of(row) if row.action == Deed.PACKED else ()
        if standing and row.patient_pseudonym is not None:
            last[row.patient_pseudonym] = standing
    found: dict[tuple[str, str, date], list[time]] = {}
    for pseudonym, standing in last.items():
        for one in standing:
            if one.starts_at is not None:
                at = one.starts_at.astimezone(zone).time()
                found.setdefault((pseudonym, one.machine, one.day), []).append(at)
    return found
