"""The collector's clock is set a month ahead, and back: no silence comes of it, and nothing is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from moved_clock import as_table, rows
from town import watched_town

from beamkeeper.app.jobs.duties import NightDuty
from beamkeeper.protect.watch import FindingKind, WatchRule
from beamkeeper.protect.watch.findings import in_time

if TYPE_CHECKING:
    from pathlib import Path

    from moved_clock import Played

A_MONTH = timedelta(days=31)
AHEAD = """
04-02  14:00  night complete, 0 changes to look at; the night of 04-02 is quiet; letter to an bo: report
"""
BACK = """
03-03  02:00  night complete, 0 changes to look at; the night of 03-03 is quiet; letter to an bo: report
"""
SILENT = """
03-04  10:00  the night of 03-04 is overdue; letter to an bo: overdue; pager: overdue
"""


def played_lines(played: Played, until: datetime) -> list[str]:
    """Play on, and return what came of it, but for mirrors and watcher."""
    before = len(played.lines)
    played.play(until)
    told = [(at, text) for at, text in played.lines[before:] if not text.startswith(("mirror ", "the w"))]
    return as_table(told, played.zone)


def by_the_rules(table: str, played: Played) -> list[str]:
    return as_table(rows(table, year=2026, zone=played.zone)[1], played.zone)


@pytest.mark.long
def test_a_clock_a_month_ahead_and_back_again_silences_nobody(tmp_path: Path) -> None:
    with watched_town(tmp_path, date(2026, 3, 2)) as (town, played):
        played.play(played.at(date(2026, 3, 2), "08:00"))
        for person in ("an", "bo"):
            played.vote(person, night=date(2026, 3, 2))
        played.play(played.at(date(2026, 3, 2), "14:00"))
        played.clock.move_to(played.at(date(2026, 4, 2), "14:00"))
        assert played_lines(played, played.at(date(2026, 4, 2), "15:00")) == by_the_rules(AHEAD, played)

        played.clock.move_to(played.at(date(2026, 3, 2), "15:00"))
        assert played_lines(played, played.at(date(2026, 3, 3), "12:00")) == by_the_rules(BACK, played)

        played.duties = tuple(duty for duty in played.duties if not isinstance(duty, NightDuty))
        silent = played_lines(played, played.at(date(2026, 3, 4), "10:05"))
        assert silent == by_the_rules(SILENT, played)
        town.site.verify_holds_the_source(tmp_path / "out", date(2026, 3, 4))


def test_a_night_of_a_day_to_come_keeps_no_watcher_quiet() -> None:
    now = datetime(2026, 3, 4, 7, tzinfo=UTC)
    nights = [date(2026, 3, 3), date(2026, 4, 2)]
    (finding,) = in_time(WatchRule(zone=ZoneInfo("UTC")), nights, now + A_MONTH, now)

    assert finding.kind is FindingKind.NIGHT_MISSING
    assert "2026-03-03" in finding.what
