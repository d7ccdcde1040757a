"""Of which dates a night's report must tell: every one since the last report, run or not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from beamkeeper.app.jobs.again import UNTOLD_DAYS_MAX, untold_days
from beamkeeper.ledger import NightRow

DAY = date(2026, 3, 2)


def night(run_on: date, *, ended: bool = True) -> NightRow:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return NightRow(
        run_on=run_on, started_at=at, finished_at=at if ended else None, outcome="complete", summary={}
    )


def days(*after: int) -> tuple[date, ...]:
    return tuple(DAY + timedelta(days=count) for count in after)


def test_an_ordinary_night_tells_of_its_own_date() -> None:
    assert untold_days([night(DAY)], DAY + timedelta(days=1)) == days(1)


def test_a_first_night_tells_of_its_own_date() -> None:
    assert untold_days([], DAY) == (DAY,)


def test_dates_whose_night_never_began_are_told_by_the_next() -> None:
    assert untold_days([night(DAY)], DAY + timedelta(days=3)) == days(1, 2, 3)


def test_a_night_that_never_ended_is_told_by_the_next() -> None:
    nights = [night(DAY), night(DAY + timedelta(days=1), ended=False)]

    assert untold_days(nights, DAY + timedelta(days=2)) == days(1, 2)


def test_a_night_that_is_repeated_tells_of_its_own_date_only() -> None:
    nights = [night(DAY), night(DAY + timedelta(days=1))]

    assert untold_days(nights, DAY + timedelta(days=1)) == days(1)


def test_a_clock_that_stood_in_the_past_makes_no_endless_list() -> None:
    found = untold_days([night(date(1970, 1, 1))], DAY)

    assert len(found) == UNTOLD_DAYS_MAX
    assert found[-1] == DAY
