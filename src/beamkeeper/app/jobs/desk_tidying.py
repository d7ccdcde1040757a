"""What was laid aside at a desk lies there in clear until a person says that nobody needs it any more."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.desk_journal import DeskDeed, note
from beamkeeper.app.jobs.handover_desk import desk_at
from beamkeeper.app.jobs.incident_folder import INCIDENT, IncidentFolder
from beamkeeper.respond.handover.working import no_room
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.respond.handover import Desk


def tidy(desk: Desk, *, by: str, now: datetime) -> tuple[str, ...]:
    """Remove what was laid aside at a desk, each after its line in the journal; return the names.

    The desk of an incident writes into the incident's journal.

    Raises
    ------
    StorageFull
        Something cannot be written down, or removed: the rest stays.
    """
    removed = []
    with desk.held():
        for path in desk.asides():
            said = f"{path.name}, {sum(one.is_file() for one in path.rglob('*'))} files"
            _write_down(desk, said, by=by, now=now)
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise no_room(path, error) from error
            removed.append(path.name)
    return tuple(removed)


def _write_down(desk: Desk, said: str, *, by: str, now: datetime) -> None:
    home = IncidentFolder(desk.path.parent)
    if (home.path / INCIDENT).is_file() and desk_at(home).path == desk.path:
        write(home, Deed.NOTED, by=by, at=now, said=f"Laid aside at the desk, and removed: {said}.")
    else:
        note(desk, DeskDeed.TIDIED, by=by, at=now, said=said)
