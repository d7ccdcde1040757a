"""When the next look for today's records is due: a rule on the clock of the site's wall; no I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.site_hour import DAYS
from beamkeeper.clock import local_date, local_instant, utc

if TYPE_CHECKING:
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.site_hour import HourSection

DAYS_AHEAD_MAX = 8
"""Within a week every day of the week comes once; one more, because today may be over."""


def wait_s(section: HourSection, zone: ZoneInfo, now: datetime, last_at: datetime | None) -> float:
    """Return how long the next look can wait, seconds; 0 when one is due now.

    Looks stand on a grid from the beginning of the day's hours, so that a late one does not push the
    others; one that was missed is made up for at once, however many were.

    Parameters
    ----------
    last_at
        When the last look began; None for never. One in the future was made by a clock that was wrong.
    """
    now = utc(now)
    today = local_date(now, zone)
    hours = _hours(section, zone, today)
    if hours is not None and hours[0] <= now < hours[1]:
        every = timedelta(minutes=section.every_minutes)
        slot = hours[0] + (now - hours[0]) // every * every
        if last_at is None or last_at < slot or last_at > now:
            return 0.0
        if slot + every < hours[1]:
            return (slot + every - now).total_seconds()
    return (_next_beginning(section, zone, today, now) - now).total_seconds()


def _next_beginning(section: HourSection, zone: ZoneInfo, today: date, now: datetime) -> datetime:
    for ahead in range(DAYS_AHEAD_MAX):
        hours = _hours(section, zone, today + timedelta(days=ahead))
        if hours is not None and hours[0] > now:
            return hours[0]
    return now + timedelta(days=1)  # a site without any day: looked at again tomorrow


def _hours(section: HourSection, zone: ZoneInfo, day: date) -> tuple[datetime, datetime] | None:
    """Return from when to when a day has looks, UTC; None when it has none."""
    if DAYS[day.weekday()] not in section.days:
        return None
    return local_instant(day, section.begins, zone), local_instant(day, section.until, zone)
