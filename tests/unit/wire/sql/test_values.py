"""What drivers return, read into our types."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.sql import read_bool, read_date, read_float, read_instant, read_int, read_text
from beamkeeper.wire.sql.values import TEXT_CHARACTERS_MAX

BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.2.3   ", "1.2.3"),
        ("1.2.3\x00", "1.2.3"),
        (None, ""),
        (12, "12"),
        (12.0, "12"),
        (Decimal("7.0"), "7"),
    ],
)
def test_text_loses_the_padding_of_fixed_length_columns(value: object, text: str) -> None:
    assert read_text(value) == text


def test_a_value_that_is_no_text_is_refused_without_showing_it() -> None:
    with pytest.raises(SourceAnswerInvalid) as caught:
        read_text(b"Peeters")

    assert "Peeters" not in str(caught.value)


def test_text_up_to_the_limit_is_read_and_beyond_it_refused() -> None:
    assert len(read_text("x" * TEXT_CHARACTERS_MAX)) == TEXT_CHARACTERS_MAX
    with pytest.raises(SourceAnswerInvalid, match="at most"):
        read_text("x" * (TEXT_CHARACTERS_MAX + 1))


@pytest.mark.parametrize(
    "value",
    [date(1960, 1, 2), datetime(1960, 1, 2, 23, 0), "1960-01-02", "1960-01-02 00:00:00", "19600102"],  # noqa: DTZ001 - what a driver returns
)
def test_days_are_read_in_every_form_a_driver_gives_them(value: object) -> None:
    assert read_date(value) == date(1960, 1, 2)


@pytest.mark.parametrize(
    ("value", "flag"), [(1, True), (0, False), (None, False), ("Y ", True), (True, True), ("no", False)]
)
def test_flags_are_read_in_every_form_a_driver_gives_them(value: object, flag: bool) -> None:
    assert read_bool(value) is flag


@pytest.mark.parametrize(
    ("read", "value"),
    [(read_int, "x"), (read_int, 1.5), (read_float, "x"), (read_float, "nan"), (read_float, "1e999"),
     (read_bool, "maybe"), (read_date, "31/12/1999"), (read_date, "1999-13-01")],
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_never_guessed(read: object, value: object) -> None:
    with pytest.raises(SourceAnswerInvalid, match="cannot be read as"):
        read(value)  # type: ignore[operator]


def test_a_naive_time_is_the_wall_time_of_the_server() -> None:
    winter = read_instant("2026-01-15 10:00:00", BRUSSELS)
    summer = read_instant("2026-07-15T10:00:00.250", BRUSSELS)

    assert winter == datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
    assert summer == datetime(2026, 7, 15, 8, 0, 0, 250_000, tzinfo=UTC)


def test_the_hour_that_comes_twice_in_autumn_is_read_as_its_first_passage() -> None:
    assert read_instant("2026-10-25 02:30:00", BRUSSELS) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_hour_that_does_not_exist_in_spring_is_read_as_if_the_clocks_had_not_moved() -> None:
    assert read_instant("2026-03-29 02:30:00", BRUSSELS) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-12, 14))  # noqa: DTZ001 - bounds
def test_a_time_that_says_its_offset_keeps_it(naive: datetime, hours: int) -> None:
    aware = naive.replace(tzinfo=timezone(timedelta(hours=hours)))

    assert read_instant(aware, BRUSSELS) == aware
    assert read_instant(aware.isoformat(), BRUSSELS) == aware


def test_a_time_beyond_the_calendar_is_said_so() -> None:
    with pytest.raises(SourceAnswerInvalid, match="calendar"):
        read_instant("0001-01-01 00:00:00", BRUSSELS)


def test_nothing_is_none() -> None:
    assert (
        read_instant(None, BRUSSELS),
        read_instant("  ", BRUSSELS),
        read_date(None),
        read_int(""),
        read_float(None),
    ) == (None,) * 5


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.decimals()
)


@given(ANYTHING)
def test_any_value_is_read_or_refused_by_our_own_error(value: object) -> None:
    for read in (read_text, read_int, read_float, read_bool, read_date, in_brussels):
        with suppress(SourceAnswerInvalid):
            read(value)


def in_brussels(value: object) -> datetime | None:
    return read_instant(value, BRUSSELS)
