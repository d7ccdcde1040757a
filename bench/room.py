"""Pages of the incident room with thousands of patients, beside the same pages with few, in one run.

    python bench/room.py [--patients 2000] [--few 20] [--rounds 5] [--before OTHER/src] [--json FILE]

Two incidents of an invented department are declared and placed, each is served by the room's own server, and
every page that lists patients is asked for in turn by somebody who came in. Seconds are on the clock, from
the question to the last byte; what counts is how many times longer the large one takes, and how long it takes
right after somebody wrote a note. With `--before`, another tree's code serves the large incident, too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.console_house.clock import FileClock
from tests.room_house.incident import LATER, make_incident, patient
from tests.room_house.placing import make_placement
from tests.room_house.server import room_server
from tests.room_house.visitor import Visitor

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.respond.incident import Deed

PAGES = ("", "wall/", "patients/", "order/", "places/", "places/board/", "elsewhere/", "todo/", "journal/")


def made(root: Path, patients: int) -> IncidentFolder:
    """Declare an incident of so many patients, and place them."""
    folder = make_incident(root / "incident", tuple(patient(number) for number in range(patients)))
    make_placement(folder)
    return folder


def visitor_of(stack: ExitStack, folder: IncidentFolder, before: Path | None = None) -> Visitor:
    """Return somebody who came into the room of an incident; `before`: as another tree's code serves it."""
    clock = FileClock(folder.path.parent / "clock")
    clock.move_to(LATER)
    with mock.patch.dict(os.environ, {"PYTHONPATH": str(before.resolve())} if before else {}):
        visitor = Visitor(stack.enter_context(room_server(folder, clock)))
    visitor.open()
    visitor.sign_in("an")
    return visitor


def after_a_note(visitor: Visitor, page: str) -> float:
    write(visitor.served.folder, Deed.NOTED, by="An Peeters", at=LATER, said="coffee is in the corridor")
    return seconds_of(visitor, page)


def seconds_of(visitor: Visitor, page: str) -> float:
    begun = time.perf_counter()
    answer = visitor.get(f"/{page}")
    taken = time.perf_counter() - begun
    if answer.status != 200:
        raise SystemExit(f"/{page} answered {answer.status}")
    return taken


def measured(visitors: dict[str, Visitor], page: str, rounds: int) -> dict[str, float]:
    """Return the seconds of a page in each room, in turn; and right after a note."""
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, visitor in visitors.items():
            taken.setdefault(f"{name}_s", []).append(seconds_of(visitor, page))
            taken.setdefault(f"{name}_after_a_note_s", []).append(after_a_note(visitor, page))
    median = {name: round(statistics.median(times), 3) for name, times in taken.items()}
    return median | {"times": round(median["many_s"] / median["few_s"], 1)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--few", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, help="another tree's src folder")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with ExitStack() as stack:
        folders = {
            name: made(Path(stack.enter_context(tempfile.TemporaryDirectory())), patients)
            for name, patients in (("few", given.few), ("many", given.patients))
        }
        visitors = {name: visitor_of(stack, folder) for name, folder in folders.items()}
        if given.before is not None:
            copied = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "incident"
            shutil.copytree(folders["many"].path, copied)
            visitors["before"] = visitor_of(stack, IncidentFolder.open(copied), given.before)
        found = {f"/{page}": measured(visitors, page, given.rounds) for page in PAGES}
    text = json.dumps({"patients": given.patients, "few": given.few, "pages": found}, indent=2)
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
