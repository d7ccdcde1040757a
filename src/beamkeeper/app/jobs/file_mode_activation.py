"""Letting plans go to a real machine: one machine, one folder, two people, in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.file_mode import SIMULATOR
from beamkeeper.app.jobs.file_mode_records import activations
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.clock import Clock
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.placement import MachineProfile


def activate(
    folder: IncidentFolder,
    machine: MachineProfile,
    share: Path,
    *,
    treatment: str,
    logs: str,
    people: tuple[str, ...],
    reason: str,
    revoke: bool,
    clock: Clock,
) -> AuditRow:
    """Write down that plans may go to a machine, or may no longer.

    Raises
    ------
    ConfigError
        No reason, no such folder, a simulator's share, or an incident that is a drill.
    """
    rows = folder.journal.rows()
    if not reason.strip():
        raise ConfigError("Why has to be said.", do_next="Give --reason: what was tried, when, by whom.")
    for name in filter(None, (treatment, logs)):
        if "/" in name or "\\" in name or name.startswith("."):
            raise ConfigError(f"{name!r} is not the name of a folder on the share.")
    if revoke:
        if machine.machine_id not in activations(rows):
            raise ConfigError(f"{machine.machine_id} is not activated.")
    else:
        if not share.is_dir():
            raise ConfigError(f"{share} is not a folder.", do_next="Mount the share first.")
        if (share / SIMULATOR).exists():
            raise ConfigError(f"{share} is the share of a simulator.", do_next="It needs no activation.")
        if any(row.action == Deed.RELEASED and row.details.get("drill") for row in rows):
            raise ConfigError(
                "This incident is a drill: records of a simulator are counted in it.",
                do_next="Declare another one to treat patients, in a folder of its own.",
            )
    write(
        folder,
        Deed.ACTIVATED,
        by=" and ".join(people),
        at=clock.now(),
        about=machine.machine_id,
        said=reason,
        machine=machine.treatment_machine_name,
        share=str(share.resolve()),
        treatment=treatment,
        logs=logs,
        revoked=revoke,
    )
    return folder.journal.rows()[-1]
