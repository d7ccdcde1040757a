"""Whom the placement that counts sends to a house, with machine and days: what a handover is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.errors import ConfigError
from beamkeeper.respond.handover.appointments import read_asked
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement.times import times_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, time

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
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
    zone = ZoneInfo(folder.incident().time_zone)
    sessions = times_of(instance, version.placed, promised(folder.journal.rows(), zone))
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


def verify_placed(folder: IncidentFolder, pseudonym: str) -> None:
    """Refuse days and machine that were computed for a plan before the one that holds.

    Raises
    ------
    ConfigError
        People said of this patient which plan holds after the draft was made.
    """
    placements = PlacementFolder(folder)
    stand = placements.standing()
    placements.verify_drafted(placements.placed(stand, stand.version).draft, [pseudonym])


def promised(rows: Iterable[AuditRow], zone: ZoneInfo) -> Promised:
    """Return the times that bundles asked for and that still stand."""
    packed = (row for row in rows if row.action == Deed.PACKED)
    asked = {
        (row.patient_pseudonym, one.appointment_id): one
        for row in packed
        for one in read_asked(row.details.get("appointments"))
    }
    found: dict[tuple[str, str, date], list[time]] = {}
    for (pseudonym, _), one in asked.items():
        session = one.session
        if pseudonym is not None and session.starts_at is not None and not one.is_gone:
            at = session.starts_at.astimezone(zone).time()
            found.setdefault((pseudonym, session.machine, session.day), []).append(at)
    return {key: sorted(times) for key, times in found.items()}
