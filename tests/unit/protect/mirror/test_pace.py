"""How fast and how long a run may move bytes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.errors import SourceUnavailable
from beamkeeper.protect.mirror import Pace
from beamkeeper.protect.mirror.pace import BURST_S, Paced, TimeIsUp


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.naps.append(seconds)
        self.now += seconds


def pace(clock: Time, *, rate: float | None, lasts_s: float = 1e9) -> Pace:
    return Pace(bytes_per_s=rate, lasts_s=lasts_s, monotonic=clock.monotonic, sleep=clock.sleep)


@given(st.lists(st.integers(1, 10_000_000), min_size=1, max_size=30), st.floats(1e3, 1e9))
def test_no_more_bytes_pass_than_the_rate_allows(blocks: list[int], rate: float) -> None:
    clock = Time()
    limited = pace(clock, rate=rate)
    for block in blocks:
        limited.moved(block)

    assert clock.now >= sum(blocks) / rate - BURST_S - 1e-6
    assert clock.now <= sum(blocks) / rate + 1e-6 + 1


def test_a_pause_is_not_made_up_for_by_a_rush() -> None:
    clock = Time()
    limited = pace(clock, rate=1000)
    clock.now = 3600
    for _ in range(10):
        limited.moved(1000)

    assert clock.now >= 3600 + 10 - BURST_S - 1e-6


def test_without_a_limit_nobody_waits() -> None:
    clock = Time()
    free = pace(clock, rate=None)
    for _ in range(100):
        free.moved(1 << 30)

    assert clock.naps == []


def test_waiting_on_purpose_is_no_silence() -> None:
    clock = Time()
    limited = pace(clock, rate=1)
    told = []
    limited._sleep = lambda seconds: (clock.sleep(seconds), told.append(clock.now - limited.moved_at))
    limited.moved(100)

    assert max(told) <= 1.0


def test_after_its_time_no_byte_is_moved() -> None:
    clock = Time()
    short = pace(clock, rate=1000, lasts_s=5)
    for _ in range(4):
        short.moved(1000)
    with pytest.raises(TimeIsUp):
        short.moved(100_000)
    assert clock.now <= 5

    with pytest.raises(SourceUnavailable, match="time for this run is over"):
        short.moved(0)


def test_a_run_that_is_stopped_moves_no_byte() -> None:
    stopped = pace(Time(), rate=None)
    stopped.stop()

    with pytest.raises(TimeIsUp):
        Paced(io.BytesIO(b"x"), stopped).read(1)
