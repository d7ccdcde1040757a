"""Runs nights in processes that kill themselves hard at step marks, until one comes through: see `forking`.

KILL is "none", "every" (each mark of the night once, a new process after each) or marks such as
"seal:1:done,publish:0:begin" (the second patient to be sealed, its work done, its result not yet kept; then,
in a new process, the beginning of publishing). MARKS takes one line a step mark and one a kill.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from datetime import UTC, date, datetime, time
from pathlib import Path

from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.site import load_site
from beamkeeper.clock import MovableClock
from beamkeeper.errors import BeamkeeperError

KILLED = "killed-at"
KILLED_STATUS = 137
"""As a shell says it."""


class Marks:
    """Writes every step mark and kills this process at the one it is told."""

    def __init__(self, path: Path, kill: str) -> None:
        self._path, self._kill = path, set(kill.split(","))
        lines = [line.split() for line in path.read_text("utf-8").splitlines()]
        self._kept = Counter(name for name, _, phase in lines if phase == "kept" and name != KILLED)
        self._killed = {mark for name, mark, _ in lines if name == KILLED}
        self._begun: Counter[str] = Counter()

    def __call__(self, name: str, phase: str) -> None:
        if phase == "begin":
            self._begun[name] += 1
        elif not self._begun[name]:
            return  # a step that an earlier process finished: its result is only read again
        mark = f"{name}:{self._kept[name]}:{phase}"
        self._write(f"{name} {mark} {phase}")
        if phase == "kept":
            self._kept[name] += 1
            self._begun[name] -= 1
        if self._kill & {"every", mark} and mark not in self._killed:
            self._write(f"{KILLED} {mark} -")
            os.kill(os.getpid(), signal.SIGKILL)

    def _write(self, line: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def one_night(site_file: Path, day: date, marks: Path, kill: str) -> int:
    clock = MovableClock(datetime.combine(day, time(2), tzinfo=UTC))
    try:
        report = run_night(load_site(site_file), clock, day, on_step=Marks(marks, kill))
    except BeamkeeperError as error:
        sys.stderr.write(f"{type(error).__name__}: {error.message} {error.do_next}\n")
        return error.exit_status
    sys.stdout.write(json.dumps({"outcome": report.outcome.value}) + "\n")
    sys.stdout.flush()
    return 0


def run(site_file: str, day: str, marks: str, kill: str, processes: str) -> int:
    """Run a night in one process after the other until one is not killed; return how that one ended."""
    path = Path(marks)
    path.touch()
    for _ in range(int(processes)):
        child = os.fork()
        if not child:
            os._exit(one_night(Path(site_file), date.fromisoformat(day), path, kill))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return os.waitstatus_to_exitcode(status)
    return KILLED_STATUS
