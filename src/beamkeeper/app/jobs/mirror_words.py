"""Where the mirrors stand, in one sentence each: for the report and for `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.jobs.places import since, why
from beamkeeper.protect.mirror import MirrorState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger


def mirror_remarks(site: Site, ledger: Ledger) -> tuple[str, ...]:
    """Return how the last run over each mirror ended.

    The report of a night is written before its own run: it tells how the mirrors stood until then.
    """
    return tuple(_remarks(site, ledger))


def _remarks(site: Site, ledger: Ledger) -> Iterator[str]:
    for section in site.mirrors:
        row = ledger.mirrors.find(section.name)
        if row is None or not row.state or row.place != section.place:
            yield f"Mirror {section.name}: nothing was ever proved there; it was not tried yet."
        elif row.state == MirrorState.MIRRORED.value:
            when = since(row.mirrored_at, site.zone)
            yield f"Mirror {section.name}: everything published by {when} was proved there."
        else:
            began = since(row.waiting_since, site.zone)
            yield f"▲ Mirror {section.name} is {row.state} since {began}: {why(row.facts)}"
