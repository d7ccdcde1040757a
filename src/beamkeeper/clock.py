"""Time: aware, UTC inside, the site's zone when shown; the present is always an argument.

Only the edges (`app/`) ask a `Clock` what time it is; every rule takes `now`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)


class MovableClock:
    """A clock that a rehearsal can set; it stands still in between.

    Parameters
    ----------
    start
        Where the clock starts; aware.
    """

    def __init__(self, start: datetime) -> None:
        self._now = utc(start)

    def now(self) -> datetime:
        """Return the instant the clock was last moved to."""
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Set the clock; backwards is allowed, because real clocks do it too."""
        self._now = utc(instant)

    def advance(self, by: timedelta) -> None:
        """Move the clock by a duration."""
        self._now += by


def utc(instant: datetime) -> datetime:
    """Return `instant` in UTC; a naive one is a mistake of ours and raises ValueError."""
    if instant.tzinfo is None:
        raise ValueError("a naive datetime has no place here: give it its zone where it is read")
    return instant.astimezone(UTC)


def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone of that name.

    Raises
    ------
    ConfigError
        No such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # "Europe" is a folder of zones
        raise ConfigError(
            f"There is no time zone called {name!r}.", do_next="Use an IANA name such as Europe/Brussels."
        ) from error


def local_date(instant: datetime, site_zone: ZoneInfo) -> date:
    """Return the day on the wall of the site at `instant`."""
    return utc(instant).astimezone(site_zone).date()


def local_instant(day: date, wall_time: time, site_zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, of `wall_time` on `day`, defined on every day of the year.

    Where clocks skip that time (one night in spring) it is the first instant after the skip; where
    they show it twice (one night in autumn) it is the first of the two. So a nightly run keyed by
    its local date happens once on every date.
    """
    local = datetime.combine(day, wall_time, tzinfo=site_zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(site_zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _first_instant_after_gap(instant, lambda at: at.astimezone(site_zone).utcoffset())


GAP_MAX = timedelta(hours=24)
"""The longest time any clock ever skipped: Samoa had no 30 December 2011."""


def _first_instant_after_gap(inside: datetime, offset_at: Callable[[datetime], timedelta | None]) -> datetime:
    """Bisect the minute at which the offset changed, at most `GAP_MAX` before `inside`."""
    low, high = inside - GAP_MAX - timedelta(hours=1), inside
    after = offset_at(high)
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        if offset_at(middle) == after:
            high = middle
        else:
            low = middle
    return high.replace(second=0, microsecond=0)
