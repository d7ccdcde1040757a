"""When the next night is due: once on every local date, whatever the clocks do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.clock import local_date, local_instant

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.app.site import Site


def due(site: Site, now: datetime) -> tuple[float, date | None]:
    """Return (seconds to wait, None), or (0, the local date whose night is due now).

    A night that was missed because the collector was down is made up for on the same date; one that
    began and did not end is taken up until the next is due.
    """
    today = local_date(now, site.zone)
    starts_at = local_instant(today, site.night.starts_at, site.zone)
    ledger = open_ledger(site)
    if now < starts_at:
        last = ledger.night(today - timedelta(days=1))
        if last is not None and last.finished_at is None:
            return 0.0, last.run_on
        return (starts_at - now).total_seconds(), None
    night = ledger.night(today)
    if night is None or night.finished_at is None:
        return 0.0, today
    tomorrow = local_instant(today + timedelta(days=1), site.night.starts_at, site.zone)
    return max(1.0, (tomorrow - now).total_seconds()), None
