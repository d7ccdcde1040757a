"""The archive as a process of its own: `python -m beamkeeper.rehearse.sim.archive_main`.

The parent writes one JSON object a line to its standard input and reads one a line back: first the
configuration, then commands. When the input ends, because the parent stopped it or died, it ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TextIO

from beamkeeper.rehearse.sim.archive import Archive, Faults

COMMAND_LENGTH_MAX = 1 << 16


def serve(commands: TextIO, answers: TextIO) -> None:
    """Run an archive until `commands` ends."""
    settings = json.loads(commands.readline(COMMAND_LENGTH_MAX))
    archive = Archive(
        Path(settings["folder"]),
        ae_title=settings["ae_title"],
        port=settings["port"],
        destinations={title: (host, port) for title, (host, port) in settings["destinations"].items()},
        calling_ae_titles=tuple(settings["calling_ae_titles"]),
    )
    with archive:
        _answer(answers, {"port": archive.port})
        while line := commands.readline(COMMAND_LENGTH_MAX):
            _answer(answers, _obey(archive, json.loads(line)))


def _obey(archive: Archive, command: dict[str, Any]) -> dict[str, Any]:
    """Carry out one command of the parent."""
    match command:
        case {"rescan": True}:
            return {"objects": archive.rescan()}
        case {"destination": [str(title), str(host), int(port)]}:
            archive.add_destination(title, host, port)
            return {}
        case {"faults": dict(faults)}:
            archive.set_faults(Faults(**faults))
            return {}
    raise ValueError(f"the archive knows no command {sorted(command)}")


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    try:
        serve(sys.stdin, sys.stdout)
    except KeyboardInterrupt:
        sys.exit(130)  # Ctrl-C reaches the whole process group; the parent tells the story
