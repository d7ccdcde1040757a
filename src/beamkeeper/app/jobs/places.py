"""What mirrors and stores of plain DICOM have in common as places elsewhere: a lock, the network, words."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.network import network
from beamkeeper.errors import AlreadyRunning, WindowUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from contextlib import ExitStack
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.protect.copies import CopyOutcome
    from beamkeeper.protect.mirror import Outcome

BUSY: Final = "Another Beamkeeper process works on it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one place stands after its last run.

    Attributes
    ----------
    facts
        What the last run told: see `Outcome` and `CopyOutcome`.
    """

    name: str
    kind: str
    where: str
    tried_at: datetime | None
    waiting_since: datetime | None
    facts: dict[str, object]


@contextmanager
def place_lock(site: Site, key: str) -> Iterator[bool]:
    """Hold the lock of one place, or yield False; freed by the kernel if we die."""
    lock = os.open(site.data_dir / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        is_ours = False
    else:
        is_ours = True
    try:
        yield is_ours
    finally:
        os.close(lock)


def open_network(
    held: ExitStack, site: Site, clock: Clock, minutes: Collection[int]
) -> WindowUnavailable | None:
    """Hold the network for the longest of some runs, if any needs it; return why it does not open."""
    if not minutes:
        return None
    try:
        held.enter_context(network(site, clock.now() + timedelta(minutes=max(minutes))))
    except WindowUnavailable as error:
        return error
    return None


def why(facts: Mapping[str, object]) -> str:
    """Return the first thing that a run found, or why it ended."""
    problems = facts.get("problems")
    if isinstance(problems, list) and problems:
        return str(problems[0]["text"])
    return str(facts.get("error") or "something is still to be sent.")


def since(instant: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant as people at the site read it."""
    return "the beginning" if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def line_of(outcome: Outcome | CopyOutcome) -> str:
    """Return how a run over a place ended, for the log of `serve`.

    Raises
    ------
    AlreadyRunning
        It was not tried, because another process is at it.
    """
    if not outcome.was_tried:
        raise AlreadyRunning(outcome.error, do_next=outcome.do_next)
    said = f"{outcome.state.value}, {outcome.sent_count} sent, {outcome.waiting_count} waiting"
    first = next((problem.text for problem in outcome.problems), outcome.error)
    return f"{said}: {first}" if first else said
