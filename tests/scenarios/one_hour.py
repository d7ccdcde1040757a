"""Looks once in a process that kills itself hard at a step mark.

Usage: one_hour.py SITE_FILE INSTANT MARK

MARK is a step and how often it was there before, such as "sealed:1": the second patient was sealed, and
nothing is published yet.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.app.site import load_site
from beamkeeper.clock import MovableClock

STEPS = ("found", "brought", "sealed:0", "sealed:1", "published", "taken:0", "taken:1", "noted")
_seen: Counter[str] = Counter()


def on_step(name: str) -> None:
    if sys.argv[3] in {name, f"{name}:{_seen[name]}"}:
        os.kill(os.getpid(), signal.SIGKILL)
    _seen[name] += 1


if __name__ == "__main__":
    clock = MovableClock(datetime.fromisoformat(sys.argv[2]))
    run_hour(load_site(Path(sys.argv[1])), clock, on_step=on_step)
