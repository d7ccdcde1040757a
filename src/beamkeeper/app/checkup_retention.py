"""A look at retention: when it ran last, what it could not prove, and what is left of removed patients."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.retention_words import waiting_in_words
from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.clock import local_date

if TYPE_CHECKING:
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock

LATE_AFTER: Final = timedelta(days=3)
_RUN: Final = "`beamkeeper serve` does it once a day; `beamkeeper retain` shows why nothing goes."


def check_retention(site: Site, clock: Clock) -> Finding:
    """Return whether whose time is over is being removed."""
    what, ledger = "retention", open_ledger(site)
    if told := waiting_in_words(ledger, ledger.removals.all(unfinished=True)):
        more = f" And {len(told) - 1} more." if len(told) > 1 else ""
        return Finding(
            what=what, verdict="warning", text=f"{told[0]}{more}", do_next="See `beamkeeper retain --json`."
        )
    last = ledger.removals.last_run()
    if last is None:
        text = "never ran yet: whose time is over is still kept."
        return Finding(what=what, verdict="unchecked", text=text, do_next=_RUN)
    if local_date(clock.now(), site.zone) - last.run_on > LATE_AFTER:
        return Finding(what=what, verdict="warning", text=f"ran last on {last.run_on}.", do_next=_RUN)
    frozen = last.found.get("frozen_by")
    if isinstance(frozen, list) and frozen and last.found.get("due"):
        text = f"{last.found['due']} are due and stay: {frozen[0]}"
        return Finding(what=what, verdict="warning", text=text, do_next="See `beamkeeper retain`.")
    return Finding(what=what, verdict="good", text=f"ran on {last.run_on}; every removal is proved.")
