"""One process of `workers.Workers`: it opens parcels until its standard input closes."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

from beamkeeper.errors import BeamkeeperError
from beamkeeper.vault.local import LocalStore
from beamkeeper.vault.metadata import ParcelEntry
from beamkeeper.vault.restoring import restore_patient
from beamkeeper.vault.verifying import verify_patient

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

TASKS_AHEAD_MAX: Final = 4


class _Ended(BaseException):
    """Whoever gave the tasks is gone, or wants no more."""


def main() -> int:
    """Answer one line for each line of standard input; stop at once, and tidily, when it closes."""
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    try:
        start = json.loads(sys.stdin.buffer.readline() or "null")
        if start is None:
            return 0
        tasks: queue.Queue[bytes] = queue.Queue(TASKS_AHEAD_MAX)
        threading.Thread(target=_listen, args=(sys.stdin.buffer, tasks), daemon=True).start()
        answer = _answerer(start)
        while True:
            sys.stdout.buffer.write(json.dumps(answer(json.loads(tasks.get()))).encode() + b"\n")
            sys.stdout.buffer.flush()
    except (_Ended, BrokenPipeError):
        # What was half done is tidied up; leave without touching the pipes that are gone.
        os._exit(0)


def _listen(source: IO[bytes], tasks: queue.Queue[bytes]) -> None:
    while line := source.readline():
        tasks.put(line)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # tidying up is not interrupted
    raise _Ended


def _answerer(start: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, object]]:
    device, inode = start["identity"]
    store = LocalStore(Path(start["root"]), identity=(device, inode))
    listed = (
        ParcelEntry(path=path, sha256=sha256, size_bytes=size_bytes)
        for path, sha256, size_bytes in start["entries"]
    )
    entries = {entry.path: entry for entry in listed}
    identities = tuple(start["identities"])

    def answer(task: dict[str, Any]) -> dict[str, object]:
        try:
            if task["work"] == "restore":
                restored = restore_patient(
                    store,
                    entries[task["newest"]],
                    entries,
                    identities=identities,
                    out_dir=Path(task["out_dir"]),
                    everything=task["everything"],
                )
                return _plain(asdict(restored))
            mine = [entries[path] for path in task["paths"]]
            opened = verify_patient(store, mine, identities, moved=task["moved"])
            return _plain(asdict(opened))
        except BeamkeeperError as error:
            said = {"kind": type(error).__name__, "message": error.message, "do_next": error.do_next}
            return {"error": {**said, "facts": _plain(error.facts)}}

    return answer


def _plain(facts: dict[str, object]) -> dict[str, object]:
    """Return facts as JSON holds them: a path or a date becomes text."""
    plain = json.loads(json.dumps(facts, default=str))
    assert isinstance(plain, dict)  # noqa: S101 - our own facts
    return plain


if __name__ == "__main__":
    sys.exit(main())
