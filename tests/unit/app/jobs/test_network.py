"""The network as jobs have it: asked for before the receiver starts, given back whatever happens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.network import Online
from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate import NoWindow

if TYPE_CHECKING:
    from beamkeeper.protect.isolate import WindowReading

UNTIL = datetime(2026, 3, 2, 5, tzinfo=UTC)


class Noted:
    """A window that writes down what is asked of it; it opens when `opens`."""

    is_guarded = True

    def __init__(self, *, opens: bool = True) -> None:
        self.asked: list[str] = []
        self._opens = opens

    def open(self, until: datetime) -> None:
        self.asked.append(f"open until {until:%H:%M}")
        if not self._opens:
            raise WindowUnavailable("not now")

    def close(self) -> None:
        self.asked.append("close")

    def reading(self) -> WindowReading:
        return NoWindow().reading()


def online(window: Noted, *, stop_fails: bool = False) -> Online:
    def stop() -> None:
        window.asked.append("stop")
        if stop_fails:
            raise OSError

    return Online(window, until=lambda: UNTIL, start=lambda: window.asked.append("start"), stop=stop)


def test_the_receiver_starts_when_the_network_is_there_and_stops_before_it_goes() -> None:
    window = Noted()
    tonight = online(window)
    tonight.go_on()
    tonight.go_off()

    assert window.asked == ["open until 05:00", "start", "stop", "close"]


def test_no_receiver_starts_when_the_window_does_not_open() -> None:
    window = Noted(opens=False)

    with pytest.raises(WindowUnavailable):
        online(window).go_on()
    assert window.asked == ["open until 05:00"]


def test_the_network_is_given_back_though_the_receiver_does_not_stop() -> None:
    window = Noted()

    with pytest.raises(OSError):  # noqa: PT011 - raised without words
        online(window, stop_fails=True).go_off()
    assert window.asked == ["stop", "close"]
