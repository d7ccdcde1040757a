"""After a publication: old versions of signed metadata go, and if they cannot, the audit log says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.errors import SourceUnavailable, StorageFull
from beamkeeper.vault.pruning import remove_old_metadata

if TYPE_CHECKING:
    from beamkeeper.app.jobs.runtime import Runtime


def tidy_metadata(runtime: Runtime, *, actor: str) -> None:
    """Remove what the newest metadata have long replaced; files that stay harm nobody but the disk."""
    try:
        remove_old_metadata(runtime.vault)
    except (StorageFull, SourceUnavailable) as error:
        runtime.ledger.audit.append(
            "old metadata not removed",
            actor=actor,
            outcome="failed",
            details={"why": error.message},
            at=runtime.clock.now(),
        )
