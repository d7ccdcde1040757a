"""Choosing again for block after block: never worse, never too much, and who had a place stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from beamkeeper.respond.placement import Instance, solve
from beamkeeper.respond.placement import blocks as blocks_module
from beamkeeper.respond.placement.blocks import Blocks
from beamkeeper.respond.placement.columns import Columns, columns_of
from beamkeeper.respond.placement.prices import price, reduced, usage
from beamkeeper.respond.placement.program import SOLVERS, by_highs
from beamkeeper.respond.placement.schedule import Schedule
from beamkeeper.respond.placement.solving import MOVED, with_moves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.respond.placement.program import Program, Solver

FOREVER = float("inf")
FAR = [{"machine": "far", "class": "A", "travel_min": 2}]


def crowded(people: int = 60, machines: int = 6, seed: int = 0, **more: Any) -> Instance:
    """Return more patients than slots, on machines of three sites."""
    chance = np.random.default_rng(seed)
    names = [f"m{number}" for number in range(machines)]
    return Instance.model_validate(
        {
            "format": 1,
            "first_on": "2026-11-23",
            "site": [{"id": f"s{one}", "replans_a_day": 2} for one in range(3)],
            "machine": [
                {"id": name, "site": f"s{number % 3}", "slots": int(chance.integers(2, 5))}
                for number, name in enumerate(names)
            ],
            "patient": [
                {
                    "id": f"p{number}",
                    "priority": number + 1,
                    "category": int(chance.integers(1, 4)),
                    "fractions_left": int(chance.integers(3, 26)),
                    "options": [
                        {"machine": str(name), "class": str(chance.choice(list("AABC")))}
                        for name in chance.choice(names, 3, replace=False)
                    ],
                }
                for number in range(people)
            ],
            **more,
        }
    )


def begun_with(read: Instance) -> tuple[Schedule, Columns, NDArray[np.float64], float]:
    """Return everybody by priority, with the reduced costs and the bound."""
    columns = columns_of(read)
    schedule = Schedule(columns)
    schedule.insert_all(range(len(read.patient)), columns.cost)
    prices = price(columns, schedule.cost, until=FOREVER)
    return schedule, columns, reduced(columns, prices.slots, prices.staff), prices.bound


def assert_nothing_is_too_full(columns: Columns, chosen: NDArray[np.int64]) -> None:
    slots, staff = usage(columns, chosen)
    assert (slots[:-1] <= columns.capacity[:-1]).all()
    assert (staff <= columns.staff).all()
    assert np.array_equal(columns.patient[chosen], np.arange(len(columns.starts) - 1))


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("size", [10, 300])
def test_blocks_of_any_size_come_near_the_bound_and_fill_nothing_too_much(
    size: int, solver: Solver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK", size)
    schedule, columns, key, bound = begun_with(crowded())
    before = schedule.cost
    blocks = Blocks(schedule, columns, key, solver=solver)

    assert blocks.run(until=FOREVER, good_enough=0.0)
    assert before > bound * 1.1
    assert schedule.cost <= bound * 1.02
    assert_nothing_is_too_full(columns, schedule.chosen)


def test_whatever_a_solver_says_nobody_is_placed_worse_than_before() -> None:
    schedule, columns, key, _ = begun_with(crowded())
    before = schedule.chosen.copy()

    def gives_up(_program: Program, _seconds: float) -> None:
        return None

    def refuses_everybody(program: Program, _seconds: float) -> NDArray[np.bool_]:
        return np.isin(program.columns, columns.starts[1:] - 1)

    for solver in (gives_up, refuses_everybody):
        assert Blocks(schedule, columns, key, solver=solver).run(until=FOREVER, good_enough=0.0)
        assert np.array_equal(schedule.chosen, before)


def test_without_time_nothing_is_changed_and_it_says_so() -> None:
    schedule, columns, key, _ = begun_with(crowded())
    before = schedule.chosen.copy()
    blocks = Blocks(schedule, columns, key, solver=by_highs)

    assert not blocks.run(until=time.monotonic() - 1, good_enough=0.0)
    assert np.array_equal(schedule.chosen, before)


def test_what_is_good_enough_is_left_alone() -> None:
    schedule, columns, key, _ = begun_with(crowded())
    before = schedule.chosen.copy()

    assert Blocks(schedule, columns, key, solver=by_highs).run(
        until=time.monotonic() - 1, good_enough=schedule.cost
    )
    assert np.array_equal(schedule.chosen, before)


def test_a_move_away_costs_more_only_for_who_had_a_place() -> None:
    columns = columns_of(crowded(people=2))
    known = np.array([0, columns.starts[2] - 1])
    more = with_moves(columns, known).cost - columns.cost

    assert more[0] == pytest.approx(0)
    assert more[1 : columns.starts[1]] == pytest.approx(MOVED)
    assert more[columns.starts[1] :] == pytest.approx(0)


def test_with_a_slot_less_far_fewer_move_than_when_all_is_placed_anew() -> None:
    read = crowded()
    before = {one.patient: (one.machine, one.first_on) for one in solve(read).placed}
    machine = read.machine[0]
    machines = (machine.model_copy(update={"slots": machine.slots - 1}), *read.machine[1:])
    less = read.model_copy(update={"machine": machines})
    again, anew = solve(less, start=before), solve(less)

    def moved(found: Any) -> int:
        return sum((one.machine, one.first_on) != before[one.patient] for one in found.placed)

    assert solve(read, start=before).placed == solve(read).placed
    assert 0 < moved(again) <= moved(anew) / 2
    assert again.cost <= anew.cost * 1.01


def test_who_stays_for_too_small_a_gain_is_told_so_and_a_large_one_moves() -> None:
    one = {"id": "p", "priority": 1, "category": 2, "fractions_left": 5}
    machine = [{"id": name, "site": "s", "slots": 1} for name in ("near", "far")]
    read = Instance.model_validate(
        {"format": 1, "first_on": "2026-11-23", "site": [{"id": "s"}], "machine": machine}
        | {"patient": [one | {"options": [{"machine": "near", "class": "A", "travel_min": 1}, *FAR]}]}
    )
    best = solve(read).placed[0]
    stays = solve(read, start={"p": ("far", best.first_on)}).placed[0]
    late = read.calendar()[20]
    moves = solve(read, start={"p": ("far", late)}).placed[0]

    assert (best.machine, moves.machine, moves.first_on) == ("near", "near", best.first_on)
    assert stays.machine == "far"
    assert "less: too little to leave the place before for" in stays.reason
