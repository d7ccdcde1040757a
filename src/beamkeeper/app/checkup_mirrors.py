"""A look at the mirrors: whether each answers, what it says of its room and its lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.destinations import connect
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_mirrors import MirrorSection
    from beamkeeper.wire.destination import DestinationFacts

FREE_BYTES_MIN = 20 << 30


def check_mirrors(site: Site) -> Iterator[Finding]:
    """Yield one finding a mirror; one when there is none."""
    if not site.mirrors:
        yield Finding(
            what="mirrors",
            verdict="warning",
            text="there is none: the vault lies in one place only.",
            do_next="Add [[mirrors]] to the site file: docs/guide/mirrors.md.",
        )
    for section in site.mirrors:
        yield _look(section, site)


def _look(section: MirrorSection, site: Site) -> Finding:
    what = f"mirror {section.name}"
    try:
        destination = connect(section, site)
        try:
            facts = destination.facts()
        finally:
            destination.close()
    except BeamkeeperError as error:
        return Finding(what=what, verdict="bad", text=error.message, do_next=error.do_next)
    if facts.free_bytes is not None and facts.free_bytes < FREE_BYTES_MIN:
        return Finding(
            what=what,
            verdict="warning",
            text=f"answers; {facts.free_bytes / 1e9:.0f} GB free.",
            do_next="A first night of 200 patients needs some 100 GB.",
        )
    return Finding(what=what, verdict="good", text=f"answers; {_in_words(facts)}.")


def _in_words(facts: DestinationFacts) -> str:
    room = "it does not say its room" if facts.free_bytes is None else f"{facts.free_bytes / 1e9:.0f} GB free"
    if facts.lock:
        return f"{room}; {facts.lock}"
    return f"{room}; " + (
        "no write-once protection" if facts.lock == "" else "whether it has write-once protection is unknown"
    )
