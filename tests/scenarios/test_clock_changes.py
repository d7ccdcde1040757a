"""The nights on which clocks do something odd: October's hour comes twice, and 29 February 2028.

The short timelines of `moved_clock`; one of them is played every minute, as `serve` does, which must say
exactly what playing only the minutes around an event says.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from town import watched_town

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

A_DAY_BEFORE = """
{before}  01:00  mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent; the watcher calls: night missing
{before}  02:00  night complete, 0 changes to look at; the night of {before} is unverified
{before}  02:00  letter to an bo: report; mirror near: mirrored, 2 sent; mirror far: mirrored, 2 sent
{before}  03:00  the watcher calls: night missing, over
{before}  08:00  * an confirms; an votes: confirm
{before}  08:05  * bo confirms; bo votes: confirm; the night of {before} is confirmed
{before}  18:00  * somebody moves a leaf
"""
THE_DAY = """
{day}  02:00  night complete, 1 changes to look at; the night of {day} is unverified
{day}  02:00  letter to an bo: report; mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
{day}  10:00  the night of {day} is overdue
{day}  10:00..10:20 every 10  letter to an bo: overdue; pager: overdue
{day}  10:25  * an confirms; an votes: confirm
{day}  10:26  * bo confirms; bo votes: confirm; the night of {day} is confirmed
{day}  10:26  letter to an bo head: all_clear; pager: all_clear
"""
THE_DAY_AFTER = """
{after}  02:00  night complete, 0 changes to look at; the night of {after} is quiet; letter to an bo: report
"""


def timeline(before: str, day: str, after: str) -> str:
    return (A_DAY_BEFORE + THE_DAY + THE_DAY_AFTER).format(before=before, day=day, after=after)


@pytest.mark.parametrize(
    ("first", "days", "until"),
    [
        (date(2026, 10, 24), ("10-24", "10-25", "10-26"), date(2026, 10, 27)),
        (date(2028, 2, 28), ("02-28", "02-29", "03-01"), date(2028, 3, 2)),
    ],
    ids=["the hour that comes twice", "a leap day"],
)
def test_an_odd_day_is_a_day_like_others(
    tmp_path: Path, first: date, days: tuple[str, str, str], until: date
) -> None:
    with watched_town(tmp_path, first) as (town, played):
        played.follow(timeline(*days), town.actions, until=played.at(until, "00:00"))


def test_every_minute_of_a_morning_says_what_the_minutes_around_events_say(tmp_path: Path) -> None:
    with watched_town(tmp_path, date(2026, 3, 28)) as (town, played):

        def every_minute() -> None:
            played.every_minute = True

        table = (A_DAY_BEFORE + THE_DAY).format(before="03-28", day="03-29")
        played.follow(
            f"{table}\n03-29  07:00  * from now on every minute",
            town.actions | {"from now on every minute": every_minute},
            until=played.at(date(2026, 3, 29), "11:30"),
        )
