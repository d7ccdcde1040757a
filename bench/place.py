"""Placing patients: prices with a bound beside greedy by priority and first come, on the same instances.

    python bench/place.py [--patients 300] [--sites 6] [--machines 2] [--seconds 60] [--seeds 1]
                          [--instance FILE] [--begun SHARE] [--json FILE]

Instances are invented: each site with so many machines of 4 to 9 slots a day for six weeks, each patient with
3 to 30 fractions left and two to eight machines of class A to D. `--instance` takes one that was drafted
instead: placement/version-N/instance.json of an incident. With `--begun`, that share of the patients have
begun where greedy placed them, and stay there in every way of placing the others. Everybody's cost is counted
by the same columns.
HiGHS (scipy, `--highs`) and CP-SAT (ortools, `--cp-sat`) are baselines, too, where they can be imported: from
scratch, on the same columns, with as many seconds; CP-SAT also from our own placement, with as many more.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beamkeeper.respond.placement import Instance, board_of, price, read_instance, solve
from beamkeeper.respond.placement.columns import Columns, columns_of
from beamkeeper.respond.placement.schedule import Schedule

if TYPE_CHECKING:
    from beamkeeper.respond.placement import Placement
    from beamkeeper.respond.placement.board import Place

CLASSES = "AABBCD"
COST_STEPS = 10_000
"""CP-SAT counts in whole numbers."""


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


def by_highs(columns: Columns, seconds: float) -> float | None:
    """Return what HiGHS finds on the same columns, day by day; None without scipy."""
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array
    except ImportError:
        return None
    machines, days = columns.capacity.shape
    patients, count = len(columns.starts) - 1, len(columns.cost)
    rows, places = [columns.patient], [np.arange(count)]
    taken = np.flatnonzero(columns.machine < machines - 1)
    for column in taken:
        on = np.arange(columns.first[column], columns.after[column])
        rows.append(patients + columns.machine[column] * days + on)
        places.append(np.full(len(on), column))
    for prepared in columns.prepared.T:
        needed = np.flatnonzero(prepared >= 0)
        rows.append(patients + machines * days + prepared[needed])
        places.append(needed)
    row, place = np.concatenate(rows), np.concatenate(places)
    matrix = csr_array(
        (np.ones(len(row)), (row, place)), shape=(patients + machines * days + len(columns.staff), count)
    )
    low = np.concatenate([np.ones(patients), np.full(machines * days + len(columns.staff), -np.inf)])
    high = np.concatenate([np.ones(patients), columns.capacity.ravel(), columns.staff])
    found = milp(
        columns.cost,
        constraints=LinearConstraint(matrix, low, high),
        integrality=np.ones(count),
        bounds=Bounds(0, 1),
        options={"time_limit": seconds},
    )
    return None if found.x is None else float(found.fun)


def columns_chosen(columns: Columns, instance: Instance, found: Placement) -> set[int]:
    """Return which column a placement chose of each patient."""
    number_of = {one.id: number for number, one in enumerate(instance.machine)}
    chosen = set()
    for (begin, end), placed in zip(itertools.pairwise(columns.starts), found.placed, strict=True):
        machine = number_of.get(placed.machine, len(number_of))
        fitting = (
            column
            for column in range(begin, end)
            if columns.machine[column] == machine
            and (not placed.machine or columns.days[columns.first[column]] == placed.first_on)
        )
        chosen.add(min(fitting, key=columns.cost.__getitem__))
    return chosen


def by_cp_sat(
    columns: Columns, seconds: float, begun_with: set[int] | None = None, workers: int = 2
) -> float | None:
    """Return what CP-SAT finds on the same columns, from scratch or from these; None without ortools."""
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        return None
    model = cp_model.CpModel()
    taken = [model.new_bool_var("") for _ in columns.cost]
    machines = len(columns.capacity)
    for begin, end in itertools.pairwise(columns.starts):
        model.add_exactly_one(taken[begin:end])
    on: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for number, variable in enumerate(taken):
        if columns.machine[number] < machines - 1:
            for day in range(columns.first[number], columns.after[number]):
                on[int(columns.machine[number]), day].append(variable)
    for (machine, day), variables in on.items():
        model.add(sum(variables) <= int(columns.capacity[machine, day]))
    staff: dict[int, list[Any]] = defaultdict(list)
    for prepared in columns.prepared.T:
        for number in np.flatnonzero(prepared >= 0):
            staff[int(prepared[number])].append(taken[number])
    for number, variables in staff.items():
        model.add(sum(variables) <= int(columns.staff[number]))
    model.minimize(sum(round(COST_STEPS * cost) * one for cost, one in zip(columns.cost, taken, strict=True)))
    if begun_with is not None:
        for number, variable in enumerate(taken):
            model.add_hint(variable, number in begun_with)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    if solver.solve(model) not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None
    return float(sum(cost for cost, one in zip(columns.cost, taken, strict=True) if solver.value(one)))


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
        "highs": by_highs(columns, given.seconds) if given.highs else None,
        "cp_sat": by_cp_sat(columns, given.seconds) if given.cp_sat else None,
        "cp_sat_from_ours": (
            by_cp_sat(columns, given.seconds, columns_chosen(columns, instance, found))
            if given.cp_sat
            else None
        ),
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
