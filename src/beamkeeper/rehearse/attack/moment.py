"""The minute of an attack, and the copy that is left: drawn from a seed, each kind of minute in turn."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import local_date, local_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.rehearse.attack.month import Month

NIGHT_AT: Final = time(2, 0)
NIGHT_MINUTES: Final = 40
HOURS: Final = (10, 11, 12, 13, 14, 15, 16, 17)
"""When today's records are fetched, local time."""
PLUGGED_AT: Final = (time(9, 20), time(17, 20))
"""When somebody plugs the disk in: after people confirmed the night, and in the evening."""
FORGOTTEN: Final = 0.3
"""Share of the times at which nobody does."""
WRITING: Final = timedelta(minutes=20)
"""So long the disk is written; unplugged earlier, it holds what it held before."""
FIRST_COPY_AFTER: Final = timedelta(days=7)


class Minute(StrEnum):
    """What kind of minute it is."""

    ANY = "a minute nobody chose"
    IN_A_NIGHT = "while the night is at work"
    IN_A_SESSION = "while a patient lies on the table"
    HOUR_AFTER = "an hour after a fraction that the copy has not"
    CLOCK_CHANGE = "in the night in which the clocks are changed"
    IN_THE_COPY = "while the disk is being written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What the disk holds.

    Attributes
    ----------
    night
        Date of the last night in it; `night_at` when it ran.
    as_of
        When records were fetched last before the disk was plugged in; None when that was the night.
    plugged_at
        When the writing began.
    """

    night: date
    night_at: datetime
    as_of: datetime | None
    plugged_at: datetime

    @property
    def knows_until(self) -> datetime:
        """The last instant whose records can be in it."""
        return self.as_of or self.night_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When it happened, and what was left."""

    minute: Minute
    attacked_at: datetime
    copy: Copy


def moment_of(month: Month, seed: int) -> Moment:
    """Return the attack of a seed: six seeds in a row have six kinds of minutes.

    Where the month has no change of the clocks, that seed's minute is in any night.
    """
    minute = list(Minute)[seed % len(Minute)]
    chance = random.Random(f"attack/{seed}")
    copies = _copies(month, chance)
    attacked_at = _instant(month, minute, copies, chance)
    return Moment(minute=minute, attacked_at=attacked_at, copy=_left(copies, attacked_at))


def copy_at(month: Month, plugged_at: datetime) -> Copy:
    """Return what a disk holds that is written at an instant, after that day's night."""
    day = local_date(plugged_at, month.zone)
    hours = [local_instant(day, time(hour), month.zone) for hour in HOURS]
    return Copy(
        night=day,
        night_at=local_instant(day, NIGHT_AT, month.zone),
        as_of=max((at for at in hours if at <= plugged_at), default=None),
        plugged_at=plugged_at,
    )


def _copies(month: Month, chance: random.Random) -> list[Copy]:
    """Return every writing of the disk; nobody forgets the first."""
    found = list[Copy]()
    for day in _days(month, FIRST_COPY_AFTER):
        for wall in PLUGGED_AT:
            if not found or chance.random() >= FORGOTTEN:
                found.append(copy_at(month, local_instant(day, wall, month.zone)))
    return found


def _days(month: Month, after: timedelta) -> list[date]:
    first = month.first_day + after
    return [first + timedelta(days=number) for number in range((month.last_day - first).days)]


def _left(copies: Sequence[Copy], attacked_at: datetime) -> Copy:
    return [one for one in copies if one.plugged_at + WRITING <= attacked_at][-1]


def _instant(month: Month, minute: Minute, copies: Sequence[Copy], chance: random.Random) -> datetime:
    """Return an instant of that kind after the first copy."""
    earliest = copies[0].plugged_at + WRITING
    if minute is Minute.ANY:
        latest = local_instant(month.last_day, time(23, 59), month.zone)
        return earliest + timedelta(minutes=chance.randrange((latest - earliest) // timedelta(minutes=1)))
    if minute is Minute.IN_THE_COPY:
        return chance.choice(copies[1:]).plugged_at + timedelta(minutes=chance.randint(1, 19))
    if minute in {Minute.IN_A_NIGHT, Minute.CLOCK_CHANGE}:
        nights = [local_instant(day, NIGHT_AT, month.zone) for day in _days(month, timedelta(days=8))]
        nights = (_changes(month, nights) if minute is Minute.CLOCK_CHANGE else []) or nights
        return chance.choice(nights) + timedelta(minutes=chance.randint(1, NIGHT_MINUTES))
    visits = [one for one in month.visits if one.began_at > earliest]
    if minute is Minute.IN_A_SESSION:
        one = chance.choice(visits)
        return one.began_at + (one.ended_at - one.began_at) * chance.random()
    hour = timedelta(hours=1)
    unseen = [at for at in (one.ended_at for one in visits) if _left(copies, at + hour).knows_until < at]
    return chance.choice(unseen) + hour


def _changes(month: Month, nights: Sequence[datetime]) -> list[datetime]:
    """Return the nights on whose day the clocks are changed."""
    return [
        at
        for at in nights
        if (at - timedelta(hours=12)).astimezone(month.zone).utcoffset()
        != (at + timedelta(hours=12)).astimezone(month.zone).utcoffset()
    ]
