"""When the window may be open, and for how long; what makes no plan."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.protect.isolate.plans import BRUSSELS, plan

from beamkeeper.protect.isolate import AllowedPeer, Direction, OpenTime, Transport

NIGHT = OpenTime(time(1, 55), time(6, 30))
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS)


@given(instants, instants, st.lists(st.builds(OpenTime, times, times), max_size=3).map(tuple))
def test_no_opening_is_longer_than_asked_or_than_the_longest(now, asked, open_times) -> None:
    until = plan(open_times=open_times, longest_open=timedelta(hours=4)).openable_until(asked, now=now)

    assert until is None or now < until <= min(asked, now + timedelta(hours=4))


@given(instants, st.builds(OpenTime, times, times))
def test_an_opening_never_outlasts_the_hours_it_began_in(now, hours) -> None:
    until = plan(open_times=(hours,), longest_open=timedelta(hours=24)).openable_until(
        now + timedelta(hours=24), now=now
    )
    wall = now.astimezone(BRUSSELS).time()
    if hours.begins_at < hours.ends_at:
        inside = hours.begins_at <= wall < hours.ends_at
    else:
        inside = wall >= hours.begins_at or wall < hours.ends_at
    is_plain = all(  # clocks do not change within the day
        (now + timedelta(hours=h)).astimezone(BRUSSELS).utcoffset() == now.astimezone(BRUSSELS).utcoffset()
        for h in (-24, 24)
    )

    assert not is_plain or (until is not None) == inside
    assert not is_plain or until is None or until.astimezone(BRUSSELS).time() in {hours.ends_at, wall}


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-02 01:54", None),
        ("2026-03-02 01:55", "2026-03-02 05:55"),
        ("2026-03-02 05:00", "2026-03-02 06:30"),
        ("2026-03-02 06:30", None),
        ("2026-03-29 03:30", "2026-03-29 06:30"),  # 02:00 to 03:00 did not exist that night
        ("2026-10-25 02:30", "2026-10-25 05:30"),  # 02:30 came twice; four hours from the first of them
    ],
)
def test_the_hours_are_those_of_the_clock_on_the_wall(now: str, until: str | None) -> None:
    found = plan(open_times=(NIGHT,)).openable_until(at("2026-12-31 00:00"), now=at(now))

    assert found == (None if until is None else at(until))


def test_hours_may_go_past_midnight() -> None:
    late = plan(open_times=(OpenTime(time(22, 0), time(1, 0)),))

    assert late.openable_until(at("2026-03-03 12:00"), now=at("2026-03-03 00:30")) == at("2026-03-03 01:00")
    assert late.openable_until(at("2026-03-04 12:00"), now=at("2026-03-03 23:00")) == at("2026-03-04 01:00")
    assert late.openable_until(at("2026-03-03 13:00"), now=at("2026-03-03 12:00")) is None


@pytest.mark.parametrize("text", ["0.0.0.0", "127.0.0.1", "::1", "::", "224.0.0.1", "ff02::1"])  # noqa: S104
def test_an_address_that_is_no_hosts_own_is_no_peer(text: str) -> None:
    with pytest.raises(ValueError, match="no host's own address"):
        AllowedPeer(
            purpose="x", direction=Direction.OUTBOUND, addresses=(ipaddress.ip_address(text),), port=104
        )


def test_only_tcp_comes_in() -> None:
    with pytest.raises(ValueError, match="only TCP"):
        AllowedPeer(
            purpose="x",
            direction=Direction.INBOUND,
            addresses=(ipaddress.ip_address("192.0.2.1"),),
            port=104,
            transport=Transport.UDP,
        )


@pytest.mark.parametrize(
    "changed",
    [
        {"interface": "lo"},
        {"interface": "eth0; reboot"},
        {"interface": "../x"},
        {"interface": '"'},
        {"interface": "a" * 16},
        {"driver": "e1000e; rm"},
        {"driver": "-r"},
        {"own_addresses": ()},
        {"peers": ()},
        {"longest_open": timedelta(hours=25)},
        {"worker_uids": (-1,)},
        {"gateways": (ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2"))},
    ],
)
def test_what_could_break_the_rules_makes_no_plan(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        plan(**changed)
