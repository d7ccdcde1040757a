"""The console's own server in a process of its own, with a clock that a test moves by writing a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import Argon2PasswordHasher
from tests.console_house.clock import FileClock

from beamkeeper.app.site import load_site
from beamkeeper.app.web.serving import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.console_house.house import House

STARTED_WITHIN_S = 60


@contextmanager
def console_server(house: House, clock: FileClock) -> Iterator[None]:
    """Serve the pages of a house while the block runs."""
    log = house.site.data_dir / "server.log"
    command = [sys.executable, "-m", "tests.console_house.server", str(house.site_file), str(clock.path)]
    root = Path(__file__).resolve().parents[2]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=root, env=os.environ | {"TZ": "UTC"})
    try:
        _wait(house, process, log)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=STARTED_WITHIN_S)


def _wait(house: House, process: subprocess.Popen[bytes], log: Path) -> None:
    from tests.console_house.visitor import Visitor

    end = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            Visitor(house).get("/login/")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(log.read_text())


if __name__ == "__main__":
    # Each look at one took a quarter of a second of CPU; test_passwords.py holds what it costs people.
    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost = 1, 64
    serve(load_site(Path(sys.argv[1])), Path(sys.argv[1]), FileClock(Path(sys.argv[2])))
