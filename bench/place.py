"""Placing patients: prices with a bound beside greedy by priority and first come, on the same instances.

    python bench/place.py [--patients 300] [--sites 6] [--machines 2] [--seconds 60] [--seeds 1]
                          [--instance FILE] [--begun SHARE] [--highs] [--cp-sat] [--again] [--json FILE]

Instances are invented: each site with so many machines of 4 to 9 slots a day for six weeks, each patient with
3 to 30 fractions left and two to eight machines of class A to D. `--instance` takes one that was drafted
instead: placement/version-N/instance.json of an incident. With `--begun`, that share of the patients have
begun where greedy placed them, and stay there in every way of placing the others. Everybody's cost is counted
by the same columns.
HiGHS (`--highs`) and CP-SAT (`--cp-sat`) are baselines, too: from scratch, on all the same columns, with as
many seconds; and CP-SAT once more in the place of HiGHS in ours. With `--again`, how many places change when
a machine has a slot a day less, solved again from the placement before and anew.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beamkeeper.respond.placement import Instance, board_of, price, read_instance, solve
from beamkeeper.respond.placement.columns import Columns, columns_of
from beamkeeper.respond.placement.program import by_cp_sat, by_highs, program_of
from beamkeeper.respond.placement.schedule import Schedule

if TYPE_CHECKING:
    from beamkeeper.respond.placement import Placement
    from beamkeeper.respond.placement.board import Place
    from beamkeeper.respond.placement.program import Solver

CLASSES = "AABBCD"


def invented(patients: int, sites: int, machines: int, seed: int, *, ways: int = 0) -> Instance:
    """Return an invented instance; `ways` machines for each patient, else two to eight."""
    chance = np.random.default_rng(seed)
    site = [{"id": f"s{number}", "replans_a_day": int(chance.integers(2, 9))} for number in range(sites)]
    machine = [
        {"id": f"s{number}m{one}", "site": f"s{number}", "slots": int(chance.integers(4, 10))}
        for number in range(sites)
        for one in range(machines)
    ]
    return Instance.model_validate(
        {
            "format": 1,
            "first_on": "2026-11-23",
            "site": site,
            "machine": machine,
            "patient": [_patient(number, machine, chance, ways) for number in range(patients)],
        }
    )


def _patient(
    number: int, machine: list[dict[str, Any]], chance: np.random.Generator, ways: int
) -> dict[str, Any]:
    count = min(ways, len(machine)) or int(chance.integers(2, min(8, len(machine)) + 1))
    return {
        "id": f"p{number}",
        "priority": number + 1,
        "category": int(chance.choice([1, 2, 3], p=[0.35, 0.45, 0.2])),
        "fractions_left": int(chance.integers(3, 31)),
        "days_to_spare": int(chance.integers(-3, 6)),
        "options": [
            {
                "machine": machine[int(one)]["id"],
                "class": str(chance.choice(list(CLASSES))),
                "travel_min": float(chance.integers(5, 90)),
            }
            for one in chance.choice(len(machine), count, replace=False)
        ],
    }


def with_begun(instance: Instance, share: float, seed: int) -> Instance:
    """Return the same with some patients who have begun where greedy by priority put them."""
    columns = columns_of(instance)
    greedy = Schedule(columns)
    greedy.insert_all(by_priority(instance), columns.cost)
    placed = [
        number for number, at in enumerate(greedy.chosen) if columns.machine[at] < len(instance.machine)
    ]
    count = round(share * len(instance.patient))
    begun = {int(one) for one in np.random.default_rng(seed).permutation(placed)[:count]}
    machine = {number: instance.machine[int(columns.machine[greedy.chosen[number]])].id for number in begun}
    needs = tuple(
        one.model_copy(update={"announced": machine[number], "begun_there": True}) if number in begun else one
        for number, one in enumerate(instance.patient)
    )
    return instance.model_copy(update={"patient": needs})


def by_priority(instance: Instance) -> list[int]:
    return sorted(range(len(instance.patient)), key=lambda one: instance.patient[one].priority)


def in_order(columns: Columns, order: list[int], key: Any) -> float:
    schedule = Schedule(columns)
    schedule.insert_all(order, key)
    return schedule.cost


def from_scratch(columns: Columns, solver: Solver, seconds: float) -> float | None:
    """Return what a solver finds on all columns, with nothing known."""
    everything = np.arange(len(columns.cost))
    program = program_of(columns, everything, everything[:0], slots=columns.capacity, staff=columns.staff)
    taken = solver(program, seconds)
    return None if taken is None else round(float(columns.cost[taken].sum()), 2)


def moved_by_a_slot_less(instance: Instance, found: Placement, seconds: float) -> dict[str, float]:
    """Return what solving again costs, and how many it moves, when one machine has a slot a day less."""
    fullest = max(range(len(instance.machine)), key=lambda one: instance.machine[one].slots)
    machine = tuple(
        one.model_copy(update={"slots": one.slots - (number == fullest)})
        for number, one in enumerate(instance.machine)
    )
    less = instance.model_copy(update={"machine": machine})
    before = {one.patient: (one.machine, one.first_on) for one in found.placed}
    told = {}
    for name, start in (("again", before), ("anew", None)):
        again = solve(less, seconds=seconds, start=start)
        told[f"slot_less_{name}_cost"] = round(again.cost, 2)
        told[f"slot_less_{name}_moved"] = sum(
            (one.machine, one.first_on) != before[one.patient] for one in again.placed
        )
    return told


def prices(instance: Instance, places: dict[str, Place], seed: int, count: int = 100) -> dict[str, float]:
    """Return what a board, and one move on it, take of the processor."""
    begun = time.process_time()
    board = board_of(instance, places)
    board_s = time.process_time() - begun
    chance, spent = np.random.default_rng(seed), []
    anybody = [one for one in instance.patient if one.options]
    for _ in range(count):
        patient = anybody[int(chance.integers(len(anybody)))]
        machine = patient.options[int(chance.integers(len(patient.options)))].machine
        day = board.columns.days[int(chance.integers(2, min(15, len(board.columns.days))))]
        begun = time.process_time()
        price(board, patient.id, machine, day)
        spent.append(1000 * (time.process_time() - begun))
    return {
        "board_s": round(board_s, 2),
        "price_ms_median": round(statistics.median(spent), 1),
        "price_ms_worst": round(max(spent), 1),
    }


def measure(given: argparse.Namespace, seed: int) -> dict[str, float | None]:
    instance = (
        read_instance(given.instance.read_bytes(), is_json=True)
        if given.instance
        else invented(given.patients, given.sites, given.machines, seed)
    )
    if given.begun:
        instance = with_begun(instance, given.begun, seed)
    begun = time.process_time()
    found = solve(instance, seconds=given.seconds)
    cpu = time.process_time() - begun
    columns = columns_of(instance)
    everybody = by_priority(instance)
    first_free = columns.first.astype(np.float64) + 1e6 * (columns.machine == len(instance.machine))
    arrival = [int(one) for one in np.random.default_rng(seed).permutation(len(everybody))]
    return {
        "patients": len(everybody),
        "begun": sum(one.begun_there for one in instance.patient),
        "machines": len(instance.machine),
        "columns": len(columns.cost),
        "bound": round(found.bound, 2),
        "ours": round(found.cost, 2),
        "above_the_bound_percent": None if found.gap is None else round(100 * found.gap, 2),
        "seconds": found.seconds,
        "cpu_s": round(cpu, 1),
        "greedy_by_priority": round(in_order(columns, everybody, columns.cost), 2),
        "first_come": round(in_order(columns, arrival, first_free), 2),
        "highs": from_scratch(columns, by_highs, given.seconds) if given.highs else None,
        "cp_sat": from_scratch(columns, by_cp_sat, given.seconds) if given.cp_sat else None,
        "ours_with_cp_sat": (
            round(solve(instance, seconds=given.seconds, solver=by_cp_sat).cost, 2) if given.cp_sat else None
        ),
        **(moved_by_a_slot_less(instance, found, given.seconds) if given.again else {}),
        "placed": sum(bool(one.machine) for one in found.placed),
        **prices(instance, {one.patient: (one.machine, one.first_on) for one in found.placed}, seed),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--sites", type=int, default=6)
    parser.add_argument("--machines", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--highs", action="store_true")
    parser.add_argument("--cp-sat", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--instance", type=Path, help="an instance in JSON; --seeds is of no use then")
    parser.add_argument("--begun", type=float, default=0, help="a share of the patients, 0 to 1")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    runs = [measure(given, seed) for seed in range(given.seeds)]
    found = {
        "above_the_bound_percent_median": statistics.median(
            run["above_the_bound_percent"] or 0 for run in runs
        ),
        "runs": runs,
    }
    text = json.dumps(found, indent=2)
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
