"""When the next look for records is due: on every day of the year, and with clocks that lie."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from beamkeeper.app.jobs.hours import wait_s
from beamkeeper.app.site_hour import HourSection

ZONE = ZoneInfo("Europe/Brussels")
MONDAY = date(2026, 3, 2)
SECTION = HourSection.model_validate({"from": "07:00", "until": "19:00"})
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def local(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, second), tzinfo=ZONE).astimezone(UTC)


def test_the_first_look_of_a_day_is_due_at_its_beginning() -> None:
    assert wait_s(SECTION, ZONE, local(MONDAY, 6, 59), None) == 60
    assert wait_s(SECTION, ZONE, local(MONDAY, 7), None) == 0


def test_looks_come_every_ten_minutes_of_a_working_day_unless_the_site_says_otherwise() -> None:
    usual, hourly = HourSection(), HourSection.model_validate({"every_minutes": 60})

    assert wait_s(usual, ZONE, local(MONDAY, 7), local(MONDAY, 7)) == 10 * 60
    assert wait_s(hourly, ZONE, local(MONDAY, 7), local(MONDAY, 7)) == 60 * 60
    assert wait_s(usual, ZONE, local(MONDAY - timedelta(days=1), 12), None) == 19 * 3600
    with pytest.raises(ValidationError):
        HourSection.model_validate({"every_minutes": 0})


def test_looks_stand_on_a_grid_that_a_late_one_does_not_push() -> None:
    assert wait_s(SECTION, ZONE, local(MONDAY, 7, 13), local(MONDAY, 7, 13)) == 7 * 60
    assert wait_s(SECTION, ZONE, local(MONDAY, 7, 20), local(MONDAY, 7, 13)) == 0


def test_nothing_is_due_after_the_last_hour_until_the_next_day_begins() -> None:
    waited = wait_s(SECTION, ZONE, local(MONDAY, 18, 55), local(MONDAY, 18, 50))

    assert waited == (local(MONDAY + timedelta(days=1), 7) - local(MONDAY, 18, 55)).total_seconds()
    assert wait_s(SECTION, ZONE, local(MONDAY, 19), None) > 0


def test_a_weekend_is_left_out() -> None:
    friday = MONDAY + timedelta(days=4)
    waited = wait_s(SECTION, ZONE, local(friday, 20), local(friday, 18, 50))

    assert waited == (local(MONDAY + timedelta(days=7), 7) - local(friday, 20)).total_seconds()


def test_a_day_that_was_missed_is_made_up_for_by_one_look_at_once() -> None:
    assert wait_s(SECTION, ZONE, local(MONDAY, 11, 3), local(MONDAY - timedelta(days=3), 18, 50)) == 0


def test_a_last_look_in_the_future_does_not_silence_the_hour() -> None:
    assert wait_s(SECTION, ZONE, local(MONDAY, 9), local(MONDAY, 12)) == 0


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2028, 2, 29)])
def test_hours_are_those_of_the_wall_when_clocks_change_and_on_leap_days(day: date) -> None:
    section = HourSection.model_validate({"days": EVERY_DAY})

    assert wait_s(section, ZONE, local(day, 7), None) == 0
    assert wait_s(section, ZONE, local(day, 6, 59), None) == 60
    assert wait_s(section, ZONE, local(day, 18, 59, 59), None) == 0


@given(
    minutes=st.integers(0, 14 * 24 * 60),
    every=st.sampled_from([1, 7, 10, 60, 240]),
    last=st.none() | st.integers(-3000, 3000),
)
def test_whoever_waits_as_long_as_told_finds_a_look_due(minutes: int, every: int, last: int | None) -> None:
    section = HourSection.model_validate({"every_minutes": every})
    now = datetime(2026, 3, 23, tzinfo=UTC) + timedelta(minutes=minutes)  # clocks change on the 29th
    last_at = None if last is None else now + timedelta(minutes=last)
    waited = wait_s(section, ZONE, now, last_at)
    then = now + timedelta(seconds=waited)

    assert wait_s(section, ZONE, then, last_at if last_at and last_at <= now else None) == 0


@given(st.integers(0, 14 * 24 * 60), st.sampled_from([1, 10, 60]))
def test_no_second_look_is_due_at_the_instant_of_the_first(minutes: int, every: int) -> None:
    section = HourSection.model_validate({"every_minutes": every})
    now = datetime(2026, 3, 23, tzinfo=UTC) + timedelta(minutes=minutes)

    assert wait_s(section, ZONE, now, now) > 0


def test_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValidationError, match="earlier on the day"):
        HourSection.model_validate({"from": "19:00", "until": "07:00"})
