"""An archive in a process of its own, so that it takes no time from the process that is being rehearsed."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

from beamkeeper.errors import SourceUnavailable
from beamkeeper.rehearse.sim.holdings import Holdings, Stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from beamkeeper.rehearse.sim.archive import Faults

_ANSWER_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0


class ArchiveProcess:
    """The same archive as `Archive`, run by another process; ends when this process does.

    Parameters
    ----------
    folder, ae_title, port, destinations, calling_ae_titles
        As for `Archive`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ae_title: str = "SIMARCHIVE",
        port: int = 0,
        destinations: Mapping[str, tuple[str, int]] | None = None,
        calling_ae_titles: tuple[str, ...] = (),
    ) -> None:
        self.ae_title = ae_title
        self.host = "127.0.0.1"
        self.port = port
        self._folder = folder
        self._destinations = dict(destinations or {})
        self._calling_ae_titles = calling_ae_titles
        self._holdings = Holdings(folder)
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process and wait until it listens.

        Raises
        ------
        SourceUnavailable
            It did not come up.
        """
        self._holdings.rescan()
        program = [sys.executable, "-m", "beamkeeper.rehearse.sim.archive_main"]
        self._process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for us, and we end it: it must not vanish in mid-work
        )
        settings = {
            "folder": str(self._folder),
            "ae_title": self.ae_title,
            "port": self.port,
            "destinations": self._destinations,
            "calling_ae_titles": self._calling_ae_titles,
        }
        try:
            self.port = int(self._ask(settings)["port"])
        except SourceUnavailable:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None or process.stdin is None or process.stdout is None:
            return
        try:
            process.stdin.close()
            process.wait(_STOP_TIMEOUT_S)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            process.kill()
            process.wait()
        finally:
            process.stdout.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def set_faults(self, faults: Faults) -> None:
        """Misbehave from now on as said."""
        self._ask({"faults": asdict(faults)})

    def add_destination(self, ae_title: str, host: str, port: int) -> None:
        """Allow C-MOVE to one more place, also before `start`."""
        self._destinations[ae_title] = (host, port)
        if self._process is not None:
            self._ask({"destination": [ae_title, host, port]})

    def rescan(self) -> int:
        """Look at the folder again; return how many objects there are."""
        count = self._holdings.rescan()
        return int(self._ask({"rescan": True})["objects"]) if self._process is not None else count

    def store(self, data: bytes) -> str:
        """Add or replace one object; return its SOP Instance UID."""
        uid = self._holdings.put(data)
        self.rescan()
        return uid

    def remove(self, sop_instance_uid: str) -> None:
        """Delete one object."""
        self._holdings.remove(sop_instance_uid)
        self.rescan()

    def uids_of(self, patient_id: str) -> tuple[str, ...]:
        """Return the SOP Instance UIDs of everything held for one Patient ID."""
        return self._holdings.uids_of(patient_id)

    def stored(self, sop_instance_uid: str) -> Stored | None:
        """Return what is held under that UID; None when nothing is."""
        return self._holdings.find(sop_instance_uid)

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send one line and return the answer's object."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise SourceUnavailable("the simulated archive is not running", do_next="Start it first.")
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        except BrokenPipeError as error:
            raise SourceUnavailable("the simulated archive has ended on its own") from error
        ready, _, _ = select.select([process.stdout], [], [], _ANSWER_TIMEOUT_S)
        line = process.stdout.readline() if ready else ""
        if not line:
            raise SourceUnavailable(
                "the simulated archive gave no answer",
                do_next="Look at what it printed on its error output.",
                timeout_s=_ANSWER_TIMEOUT_S,
            )
        answer: dict[str, Any] = json.loads(line)
        return answer
