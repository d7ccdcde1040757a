"""`doctor` and the files for the day it happens: what goes along, and what would not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.day_files import PARTNERS, day_files

if TYPE_CHECKING:
    from beamkeeper.app.site import Site

NO_PARTNERS = "No partners' file goes along: on the day somebody has to write it."
SEE = 'Name it: [incident] partners = "partners.toml"; docs/formats/partners.md describes it.'


def check_day_files(site: Site) -> Finding:
    """Return whether every file that is named can be read as it will be on the day."""
    own = day_files(site)
    if own.wrong:
        return Finding(
            what="the day", verdict="bad", text=" ".join(own.wrong), do_next="Mend it: it does not go along."
        )
    if PARTNERS not in own.files:
        return Finding(what="the day", verdict="warning", text=NO_PARTNERS, do_next=SEE)
    return Finding(what="the day", verdict="good", text=f"{', '.join(sorted(own.files))} go along.")
