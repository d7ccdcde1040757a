"""Taking decided removals out of the vault and out of this computer; begun ones are gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.forgetting import forget_here
from beamkeeper.errors import BeamkeeperError
from beamkeeper.vault import DEPARTMENT
from beamkeeper.vault.hold import find_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.ledger import RemovalRow
    from beamkeeper.vault import RemovedFiles

ACTOR: Final = "retention"


def audit(runtime: Runtime, action: str, pseudonym: str, *, outcome: str, **details: object) -> None:
    """Write a line about one patient's removal into the audit log."""
    runtime.ledger.audit.append(
        action,
        actor=ACTOR,
        outcome=outcome,
        at=runtime.clock.now(),
        patient_pseudonym=pseudonym,
        details=details,
    )


def carry_out(runtime: Runtime, on_step: Callable[[str], None] = lambda _name: None) -> tuple[str, ...]:
    """Take from vault and ledger whom the ledger says it was decided of; return who. Hold the site's lock."""
    rows = [row for row in runtime.ledger.removals.all(unfinished=True) if row.state == "decided"]
    named = {row.pseudonym for row in rows if not is_unnamed(runtime, row)}
    return _carried_out(runtime, rows, named, on_step)


def go_on_with_removals(runtime: Runtime) -> tuple[str, ...]:
    """Finish what a run that died had begun: the vault no longer names them, this computer still does.

    Called before a night and before a look of the hour, which would take their objects for known. Files that
    cannot be deleted keep neither from its work: it is said in the audit log, and tried again the next time.
    """
    rows = [
        row
        for row in runtime.ledger.removals.all(unfinished=True)
        if row.state == "decided" and is_unnamed(runtime, row)
    ]
    try:
        return _carried_out(runtime, rows, set())
    except BeamkeeperError as error:
        for row in rows:
            audit(runtime, "removal not finished", row.pseudonym, outcome="failed", why=error.message)
        return ()


def _carried_out(
    runtime: Runtime,
    rows: Sequence[RemovalRow],
    named: set[str],
    on_step: Callable[[str], None] = lambda _name: None,
) -> tuple[str, ...]:
    if not rows:
        return ()
    on = max(row.decided_on for row in rows)
    if named:
        # Lists of the department name whom they name: all go, and new ones are made without them.
        runtime.vault.remove({*named, DEPARTMENT}, on=on, keys=runtime.keys)
        on_step("removed")
    # Forgotten before the files are gone: a disk that lets none of them go must not let a night call
    # their objects kept.
    forget_here(runtime, [row.pseudonym for row in rows])
    on_step("forgotten")
    if find_hold(runtime.vault.store):  # what is left of them stays while an incident is open
        return ()
    concerned = [DEPARTMENT, *(row.pseudonym for row in rows)]
    swept = {one.statement.pseudonym: one for one in runtime.vault.sweep_removed(concerned)}
    on_step("swept")
    for row in rows:
        _note_gone_here(runtime, row, swept[row.pseudonym])
    return tuple(row.pseudonym for row in rows)


def _note_gone_here(runtime: Runtime, row: RemovalRow, files: RemovedFiles) -> None:
    at = runtime.clock.now()
    vault = {
        "parcels": files.statement.parcels,
        "through": files.statement.through,
        "proved_by": "listing",
        "proved_at": at.isoformat(),
        "strange_files": len(files.strange),
    }
    audit(runtime, "removed from the vault", row.pseudonym, outcome="proved by listing", **vault)
    runtime.ledger.removals.finish(row.removal_id, state="going", at=at, receipt={"vault": vault})


def is_unnamed(runtime: Runtime, row: RemovalRow) -> bool:
    """Whether signed metadata state this removal: the point from which there is no way back."""
    stated = {one.pseudonym for one in runtime.vault.removed() if one.removed_on >= row.decided_on}
    return row.pseudonym in stated and runtime.vault.latest(row.pseudonym) is None
