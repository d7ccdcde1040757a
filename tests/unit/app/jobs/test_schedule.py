"""When the next night is due: once on every local date, whatever the clocks do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.app.jobs.schedule import due
from beamkeeper.ledger import NightRow


class Nights(dict[date, NightRow]):
    """What a ledger knows of nights."""

    def begin(self, run_on: date, at: datetime) -> None:
        self[run_on] = NightRow(run_on=run_on, started_at=at, finished_at=None, outcome="running", summary={})

    def finish(self, run_on: date, at: datetime) -> None:
        self[run_on] = replace(self[run_on], finished_at=at, outcome="complete")


STEP = timedelta(hours=7)
"""No divisor of a day: the clock is looked at, at other hours every day."""


def nights_run(
    starts_at: time, zone: ZoneInfo, start: datetime, end: datetime
) -> list[tuple[date, datetime]]:
    """Live from `start` to `end` as `serve` does; return each night begun and when."""
    nights, now, run = Nights(), start, []
    while now < end:
        wait_s, run_on = due(starts_at, zone, now, night_of=nights.get)
        if run_on is not None:
            nights.begin(run_on, now)
            nights.finish(run_on, now)
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
    zone: str, changed_on: date, starts_at: str
) -> None:
    hour = time.fromisoformat(starts_at)
    first = changed_on - timedelta(days=2)
    start = datetime.combine(first, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    end = datetime.combine(first + timedelta(days=5), time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    run = nights_run(hour, ZoneInfo(zone), start, end)

    assert [run_on for run_on, _ in run] == [first + timedelta(days=n) for n in range(5)]
    for run_on, at in run:
        shown = at.astimezone(ZoneInfo(zone))
        assert shown.date() == run_on
        late_s = (shown.replace(tzinfo=None) - datetime.combine(run_on, hour)).total_seconds()
        assert 0 <= late_s <= 3601, "only a time that does not exist may be late"


def test_a_night_missed_in_the_small_hours_is_made_up_for_on_the_same_date() -> None:
    now = datetime(2026, 3, 2, 20, tzinfo=UTC)

    assert due(time(2), ZoneInfo("Europe/Brussels"), now, night_of=Nights().get) == (0.0, date(2026, 3, 2))


@pytest.mark.parametrize("hour", [23, 0, 5])
def test_a_night_that_began_and_did_not_end_is_taken_up_across_midnight(hour: int) -> None:
    begun_on, nights = date(2026, 3, 2), Nights()
    nights.begin(begun_on, datetime(2026, 3, 2, 22, tzinfo=UTC))
    now = datetime(2026, 3, 2 if hour == 23 else 3, hour, tzinfo=UTC)

    assert due(time(22), ZoneInfo("UTC"), now, night_of=nights.get) == (0.0, begun_on)


def test_a_finished_night_waits_for_the_next() -> None:
    at, nights = datetime(2026, 3, 2, 3, tzinfo=UTC), Nights()
    nights.begin(at.date(), at)
    nights.finish(at.date(), at)

    assert due(time(2), ZoneInfo("UTC"), at, night_of=nights.get) == (23 * 3600.0, None)
    later = at + timedelta(hours=22)
    assert due(time(2), ZoneInfo("UTC"), later, night_of=nights.get) == (3600.0, None)
