"""Pages of the incident room with thousands of patients, beside the same pages with few, in one run.

    python bench/room.py [--patients 2000] [--few 20] [--rounds 5] [--json FILE]

Two incidents of an invented department are declared and placed, each is served by the room's own server, and
every page that lists patients is asked for in turn by somebody who came in. Seconds are on the clock, from
the question to the last byte; what counts is how many times longer the large one takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.console_house.clock import FileClock
from tests.room_house.incident import LATER, make_incident, patient
from tests.room_house.placing import make_placement
from tests.room_house.server import room_server
from tests.room_house.visitor import Visitor

PAGES = ("", "wall/", "patients/", "order/", "places/", "places/board/", "elsewhere/", "todo/", "journal/")


def visitor_of(stack: ExitStack, root: Path, patients: int) -> Visitor:
    """Return somebody who came into the room of so many patients."""
    persons = tuple(patient(number) for number in range(patients))
    folder = make_incident(root / "incident", persons)
    make_placement(folder)
    clock = FileClock(root / "clock")
    clock.move_to(LATER)
    visitor = Visitor(stack.enter_context(room_server(folder, clock)))
    visitor.open()
    visitor.sign_in("an")
    return visitor


def seconds_of(visitor: Visitor, page: str) -> float:
    begun = time.perf_counter()
    answer = visitor.get(f"/{page}")
    taken = time.perf_counter() - begun
    if answer.status != 200:
        raise SystemExit(f"/{page} answered {answer.status}")
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--few", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with ExitStack() as stack:
        visitors = {}
        for patients in (given.few, given.patients):
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            visitors[patients] = visitor_of(stack, root, patients)
        found = {}
        for page in PAGES:
            taken: dict[int, list[float]] = {patients: [] for patients in visitors}
            for _ in range(given.rounds):
                for patients, visitor in visitors.items():
                    taken[patients].append(seconds_of(visitor, page))
            few, many = (statistics.median(taken[patients]) for patients in visitors)
            found[f"/{page}"] = {
                "few_s": round(few, 3),
                "many_s": round(many, 3),
                "times": round(many / few, 1),
            }
    text = json.dumps({"patients": given.patients, "few": given.few, "pages": found}, indent=2)
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
