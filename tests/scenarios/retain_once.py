"""Runs retention in a process that kills itself hard at one step: retain_once.py SITE_FILE INSTANT STEP."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from beamkeeper.app.jobs.retaining import retain
from beamkeeper.app.site import load_site
from beamkeeper.clock import MovableClock


def main() -> int:
    site_file, instant, step = sys.argv[1:4]

    def on_step(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    retain(load_site(Path(site_file)), MovableClock(datetime.fromisoformat(instant)), on_step=on_step)
    return 0


if __name__ == "__main__":
    sys.exit(main())
