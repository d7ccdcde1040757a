"""A look at the stores of plain DICOM: whether each answers, and can be proved to hold anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.copy_stores import compare_rules_of, look_at
from beamkeeper.errors import BeamkeeperError
from beamkeeper.vault import SiteKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_copies import CopiesSection


def check_copies(site: Site) -> Iterator[Finding]:
    """Yield one finding a store, and one more where this collector could not send anything at all."""
    if site.copies and not SiteKeys.load(site.vault.keys_dir).identities:
        yield Finding(
            what="copies",
            verdict="bad",
            text="this collector only encrypts: it cannot open what it sealed, and sends no plain DICOM.",
            do_next="Take [[copies]] out of the site file, or give the collector its own identity.",
        )
    for section in site.copies:
        yield _look(section, site)


def _look(section: CopiesSection, site: Site) -> Finding:
    what = f"copies {section.name}"
    try:
        compare_rules_of(section, site)
        look_at(section, site)
    except BeamkeeperError as error:
        return Finding(what=what, verdict="bad", text=error.message, do_next=error.do_next)
    if section.read_back in {"query", "none"}:
        return Finding(
            what=what,
            verdict="warning",
            text="answers; nothing is read back there, so nothing will be proved.",
            do_next="Let the store answer C-GET or C-MOVE, and say so in read_back: docs/guide/copies.md.",
        )
    if section.kind == "dicom" and section.tls_ca is None:
        return Finding(
            what=what,
            verdict="warning",
            text="answers; without TLS, so patients' data cross the network in clear.",
            do_next="Where the store speaks TLS, name its authority in tls_ca.",
        )
    return Finding(what=what, verdict="good", text="answers; what is sent there is read back.")
