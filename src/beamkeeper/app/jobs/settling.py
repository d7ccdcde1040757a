"""Settling doubts about the next fraction: what stands against it now, two people, a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.clock import Clock
    from beamkeeper.respond.incident.since import Doubt


def settle(
    folder: IncidentFolder,
    pseudonym: str,
    plan: str | None,
    *,
    next_fraction: int,
    people: tuple[str, ...],
    reason: str,
    clock: Clock,
) -> tuple[Doubt, ...]:
    """Write down that two people looked at every doubt about a plan's next fraction; return the doubts.

    Raises
    ------
    ConfigError
        The count says another fraction, a hand entry is not checked yet, a session given elsewhere has no
        number, nothing is in doubt, or no reason.
    """
    now = patient_now(folder, folder.inventory(), pseudonym, clock.now())
    meant = now.plan(plan)
    at, found = now.at(meant), now.doubts(meant)
    if not reason.strip():
        raise ConfigError("Why has to be said.", do_next="Give --reason: whom you asked, what you read.")
    if at is not None and at.is_replaced:
        raise ConfigError(
            f"Plan {meant.rt_plan_label!r} is replaced by another one: nothing more is given by it.",
            do_next="`incident take-back` the line that says so, or say which holds: `incident replace`.",
        )
    counted = None if at is None else at.next_fraction_number
    if counted != next_fraction:
        raise ConfigError(
            f"By the records fraction {counted or '?'} is next, not {next_fraction}.",
            do_next="A fraction that no record shows is entered from paper: `beamkeeper paper enter`.",
        )
    if any(not one.checked_by and not one.struck_by for one in now.written):
        raise ConfigError(
            "A fraction was typed in that nobody has checked.", do_next="`beamkeeper paper check` first."
        )
    if any(one.plan_uid == meant.sop_instance_uid for one in now.questions):
        raise ConfigError(
            "A session that another house gave waits for a number.", do_next="`beamkeeper handover assign`."
        )
    if not found:
        raise ConfigError("Nothing of this plan's count is in doubt.", do_next="Nothing has to be settled.")
    write(
        folder,
        Deed.SETTLED,
        by=" and ".join(people),
        at=clock.now(),
        pseudonym=pseudonym,
        about=f"plan {meant.rt_plan_label!r}, next is fraction {next_fraction}",
        said=reason,
        plan_uid=meant.sop_instance_uid,
        doubts={one.key: one.text[:500] for one in found},
    )
    return found
