"""When the next night is due: once on every local date, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.app.jobs.schedule import due
from beamkeeper.app.site import parse_site

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.site import Site

SITE = """\
format = 1
[site]
name = "Schedule"
time_zone = "{zone}"
data_dir = "data"
[vault]
directory = "vault"
keys_dir = "keys"
[night]
starts_at = {starts_at}
[[sources]]
kind = "folder"
name = "folder"
path = "."
"""
STEP = timedelta(hours=7)
"""No divisor of a day: the clock is looked at, at other hours every day."""


def site_at(folder: Path, zone: str, starts_at: str) -> Site:
    return parse_site(SITE.format(zone=zone, starts_at=starts_at), base=folder)


def nights_run(site: Site, start: datetime, end: datetime) -> list[tuple[date, datetime]]:
    """Live from `start` to `end` as `serve` does; return each night begun and when."""
    ledger, now, run = open_ledger(site), start, []
    while now < end:
        wait_s, run_on = due(site, now)
        if run_on is not None:
            ledger.begin_night(run_on, now)
            ledger.finish_night(run_on, finished_at=now, outcome="complete", summary={})
            run.append((run_on, now))
        assert wait_s >= 0
        now += min(STEP, timedelta(seconds=wait_s)) if wait_s else timedelta(seconds=1)
    return run


@pytest.mark.parametrize("starts_at", ["02:00:00", "02:30:00", "03:00:00", "00:00:00", "23:45:00"])
@pytest.mark.parametrize(
    ("zone", "changed_on"),
    [
        ("Europe/Brussels", date(2026, 3, 29)),
        ("Europe/Brussels", date(2026, 10, 25)),
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
    ],
)
def test_no_night_is_missed_and_none_run_twice_when_clocks_change(
    tmp_path: Path, zone: str, changed_on: date, starts_at: str
) -> None:
    site = site_at(tmp_path, zone, starts_at)
    first = changed_on - timedelta(days=2)
    start = datetime.combine(first, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = datetime.combine(first + timedelta(days=5), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    run = nights_run(site, start, end)

    assert [run_on for run_on, _ in run] == [first + timedelta(days=n) for n in range(5)]
    for run_on, at in run:
        shown = at.astimezone(ZoneInfo(zone))
        assert shown.date() == run_on
        late_s = (shown.replace(tzinfo=None) - datetime.combine(run_on, site.night.starts_at)).total_seconds()
        assert 0 <= late_s <= 3601, "only a time that does not exist may be late"


def test_a_night_missed_in_the_small_hours_is_made_up_for_on_the_same_date(tmp_path: Path) -> None:
    site = site_at(tmp_path, "Europe/Brussels", "02:00:00")

    assert due(site, datetime(2026, 3, 2, 20, tzinfo=UTC)) == (0.0, date(2026, 3, 2))


@pytest.mark.parametrize("hour", [23, 0, 5])
def test_a_night_that_began_and_did_not_end_is_taken_up_across_midnight(tmp_path: Path, hour: int) -> None:
    site = site_at(tmp_path, "UTC", "22:00:00")
    begun_on = date(2026, 3, 2)
    open_ledger(site).begin_night(begun_on, datetime(2026, 3, 2, 22, tzinfo=UTC))
    now = datetime(2026, 3, 2 if hour == 23 else 3, hour, tzinfo=UTC)

    assert due(site, now) == (0.0, begun_on)


def test_a_finished_night_waits_for_the_next(tmp_path: Path) -> None:
    site, at = site_at(tmp_path, "UTC", "02:00:00"), datetime(2026, 3, 2, 3, tzinfo=UTC)
    ledger = open_ledger(site)
    ledger.begin_night(at.date(), at)
    ledger.finish_night(at.date(), finished_at=at, outcome="incomplete", summary={})

    assert due(site, at) == (23 * 3600.0, None)
    assert due(site, at + timedelta(hours=22)) == (3600.0, None)
