"""The collector's duties, side by side: each in a thread of its own, none waits for another.

A duty says how long it can wait and does its work when due. What goes wrong is told and tried again;
it ends neither this duty nor the others.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beamkeeper.clock import Clock

LOOK_AGAIN_S = 30.0
"""Clocks are set and machines sleep: nobody waits longer than this without looking at the time."""
PAUSE_S = 1.0


class Duty(Protocol):
    """One thing the collector does again and again."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def retry_s(self) -> float:
        """How long to wait after it failed, seconds."""

    def wait_s(self, clock: Clock) -> float:
        """Return how long nothing is due, seconds; 0 when something is due now."""

    def work(self, clock: Clock) -> str:
        """Do what is due; return one line for the log, "" when nothing is worth one.

        Raises
        ------
        BeamkeeperError
            It failed; it is told and tried again.
        """


@dataclass(frozen=True, slots=True)
class Tellers:
    """Who hears of a duty: its line when it is done, its error when it failed."""

    done: Callable[[str, str], None]
    failed: Callable[[str, BeamkeeperError], None]


def serve(duties: Sequence[Duty], clock: Clock, tell: Tellers, stop: threading.Event) -> None:
    """Do all duties until `stop` is set; their threads end with the process.

    Raises
    ------
    BaseException
        A duty ended on a mistake of ours: what it raised. The service manager starts all anew.
    """
    broken: list[BaseException] = []

    def note(args: threading.ExceptHookArgs) -> None:  # not printed: it may quote a patient's data
        broken.append(args.exc_value or RuntimeError(args.exc_type.__name__))

    before, threading.excepthook = threading.excepthook, note
    try:
        for duty in duties:
            arguments = (duty, clock, tell, stop)
            threading.Thread(target=_attend, args=arguments, name=duty.name, daemon=True).start()
        while not broken and not stop.wait(PAUSE_S):
            pass
    finally:
        threading.excepthook = before
    if broken:
        raise broken[0]


def _attend(duty: Duty, clock: Clock, tell: Tellers, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            wait_s = min(duty.wait_s(clock), LOOK_AGAIN_S)
            if wait_s <= 0:
                line = duty.work(clock)
                if line:
                    tell.done(duty.name, line)
                wait_s = PAUSE_S
        except BeamkeeperError as error:
            tell.failed(duty.name, error)
            wait_s = duty.retry_s
        stop.wait(wait_s)
