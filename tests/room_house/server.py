"""The room's own server in a process of its own, with a clock that a test moves by writing a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.console_house.clock import FileClock
from tests.listening import free_port, wait_for_port

from beamkeeper.app.web.room.serving import Place, Undeclared, place, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.jobs.incident_folder import IncidentFolder

TOKEN = "a-token-of-the-tests"
ENDS_WITHIN_S = 60


@dataclass(frozen=True)
class Served:
    """A room that is served."""

    folder: IncidentFolder
    clock: FileClock
    where: Place

    @property
    def first_address(self) -> str:
        return f"{self.where.address}open/{TOKEN}/"


@contextmanager
def room_server(
    folder: IncidentFolder, clock: FileClock, listen: str = "127.0.0.1", *, vault: Path | str = ""
) -> Iterator[Served]:
    """Serve the pages of an incident while the block runs, or declaring it from the copy `vault` first."""
    where = place(listen, free_port())
    log = folder.path.parent / "room.log"
    command = [
        sys.executable,
        "-m",
        "tests.room_house.server",
        folder.path,
        clock.path,
        listen,
        where.port,
        vault,
    ]
    root = Path(__file__).resolve().parents[2]
    with log.open("wb") as out:
        process = subprocess.Popen(
            list(map(str, command)), stdout=out, stderr=out, cwd=root, env=os.environ | {"TZ": "UTC"}
        )
    try:
        try:
            wait_for_port(where.port, process)
        except RuntimeError as error:
            raise RuntimeError(log.read_text()) from error
        yield Served(folder, clock, where)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=ENDS_WITHIN_S)


if __name__ == "__main__":
    path, clock_path, address, port, copy = sys.argv[1:]
    undeclared = Undeclared(vault=Path(copy), zone_name="Europe/Brussels") if copy else None
    serve(Path(path), place(address, int(port)), TOKEN, FileClock(Path(clock_path)), undeclared)
