"""Calling people about a mirror: at once when it was altered, after a day when it stays behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.calling import call
from beamkeeper.app.jobs.quorum import people_of
from beamkeeper.clock import local_date
from beamkeeper.protect.mirror import MirrorState
from beamkeeper.wire.alerting import Alert, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger, MirrorRow
    from beamkeeper.protect.mirror import Outcome

KIND: Final = "mirror"
BEHIND_MAX: Final = timedelta(hours=24)
"""So long a mirror may wait before people are called."""
TEXT_CHARACTERS_MAX: Final = 900


def call_about(site: Site, ledger: Ledger, outcome: Outcome, row: MirrorRow, now: datetime) -> bool:
    """Call people if this outcome is worth it and they were not called today; return whether they were.

    A channel that fails is tried again with the next run.
    """
    text = _text(site, outcome, row, now)
    day = local_date(now, site.zone)
    key = f"mirror/{outcome.destination}/{outcome.state.value}/{day.isoformat()}"
    if not text or not site.alerts or key in {told for told, _ in ledger.votes.sent(since=day)}:
        return False
    alert = Alert(
        kind=KIND,
        severity=Severity.ALERT if outcome.state is MirrorState.ALTERED else Severity.WARNING,
        site=site.site.name,
        night="",
        text=text[:TEXT_CHARACTERS_MAX],
        at=now,
    )
    called = call(site, alert, people_of(site) if site.quorum else ())
    return bool(called.delivered) and ledger.votes.note_sent(key, night=day, at=now)


def _text(site: Site, outcome: Outcome, row: MirrorRow, now: datetime) -> str:
    """Return what to tell; "" when there is nothing to call people for."""
    who = f"Beamkeeper {site.site.name}: mirror {outcome.destination}"
    found = next((problem.text for problem in outcome.problems), outcome.error)
    if outcome.state is MirrorState.ALTERED:
        return f"{who} was altered. {found} See `beamkeeper mirrors`."
    if not outcome.is_mirrored and row.waiting_since is not None and now - row.waiting_since >= BEHIND_MAX:
        since = f"{row.waiting_since.astimezone(site.zone):%Y-%m-%d %H:%M}"
        return f"{who} is {outcome.state.value} since {since}. {found} See `beamkeeper mirrors`."
    return ""
