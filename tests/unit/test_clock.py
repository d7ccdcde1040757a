"""Time: one instant for every wall time of every date, also on the nights when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.clock import MovableClock, SystemClock, local_date, local_instant, utc, zone
from beamkeeper.errors import ConfigError

ZONES = [
    "Europe/Brussels",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",  # skipped midnight until 2018
    "Australia/Lord_Howe",  # half an hour
    "Africa/Casablanca",  # turns back for Ramadan
    "Asia/Beirut",
    "Asia/Kolkata",
    "Antarctica/Troll",  # two hours
    "Pacific/Apia",  # no 30 December 2011
]


def at(zone_name: str, day: date, wall: str) -> str:
    """Return what the clock on the wall shows at the instant found."""
    site = ZoneInfo(zone_name)
    return local_instant(day, time.fromisoformat(wall), site).astimezone(site).isoformat()


@pytest.mark.parametrize(
    ("zone_name", "day", "wall", "shown"),
    [
        # spring: the time does not exist, the run happens as the clocks jump
        ("Europe/Brussels", date(2026, 3, 29), "02:00", "2026-03-29T03:00:00+02:00"),
        ("Europe/Brussels", date(2026, 3, 29), "02:59", "2026-03-29T03:00:00+02:00"),
        ("Europe/London", date(2026, 3, 29), "01:30", "2026-03-29T02:00:00+01:00"),
        ("America/New_York", date(2026, 3, 8), "02:00", "2026-03-08T03:00:00-04:00"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:00", "2026-10-04T02:30:00+11:00"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:15", "2026-10-04T02:30:00+11:00"),
        ("Africa/Casablanca", date(2026, 3, 22), "02:00", "2026-03-22T03:00:00+01:00"),
        ("Antarctica/Troll", date(2026, 3, 29), "01:30", "2026-03-29T03:00:00+02:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), "00:00", "2018-11-04T01:00:00-02:00"),
        ("Pacific/Apia", date(2011, 12, 30), "02:00", "2011-12-31T00:00:00+14:00"),
        ("Pacific/Apia", date(2011, 12, 30), "23:59", "2011-12-31T00:00:00+14:00"),
        # autumn: the time comes twice, the run happens the first time
        ("Europe/Brussels", date(2026, 10, 25), "02:00", "2026-10-25T02:00:00+02:00"),
        ("Europe/Brussels", date(2026, 10, 25), "03:00", "2026-10-25T03:00:00+01:00"),
        ("America/New_York", date(2026, 11, 1), "01:30", "2026-11-01T01:30:00-04:00"),
        ("Australia/Lord_Howe", date(2026, 4, 5), "01:45", "2026-04-05T01:45:00+11:00"),
        ("Africa/Casablanca", date(2026, 2, 15), "02:00", "2026-02-15T02:00:00+01:00"),
        # an ordinary night
        ("Asia/Kolkata", date(2026, 3, 29), "02:00", "2026-03-29T02:00:00+05:30"),
    ],
)
def test_every_wall_time_of_every_date_is_one_instant(
    zone_name: str, day: date, wall: str, shown: str
) -> None:
    assert at(zone_name, day, wall) == shown


@given(
    st.sampled_from(ZONES).map(ZoneInfo),
    st.dates(date(2010, 1, 1), date(2030, 12, 31)),
    st.times().map(lambda wall: wall.replace(second=0, microsecond=0)),
)
def test_the_wall_shows_the_time_asked_for_or_the_first_after_it(
    site: ZoneInfo, day: date, wall: time
) -> None:
    wanted = datetime.combine(day, wall)
    found = local_instant(day, wall, site)
    shown = found.astimezone(site).replace(tzinfo=None)
    before = (found - timedelta(minutes=1)).astimezone(site).replace(tzinfo=None)

    assert found.tzinfo is UTC
    assert shown >= wanted
    assert before < wanted


@given(st.sampled_from(ZONES).map(ZoneInfo), st.dates(date(2012, 1, 1), date(2030, 12, 31)))
def test_a_nightly_run_happens_once_on_every_date(site: ZoneInfo, day: date) -> None:
    tonight = local_instant(day, time(2), site)
    tomorrow = local_instant(day + timedelta(days=1), time(2), site)

    assert tonight < tomorrow
    assert local_date(tonight, site) == day


def test_the_local_date_is_the_one_on_the_wall() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)

    assert local_date(late, ZoneInfo("Europe/Brussels")) == date(2026, 3, 2)
    assert local_date(late, ZoneInfo("America/New_York")) == date(2026, 3, 1)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        utc(datetime(2026, 3, 1, 2, 0))  # noqa: DTZ001 - the mistake itself


def test_a_zone_keeps_its_instant_in_utc() -> None:
    brussels = datetime(2026, 7, 1, 2, 0, tzinfo=ZoneInfo("Europe/Brussels"))

    assert utc(brussels) == datetime(2026, 7, 1, 0, 0, tzinfo=UTC)
    assert utc(brussels).tzinfo is UTC


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "Europe"])
def test_a_zone_that_does_not_exist_is_a_wrong_site_file(name: str) -> None:
    with pytest.raises(ConfigError, match="time zone"):
        zone(name)


def test_a_movable_clock_stands_still_and_goes_where_it_is_sent() -> None:
    start = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    clock = MovableClock(start)
    clock.advance(timedelta(hours=24))

    assert (clock.now(), clock.now()) == (start + timedelta(days=1),) * 2
    clock.move_to(start - timedelta(days=1))
    assert clock.now() == start - timedelta(days=1)


def test_the_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC
