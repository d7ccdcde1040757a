"""A few processes that open parcels side by side: within one, Python's lock lets one open at a time.

Each process is told on its standard input where the vault lies and what opens it, then one task a line,
and answers one line each. No secret stands in an argument or in the environment. Whoever closes that
input, by ending or by being killed, ends the process: it tidies up and leaves.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Self

from beamkeeper import errors
from beamkeeper.errors import BeamkeeperError
from beamkeeper.vault.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beamkeeper.vault.metadata import ParcelEntry
    from beamkeeper.vault.store import ParcelStore

WORKERS_MAX: Final = 8
"""More would wait for one disk."""
WORTH_BYTES: Final = 64 << 20
"""Sealed bytes below which starting processes (a quarter of a second of work each) does not pay."""
ANSWER_BYTES_MAX: Final = 64 << 20
"""Longest answer to one task: a sentence for each of a patient's files."""
STOP_LIMIT_S: Final = 5.0

Answer = dict[str, Any]


class WorkerEnded(BeamkeeperError):
    """A process that opened parcels ended before it answered."""


def worker_count(store: ParcelStore, entries: Sequence[ParcelEntry], task_count: int) -> int:
    """Return how many processes are worth starting; 0 to work in this one."""
    cores = len(os.sched_getaffinity(0))
    size_bytes = sum(entry.size_bytes for entry in entries)
    if not isinstance(store, LocalStore) or min(cores, task_count) < 2 or size_bytes < WORTH_BYTES:  # noqa: PLR2004
        return 0
    return min(cores, task_count, WORKERS_MAX)


class Workers:
    """The processes; a context manager that ends them, in the middle of their work if need be.

    Parameters
    ----------
    entries
        Every parcel of the vault: tasks name them by path.
    identities
        age identities that open parcels.
    """

    def __init__(
        self, store: LocalStore, entries: Iterable[ParcelEntry], identities: Sequence[str], *, count: int
    ) -> None:
        start = {
            "root": os.fspath(store.root),
            "identity": store.identity,
            "identities": list(identities),
            "entries": [[entry.path, entry.sha256, entry.size_bytes] for entry in entries],
        }
        self._start_line = _line(start)
        self._count = count
        self._processes: list[subprocess.Popen[bytes]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="worker")
        self._stopping = False

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that were started."""
        return tuple(process.pid for process in self._processes)

    def __enter__(self) -> Self:
        try:
            for _ in range(self._count):
                self._idle.put(self._start())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def run(self, tasks: Iterable[object]) -> Iterator[Answer | BeamkeeperError]:
        """Yield the answer to each task, in order; an error of ours is an answer, too."""
        waiting: deque[Future[Answer | BeamkeeperError]] = deque()
        for task in tasks:
            waiting.append(self._pool.submit(self._ask, _line(task)))
            if len(waiting) > 2 * self._count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "beamkeeper.vault.worker_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us: closing its input ends it
        )
        self._processes.append(process)
        assert process.stdin is not None, "a pipe was asked for"  # noqa: S101
        with contextlib.suppress(BrokenPipeError):  # it has ended: the first task finds out
            process.stdin.write(self._start_line)
            process.stdin.flush()
        return process

    def _ask(self, task: bytes) -> Answer | BeamkeeperError:
        process = self._idle.get()
        try:
            assert process.stdin is not None, "a pipe was asked for"  # noqa: S101
            assert process.stdout is not None, "a pipe was asked for"  # noqa: S101
            answer = b""
            with contextlib.suppress(BrokenPipeError, ValueError):  # ended, or closed by `_stop`
                process.stdin.write(task)
                process.stdin.flush()
                answer = process.stdout.readline(ANSWER_BYTES_MAX)
            if answer.endswith(b"\n"):
                return _understood(json.loads(answer))
            if not self._stopping:
                process = self._replaced(process)
            return WorkerEnded(
                "The process that opened this patient's parcels ended before its time.",
                do_next="Look for a lack of memory in the system's log, then repeat.",
            )
        finally:
            self._idle.put(process)

    def _replaced(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        _end(process)
        return self._start()

    def _stop(self) -> None:
        self._stopping = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
        for process in self._processes:
            _end(process)
        self._pool.shutdown()


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _understood(answer: Answer) -> Answer | BeamkeeperError:
    said = answer.get("error")
    if said is None:
        return answer
    kind: type[BeamkeeperError] = getattr(errors, said["kind"])
    return kind(said["message"], do_next=said["do_next"], **said["facts"])
