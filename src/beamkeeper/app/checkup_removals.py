"""A look at receivers of removals: whether each can be reached, and whether what it does can be proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.removal_hl7 import look_at
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_removals import RemovalSection


def check_removals(site: Site) -> Iterator[Finding]:
    """Yield one finding a receiver; no message is sent to it."""
    for section in site.removals:
        yield _look(section, site)


def _look(section: RemovalSection, site: Site) -> Finding:
    what = f"removals {section.name}"
    try:
        look_at(site, section)
    except BeamkeeperError as error:
        return Finding(what=what, verdict="bad", text=error.message, do_next=error.do_next)
    if section.is_silent:
        return Finding(
            what=what,
            verdict="warning",
            text="can be reached; nobody is named who could be asked whether it followed.",
            do_next="Name an archive under `ask`, or a store as `ask_copies`: docs/guide/retention.md.",
        )
    if section.tls_ca is None:
        return Finding(
            what=what,
            verdict="warning",
            text="can be reached; without TLS, so patients' names cross the network in clear.",
            do_next="Where the receiver speaks TLS, name its authority in tls_ca.",
        )
    return Finding(what=what, verdict="good", text="can be reached, and what it does can be asked about.")
