"""Does jobs in processes forked from this one, which has imported everything: a start costs milliseconds.

A line on standard input is JSON: {"job", "arguments", "out", "err"}; the answer to each is a line with the
status of the process that did it, whose output went to the two files.

Jobs with a mark are killed hard at it. A mark is a step and how often it was there before, such as
"sealed:1": the second patient was sealed, and nothing is published yet. Without a number, the first one.
Mirrors tell no steps: there "touched:7" is the eighth time that the process is about to open for writing,
make, move, link or remove a file below the first mirror's folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import one_night
from forked import OBJECTS_A_BATCH

from beamkeeper.app.cli.main import main as command_line
from beamkeeper.app.jobs.copying import run_copies
from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.app.jobs.mirroring import run_mirrors
from beamkeeper.app.jobs.retaining import retain
from beamkeeper.app.site import load_site
from beamkeeper.app.site_mirrors import DirectoryMirror
from beamkeeper.clock import MovableClock
from beamkeeper.protect.copies import batch

if TYPE_CHECKING:
    from collections.abc import Callable

    OnStep = Callable[[str], None]

TOUCHES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir"})
FAILED = 99


def killed_at(mark: str) -> OnStep:
    """Return what kills this process at a mark."""
    seen: Counter[str] = Counter()
    step, _, number = mark.partition(":")

    def on_step(name: str) -> None:
        if name == step and seen[name] == int(number or 0):
            os.kill(os.getpid(), signal.SIGKILL)
        seen[name] += 1

    return on_step


def hour(site_file: str, at: str, mark: str) -> int:
    run_hour(load_site(Path(site_file)), clock_at(at), on_step=killed_at(mark))
    return 0


def retention(site_file: str, at: str, mark: str) -> int:
    retain(load_site(Path(site_file)), clock_at(at), on_step=killed_at(mark))
    return 0


def copies(site_file: str, at: str, mark: str) -> int:
    vars(batch)["BATCH_OBJECTS_MAX"] = OBJECTS_A_BATCH
    site = load_site(Path(site_file))
    for _ in run_copies(site, clock_at(at), site.copies, on_step=killed_at(mark)):
        pass
    return 0


def mirrors(site_file: str, at: str, mark: str) -> int:
    site, on_step = load_site(Path(site_file)), killed_at(mark)
    section = site.mirrors[0]
    assert isinstance(section, DirectoryMirror)
    folder = str(section.path.resolve())

    sys.addaudithook(lambda event, items: _touch(event, items, folder, on_step))
    for _ in run_mirrors(site, clock_at(at), site.mirrors):
        pass
    return 0


def nights(*arguments: str) -> int:
    return one_night.run(*arguments)


def command(folder: str, *arguments: str) -> int:
    os.chdir(folder)
    os.environ.pop("SUDO_USER", None)
    sys.argv = ["beamkeeper", *arguments]
    try:
        command_line()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def touching(below: str, mark: str, *arguments: str) -> int:
    """Run a command, killed at a touch of what lies below a folder."""
    on_step = killed_at(mark)
    sys.addaudithook(lambda event, items: _touch(event, items, below, on_step))
    return command(below, *arguments)


def _touch(event: str, items: tuple[Any, ...], below: str, on_step: OnStep) -> None:
    is_written = event == "open" and items[2] & (os.O_WRONLY | os.O_RDWR)
    if event in TOUCHES or is_written:
        paths = [os.path.realpath(item) for item in items if isinstance(item, str | Path)]
        if any(path.startswith(below) for path in paths):
            on_step("touched")


def clock_at(instant: str) -> MovableClock:
    return MovableClock(datetime.fromisoformat(instant))


JOBS: dict[str, Callable[..., int]] = {
    job.__name__: job for job in (hour, retention, copies, mirrors, nights, command, touching)
}


def do(job: str, arguments: list[str], out: str, err: str) -> int:
    """Do a job in this process, its output in files."""
    for path, number in ((out, 1), (err, 2)):
        with Path(path).open("wb") as file:
            os.dup2(file.fileno(), number)
    try:
        return JOBS[job](*arguments)
    except BaseException:  # noqa: BLE001 - whatever it is, it is told, and this process never goes on below
        traceback.print_exc()
        return FAILED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(do(**json.loads(line)))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
