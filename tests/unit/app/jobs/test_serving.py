"""Duties run side by side: one that fails or hangs keeps none of the others from its work."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from beamkeeper.app.jobs.serving import Tellers, serve
from beamkeeper.clock import SystemClock
from beamkeeper.errors import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.clock import Clock
    from beamkeeper.errors import BeamkeeperError

CLOCK = SystemClock()


@dataclass
class Doing:
    """A duty that is always due and does what the test says."""

    name: str
    act: Callable[[], str]
    retry_s: float = 0.01

    def wait_s(self, _clock: Clock) -> float:
        return 0.0

    def work(self, _clock: Clock) -> str:
        return self.act()


@dataclass
class Heard:
    lines: list[tuple[str, str]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    enough: Callable[[Heard], bool] = lambda _heard: False

    def tellers(self) -> Tellers:
        return Tellers(done=self._done, failed=self._failed)

    def _done(self, name: str, line: str) -> None:
        self.lines.append((name, line))
        if self.enough(self):
            self.stop.set()

    def _failed(self, name: str, error: BeamkeeperError) -> None:
        self._done(name, error.message)


def test_a_duty_that_fails_is_told_and_tried_again_while_the_others_go_on() -> None:
    tries = iter(range(100))

    def fail_twice() -> str:
        if next(tries) < 2:
            raise SourceUnavailable("The archive does not answer.")
        return "done at last"

    hang = threading.Event()
    heard = Heard(enough=lambda heard: ("failing", "done at last") in heard.lines)
    serve(
        [Doing("failing", fail_twice), Doing("hanging", lambda: str(hang.wait(60)))],
        CLOCK,
        heard.tellers(),
        heard.stop,
    )
    hang.set()
    assert [line for name, line in heard.lines if name == "failing"][:3] == [
        "The archive does not answer.",
        "The archive does not answer.",
        "done at last",
    ]


def test_a_mistake_of_ours_in_one_duty_ends_the_service_instead_of_leaving_it_half_alive(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def break_down() -> str:
        raise ZeroDivisionError("DOE^JANE")

    heard = Heard()
    with pytest.raises(ZeroDivisionError):
        serve([Doing("broken", break_down)], CLOCK, heard.tellers(), heard.stop)
    heard.stop.set()
    assert "DOE" not in "".join(capsys.readouterr())
