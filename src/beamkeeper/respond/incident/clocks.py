"""By when whom to tell: the clocks of the law, counted from the moment somebody knew.

References
----------
Directive (EU) 2022/2555 (NIS2) Art. 23; Regulation (EU) 2016/679 (GDPR) Art. 33; 45 CFR 164.308 with the rule
proposed in January 2025, which is marked as not in force.
"""

from __future__ import annotations

import calendar
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from zoneinfo import ZoneInfo

    from beamkeeper.respond.incident.incident import Tick

_FILE: Final = files(__package__).joinpath("clocks.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One duty to tell.

    Attributes
    ----------
    hours, months
        After the moment somebody knew; one of the two is 0.
    after
        The clock whose report starts this one, or whose end does where nothing was reported; "" for none.
    in_force
        False for a rule that is only proposed.
    """

    clock_id: str
    law: str
    clause: str
    what: str
    hours: int = 0
    months: int = 0
    after: str = ""
    in_force: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One clock as it stands.

    Attributes
    ----------
    done
        Who reported, and when; None while nobody did.
    """

    clock: Clock
    due_at: datetime
    done: Tick | None
    left: timedelta

    @property
    def is_over(self) -> bool:
        """Whether its time passed and nobody reported."""
        return self.done is None and self.left < timedelta(0)

    @property
    def late(self) -> timedelta:
        """Since when it is over; zero while it is not."""
        return max(-self.left, timedelta(0))


def clocks(laws: Collection[str] = ()) -> tuple[Clock, ...]:
    """Return the clocks of these laws, all of them without any.

    Raises
    ------
    ConfigError
        A law that no clock is of.
    """
    every = tuple(
        Clock(
            clock_id=item["id"],
            law=item["law"],
            clause=item["clause"],
            what=item["what"],
            hours=item.get("hours", 0),
            months=item.get("months", 0),
            after=item.get("after", ""),
            in_force=item["in_force"],
        )
        for item in tomllib.loads(_FILE.read_text(encoding="utf-8"))["clock"]
    )
    known = {clock.law.casefold() for clock in every}
    wanted = {law.casefold() for law in laws}
    if unknown := sorted(wanted - known):
        raise ConfigError(
            f"No clock is known for {', '.join(unknown)}.",
            do_next=f"Known are {', '.join(sorted({clock.law for clock in every}))}.",
        )
    return tuple(clock for clock in every if not wanted or clock.law.casefold() in wanted)


def standing_clocks(
    chosen: Collection[Clock],
    *,
    aware_at: datetime,
    reported: Mapping[str, Tick],
    zone: ZoneInfo,
    now: datetime,
) -> tuple[Due, ...]:
    """Return every clock with when it is due and who reported, the next one first.

    A month ends on the same day of the next month on the wall of the site, or on its last day.
    """
    due: dict[str, datetime] = {}
    for clock in chosen:
        start = aware_at
        if clock.after:
            before = reported.get(clock.after)
            start = before.at if before else due.get(clock.after, aware_at)
        due[clock.clock_id] = _month_later(start, clock.months, zone) + timedelta(hours=clock.hours)
    standing = (
        Due(
            clock=clock,
            due_at=due[clock.clock_id],
            done=reported.get(clock.clock_id),
            left=due[clock.clock_id] - now,
        )
        for clock in chosen
    )
    return tuple(sorted(standing, key=lambda item: (item.done is not None, item.due_at, item.clock.clock_id)))


def _month_later(start: datetime, months: int, zone: ZoneInfo) -> datetime:
    if not months:
        return start
    local = start.astimezone(zone)
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day).astimezone(start.tzinfo)


def next_due(due: Iterable[Due]) -> Due | None:
    """Return the clock that ends first and still runs: of laws in force before those that are proposed."""
    running = sorted((one for one in due if one.done is None), key=lambda one: one.due_at)
    return min(running, key=lambda one: not one.clock.in_force, default=None)
