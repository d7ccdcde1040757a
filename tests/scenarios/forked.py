"""Jobs of a site in processes of their own that start in no time and can be killed hard: see `forking`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from night_site import SmallSite

DRIVER = Path(__file__).with_name("forking.py")
OBJECTS_A_BATCH = 4
"""So that plain copies of small patients go in several batches."""


@dataclass(frozen=True)
class Forks:
    """A process that forks one for every job.

    Attributes
    ----------
    folder
        What jobs say is written there.
    """

    process: subprocess.Popen[str]
    folder: Path

    def run(self, job: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Do a job and return how its process ended, and what it said."""
        out, err = self.folder / "out", self.folder / "err"
        line = json.dumps({"job": job, "arguments": arguments, "out": str(out), "err": str(err)})
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        status = int(self.process.stdout.readline())
        return subprocess.CompletedProcess(
            [job, *arguments], status, out.read_text("utf-8"), err.read_text("utf-8")
        )

    def is_killed(self, job: str, site: SmallSite, at: datetime, mark: str) -> bool:
        """Do a job that is killed at a mark; return False when it came to its end before."""
        done = self.run(job, str(site.site_file), at.isoformat(), mark)
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        return done.returncode != 0

    def command(self, site: SmallSite, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `beamkeeper` on a site."""
        return self.run("command", str(site.root), *arguments, "--site", str(site.site_file))


@contextmanager
def forks(folder: Path) -> Iterator[Forks]:
    """Start the process that forks; it ends with the block."""
    command = [sys.executable, str(DRIVER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Forks(process, folder)
