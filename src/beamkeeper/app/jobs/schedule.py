"""When the next night is due: once on every local date, whatever the clocks do. A rule; no I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.clock import local_date, local_instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime, time
    from zoneinfo import ZoneInfo

    from beamkeeper.ledger import NightRow


def due(
    starts_at: time, zone: ZoneInfo, now: datetime, *, night_of: Callable[[date], NightRow | None]
) -> tuple[float, date | None]:
    """Return (seconds to wait, None), or (0, the local date whose night is due now).

    A night that was missed because the collector was down is made up for on the same date; one that
    began and did not end is taken up until the next is due.

    Parameters
    ----------
    starts_at, zone
        The hour of the site file, and the clock on the site's wall.
    night_of
        What the ledger knows of the night of a date.
    """
    today = local_date(now, zone)
    begins = local_instant(today, starts_at, zone)
    if now < begins:
        last = night_of(today - timedelta(days=1))
        if last is not None and last.finished_at is None:
            return 0.0, last.run_on
        return (begins - now).total_seconds(), None
    night = night_of(today)
    if night is None or night.finished_at is None:
        return 0.0, today
    tomorrow = local_instant(today + timedelta(days=1), starts_at, zone)
    return max(1.0, (tomorrow - now).total_seconds()), None
