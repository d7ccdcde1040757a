"""The first hour: an incident is declared, the inventory made, and everything people do is written down.

`Incident` is what was known, `Inventory` who is on treatment by the copy that was chosen, `Journal` the
chained log; `clocks`, `checklist` and `pages` say what is due, what to do and how it looks on paper. Which
copy is chosen, and where the folder lies: `app/jobs/declaring.py`. Why: `docs/decisions/0075-incident.md`.
"""

from beamkeeper.respond.incident.incident import (
    DECIDES,
    Deed,
    Incident,
    Standing,
    Tick,
    new_incident_id,
    standing,
)
from beamkeeper.respond.incident.inventory import (
    Headline,
    Inventory,
    Overview,
    headline,
    overview,
    with_unseen_sessions,
)
from beamkeeper.respond.incident.journal import Journal

__all__ = [
    "DECIDES",
    "Deed",
    "Headline",
    "Incident",
    "Inventory",
    "Journal",
    "Overview",
    "Standing",
    "Tick",
    "headline",
    "new_incident_id",
    "overview",
    "standing",
    "with_unseen_sessions",
]
