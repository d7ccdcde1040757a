"""Where the stores of plain DICOM stand, in one sentence each: for the report and for `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.jobs.copying import standings
from beamkeeper.app.jobs.places import since, why
from beamkeeper.protect.copies import CopyState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger


def copy_remarks(site: Site, ledger: Ledger) -> tuple[str, ...]:
    """Return how the last run over each store ended, as far as it was when this is asked."""
    return tuple(_remarks(site, ledger))


def _remarks(site: Site, ledger: Ledger) -> Iterator[str]:
    for standing in standings(site, ledger):
        what = f"Plain DICOM at {standing.name}"
        if standing.tried_at is None:
            yield f"{what}: nothing was sent there yet."
        elif standing.state is CopyState.COMPLETE:
            when = since(standing.complete_at, site.zone)
            count, patients = standing.facts["proved_count"], standing.facts["patient_count"]
            yield f"{what}: all {count} objects of {patients} patients were proved there by {when}."
        elif standing.state is CopyState.SENT:
            yield f"{what}: everything was sent; nothing can be read back there, so nothing is proved."
        else:
            began = since(standing.waiting_since, site.zone)
            yield f"▲ {what} is {standing.state.value} since {began}: {why(standing.facts)}"
