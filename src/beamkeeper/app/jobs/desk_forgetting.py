"""What a desk keeps of a patient in clear goes when the sender has every fraction back.

The line in the journal comes first: who is killed meanwhile types the command again. Nothing that a replay or
another patient could use is forgotten: which bundles came, and which number is whose, stays in the journal.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.carrying import IN
from beamkeeper.app.jobs.desk_journal import DeskDeed, journal, note
from beamkeeper.app.jobs.following import RECORDS
from beamkeeper.app.jobs.import_reporting import REPORTS
from beamkeeper.app.jobs.importing import COPIES
from beamkeeper.errors import ConfigError
from beamkeeper.respond.handover.desk import RECEIVED
from beamkeeper.respond.handover.working import no_room

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.handover import Desk


def forget(desk: Desk, bundle_id: str, confirmed: str, *, by: str, now: datetime) -> tuple[str, ...]:
    """Remove what lies here of the patient of a bundle; return the folders that went.

    Parameters
    ----------
    confirmed
        Who at the sender's said that everything came back.

    Raises
    ------
    ConfigError
        No such bundle, nobody confirmed, or it was not said that the patient is not treated here any more.
    StorageFull
        Something cannot be written down, or removed: the rest stays.
    """
    if not confirmed.strip():
        raise ConfigError("Who confirmed it has to be said.", do_next='Call the sender: --confirmed "…".')
    with desk.held():
        rows = journal(desk).rows()
        bundles = _of_one_patient(rows, bundle_id)
        _verify_ended(rows, bundles)
        for row in bundles:
            note(
                desk,
                DeskDeed.FORGOTTEN,
                by=by,
                at=now,
                pseudonym=row.patient_pseudonym,
                about=row.details["about"],
                said=f"confirmed: {confirmed}",
            )
        removed = []
        for row in bundles:
            for where in (RECEIVED, COPIES, REPORTS, RECORDS, IN):
                path = desk.path / where / str(row.details["about"])
                if path.is_dir():
                    try:
                        shutil.rmtree(path)
                    except OSError as error:
                        raise no_room(path, error) from error
                    removed.append(f"{where}/{path.name}")
    return tuple(removed)


def _of_one_patient(rows: Sequence[AuditRow], bundle_id: str) -> tuple[AuditRow, ...]:
    """Return the first line about each bundle of the patient of one."""
    received = {str(row.details["about"]): row for row in reversed(rows) if row.action == DeskDeed.RECEIVED}
    found = [row for name, row in received.items() if name.startswith(bundle_id.strip().lower())]
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} received bundles begin with {bundle_id!r}.",
            do_next="`beamkeeper desk show` names them.",
        )
    whose = (found[0].details["sender"], found[0].patient_pseudonym)
    return tuple(row for row in received.values() if (row.details["sender"], row.patient_pseudonym) == whose)


def _verify_ended(rows: Sequence[AuditRow], bundles: Sequence[AuditRow]) -> None:
    """Refuse while the patient is treated here by the newest bundle."""
    newest = max(bundles, key=lambda row: row.sequence)
    last = [
        row
        for row in rows
        if row.action == DeskDeed.REPLIED and row.details.get("about") == newest.details["about"]
    ]
    if not last or not last[-1].details.get("is_last"):
        raise ConfigError(
            "Nobody has said that this patient is not treated here any more.",
            do_next=f"beamkeeper desk return {newest.details['about']} FOLDER --last",
        )
