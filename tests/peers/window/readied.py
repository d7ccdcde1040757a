"""Watchdogs that start in no time: forked from a process that has imported everything, into a namespace.

Started anew each would import for a second and a half of the processor's time. What is started from outside,
by systemd's rules or by the command, is no concern of this: see `Ground.guard`.

A line on standard input is JSON: {"do", ...}; the answer to each is a line of JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLONE_NEWNET = 0x40000000


@dataclass
class ReadiedGuard:
    """A watchdog's process, with what is used of `subprocess.Popen`."""

    readied: Readied
    pid: int
    returncode: int | None = None
    stdin: None = None
    stdout: None = None

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        if self.returncode is None:
            self.returncode = self.readied.ask(do="poll", pid=self.pid)
        return self.returncode

    def wait(self) -> int:
        """Wait for its end and return its status."""
        if self.returncode is None:
            self.returncode = self.readied.ask(do="wait", pid=self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass(frozen=True)
class Readied:
    """The process that forks."""

    process: subprocess.Popen[str]

    def guard(self, space: str, site_file: Path, stderr: IO[str]) -> ReadiedGuard:
        """Start a watchdog in a namespace, with this process's environment."""
        words = {"space": space, "site_file": str(site_file), "said": stderr.name}
        return ReadiedGuard(self, self.ask(do="start", environment=dict(os.environ), **words))

    def ask(self, **words: object) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def readied() -> Iterator[Readied]:
    """Start the process that forks; it ends with the block."""
    command = [sys.executable, "-I", __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Readied(process)


def start(*, space: str, site_file: str, said: str, environment: dict[str, str]) -> int:
    from beamkeeper.app import window_main  # the process that forks has it already

    child = os.fork()
    if child:
        return child
    status = 1
    try:
        enter(space)
        for number, path in ((0, os.devnull), (1, said), (2, said)):
            os.dup2(os.open(path, os.O_RDWR | os.O_APPEND), number)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = [window_main.__file__, "--site", site_file]
        status = window_main.main()
    except BaseException:  # noqa: BLE001 - it is told, and this process never goes on below
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def enter(space: str) -> None:
    """Go on in a network namespace; Python has a word for it since 3.12."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(os.open(f"/run/netns/{space}", os.O_RDONLY | os.O_CLOEXEC), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def ended(pid: int, options: int = 0) -> int | None:
    found, status = os.waitpid(pid, options)
    return os.waitstatus_to_exitcode(status) if found else None


def main() -> None:
    from beamkeeper.app import window_main  # noqa: F401 - so that no child has to

    for line in sys.stdin:
        words = json.loads(line)
        match words.pop("do"):
            case "start":
                answer = start(**words)
            case "poll":
                answer = ended(words["pid"], os.WNOHANG)
            case _:
                answer = ended(words["pid"])
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
