"""A morning on which clocks go forward, played every minute as `serve` does.

It must say exactly what playing only the minutes around an event says, as `test_month` does.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from town import watched_town

if TYPE_CHECKING:
    from pathlib import Path

A_DAY_BEFORE = """
{before}  01:00  mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent; the watcher calls: night missing
{before}  02:00  night complete, 0 changes to look at; the night of {before} is unverified
{before}  02:00  letter to an bo: report; mirror near: mirrored, 2 sent; mirror far: mirrored, 2 sent
{before}  03:00  the watcher calls: night missing, over
{before}  08:00  * an confirms by page; an votes: confirm by page
{before}  08:05  * bo confirms by page; bo votes: confirm by page; the night of {before} is confirmed
{before}  18:00  * somebody moves a leaf
"""
THE_DAY = """
{day}  02:00  night complete, 1 changes to look at; the night of {day} is unverified
{day}  02:00  letter to an bo: report; mirror near: mirrored, 1 sent; mirror far: mirrored, 1 sent
{day}  10:00  the night of {day} is overdue
{day}  10:00..10:20 every 10  letter to an bo: overdue; pager: overdue
{day}  10:25  * an confirms by page; an votes: confirm by page
{day}  10:26  * bo confirms by page; bo votes: confirm by page; the night of {day} is confirmed
{day}  10:26  letter to an bo head: all_clear; pager: all_clear
"""


def test_every_minute_of_a_morning_says_what_the_minutes_around_events_say(tmp_path: Path) -> None:
    with watched_town(tmp_path, date(2026, 3, 28)) as (town, played):

        def every_minute() -> None:
            played.every_minute = True

        table = (A_DAY_BEFORE + THE_DAY).format(before="03-28", day="03-29")
        played.follow(
            f"{table}\n03-29  09:50  * from now on every minute",
            town.actions | {"from now on every minute": every_minute},
            until=played.at(date(2026, 3, 29), "10:35"),
        )
