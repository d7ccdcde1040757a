"""Many destinations at once, each with a worker of its own: a dead or slow one holds up no other."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.protect.mirror.outcome import MirrorState, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from beamkeeper.protect.mirror.mirroring import Mirroring

POLL_S: Final = 0.2
GRACE_S: Final = 10.0
"""How long a worker may take to end after its connection was cut, before it is left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run and how long its destination may be silent."""

    mirroring: Mirroring
    silence_s: float


def run_all(jobs: Sequence[Job], *, monotonic: Callable[[], float] = time.monotonic) -> Iterator[Outcome]:
    """Yield the outcome of each run as it ends.

    A destination through which no byte moved for its `silence_s` is cut off. A worker that does not end
    even then (a disk in a system call that never returns) is left behind and reported. A mistake of ours
    over one of them is raised when all others have ended.
    """
    mistake: BaseException | None = None
    done: queue.Queue[tuple[Job, Outcome | BaseException]] = queue.Queue()
    running = {id(job): job for job in jobs}
    cut_at: dict[int, float] = {}
    for job in jobs:
        threading.Thread(
            target=_work, args=(job, done), daemon=True, name=f"mirror-{job.mirroring.name}"
        ).start()
    while running:
        try:
            job, result = done.get(timeout=POLL_S)
        except queue.Empty:
            yield from _watch(running, cut_at, monotonic())
            continue
        if running.pop(id(job), None) is None:
            continue  # left behind already, and reported
        if isinstance(result, BaseException):
            mistake = mistake or result
        else:
            yield result
    if mistake is not None:
        raise mistake


def _work(job: Job, done: queue.Queue[tuple[Job, Outcome | BaseException]]) -> None:
    try:
        done.put((job, job.mirroring.run()))
    except BaseException as error:  # noqa: BLE001 - carried to the caller's thread and raised there
        done.put((job, error))


def _watch(running: dict[int, Job], cut_at: dict[int, float], now: float) -> Iterator[Outcome]:
    for key, job in list(running.items()):
        if key in cut_at:
            if now - cut_at[key] > GRACE_S:
                del running[key]
                yield Outcome(
                    destination=job.mirroring.name,
                    state=MirrorState.UNREACHABLE,
                    error=f"It gave no answer for {job.silence_s:.0f} s and could not be cut off.",
                    do_next="Check the disk or the mount; it is tried again.",
                )
        elif now - job.mirroring.pace.moved_at > job.silence_s:
            cut_at[key] = now
            job.mirroring.cut()
