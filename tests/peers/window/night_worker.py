"""Runs tonight's night as the worker would, and says at each step where the window stands.

night_worker.py SITE [KILL_AT]        KILL_AT is "step:phase": there the process kills itself
"""

import os
import signal
import sys
from pathlib import Path

from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.site import load_site
from beamkeeper.clock import SystemClock, local_date
from beamkeeper.protect.isolate import GuardedWindow

site = load_site(Path(sys.argv[1]))
kill_at = sys.argv[2] if len(sys.argv) > 2 else ""


def on_step(name, phase):
    state = GuardedWindow(site.window.socket).reading().state.value
    sys.stdout.write(f"{name}:{phase} {state}\n")
    sys.stdout.flush()
    if f"{name}:{phase}" == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)


clock = SystemClock()
report = run_night(site, clock, local_date(clock.now(), site.zone), on_step=on_step)
sys.stdout.write(f"outcome {report.outcome.value} {len(report.patients)}\n")
sys.stdout.write(f"remarks {report.remarks}\n")
