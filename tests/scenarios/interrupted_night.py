"""A night in a process of its own, with steps that only count: `DIR` `interrupted` or `whole`.

Interrupted, Ctrl-C comes while the first patient is looked at, and the process lives on for a moment, as it
does while its last lines are printed: long enough for its threads to ask for the next step.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import date
from pathlib import Path

from beamkeeper.app.jobs import durable

PATIENTS = ["a", "b", "c", "d"]
LOOKED_AT = "looked-at"
LIVES_ON_S = 2.0
INTERRUPTED = 130


class Steps:
    """Steps of a night that do nothing but write down that they were done."""

    def __init__(self, folder: Path, *, is_interrupted: bool) -> None:
        self._folder, self._is_interrupted = folder, is_interrupted

    def open(self) -> durable.Facts:
        return {"apart": False}

    def census(self) -> durable.Facts:
        return {"pseudonyms": PATIENTS}

    def look(self, pseudonym: str) -> durable.Facts:
        if self._is_interrupted and pseudonym == PATIENTS[0]:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(LIVES_ON_S / 2)
        with (self._folder / LOOKED_AT).open("a") as file:
            file.write(f"{pseudonym}\n")
        return {}

    def judge(self) -> durable.Facts:
        return {"alarm": "nothing is sealed here"}

    def report(self) -> durable.Facts:
        return {"outcome": "complete"}

    def close(self) -> durable.Facts:
        return {}


def main(folder: Path, how: str) -> None:
    """Run it; end at once when it was interrupted, as the program does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is born deaf to it
    try:
        facts = durable.run(
            Steps(folder, is_interrupted=how == "interrupted"),  # type: ignore[arg-type]
            site="site-0123456789abcdef",
            run_on=date(2026, 3, 2),
            anew=False,
            jobs_url=f"sqlite:///{folder}/jobs.db",
            parallel_patients=1,
        )
    except KeyboardInterrupt:
        time.sleep(LIVES_ON_S)
        os._exit(INTERRUPTED)
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
