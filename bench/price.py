"""What one move by hand takes of the processor, on a board of thousands; beside another tree's, in one run.

    python bench/price.py [--patients 2000] [--sites 12] [--machines 2] [--ways 24] [--moves 30]
                          [--before OTHER/src] [--json FILE]

The instance is `bench/place.py`'s, with `--ways` machines for each patient; everybody is placed greedily.
Half of the moves name the first day, which the columns of the board do not have. With `--before`, this
program runs on the other tree's code too, three times each in turn, and says how much longer that takes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from beamkeeper.respond.placement import Instance, board_of, price
from beamkeeper.respond.placement.columns import columns_of
from beamkeeper.respond.placement.schedule import Schedule
from place import invented

TURNS = 3


def measured(instance: Instance, moves: int) -> dict[str, float]:
    columns = columns_of(instance)
    greedy = Schedule(columns)
    greedy.insert_all(range(len(instance.patient)), columns.cost)
    places = {}
    for one, column in zip(instance.patient, greedy.chosen, strict=True):
        machine = int(columns.machine[column])
        if machine < len(instance.machine):
            places[one.id] = (instance.machine[machine].id, columns.days[int(columns.first[column])])
    begun = time.process_time()
    board = board_of(instance, places)
    board_s = time.process_time() - begun
    chance, spent = np.random.default_rng(1), []
    for number in range(moves):
        patient = instance.patient[int(chance.integers(len(instance.patient)))]
        machine_id = patient.options[int(chance.integers(len(patient.options)))].machine
        day = columns.days[0 if number % 2 else int(chance.integers(3, 20))]
        begun = time.process_time()
        price(board, patient.id, machine_id, day)
        spent.append(1000 * (time.process_time() - begun))
    return {
        "patients": len(instance.patient),
        "columns": len(columns.cost),
        "board_s": round(board_s, 2),
        "price_ms_median": round(statistics.median(spent), 1),
        "price_ms_worst": round(max(spent), 1),
    }


def in_turn(before: Path) -> dict[str, object]:
    """Run this program on both trees in turn; the other's times over ours, by the medians of the turns."""
    arguments = [one for one in sys.argv[1:] if one != "--before" and one != str(before)]
    found: dict[str, list[dict[str, float]]] = {"before": [], "now": []}
    for _ in range(TURNS):
        for name, runs in found.items():
            path = {"PYTHONPATH": str(before.resolve())} if name == "before" else {}
            run = subprocess.run(
                [sys.executable, __file__, *arguments], env=os.environ | path, capture_output=True, check=True
            )
            runs.append(json.loads(run.stdout))
    median = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for name, runs in found.items()
    }
    ratios = {
        key: round(median["before"][key] / median["now"][key], 1)
        for key in ("board_s", "price_ms_median", "price_ms_worst")
    }
    return {**median, "before_over_now": ratios}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--sites", type=int, default=12)
    parser.add_argument("--machines", type=int, default=2)
    parser.add_argument("--ways", type=int, default=24)
    parser.add_argument("--moves", type=int, default=30)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.before:
        found: dict[str, object] = in_turn(given.before)
    else:
        found = dict(
            measured(invented(given.patients, given.sites, given.machines, 0, ways=given.ways), given.moves)
        )
    text = json.dumps(found, indent=2)
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
