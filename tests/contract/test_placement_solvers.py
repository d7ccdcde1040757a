"""HiGHS and CP-SAT: what a solver of a placement's program keeps to."""

from __future__ import annotations

import itertools
import random
import signal
import sys
from _thread import interrupt_main
from threading import Timer
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement import Instance
from beamkeeper.respond.placement.columns import Columns, columns_of
from beamkeeper.respond.placement.program import (
    NEAR,
    SOLVERS,
    Program,
    by_cp_sat,
    by_highs,
    program_of,
    solver_named,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.program import Solver

SECONDS = 20.0
EACH = pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
ONE = {"category": 1, "fractions_left": 3, "per_day": 1, "kind": "A", "qa": True, "on": {"m1", "m2"}}
a_patient = st.fixed_dictionaries(
    {
        "category": st.integers(1, 3),
        "fractions_left": st.integers(1, 4),
        "per_day": st.integers(1, 2),
        "kind": st.sampled_from("AC"),
        "qa": st.booleans(),
        "on": st.sets(st.sampled_from(["m1", "m2"]), min_size=1),
    }
)


@pytest.fixture
def listening() -> Iterator[None]:
    """Hear Ctrl-C as at a keyboard: who is started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def columns_for(patients: list[dict[str, Any]], slots: tuple[int, int] = (1, 2), days: int = 4) -> Columns:
    machine = [
        {"id": f"m{number}", "site": "s", "slots": count} for number, count in enumerate(slots, start=1)
    ]
    needs = [
        {
            "id": f"p{number}",
            "priority": number + 1,
            **{name: one[name] for name in ("category", "fractions_left", "per_day")},
            "options": [
                {"machine": name, "class": one["kind"], "qa": one["qa"]} for name in sorted(one["on"])
            ],
        }
        for number, one in enumerate(patients)
    ]
    site = [{"id": "s", "failure_domain": "x", "replans_a_day": 1, "qa_a_day": 1}]
    return columns_of(
        Instance.model_validate(
            {"format": 1, "first_on": "2026-11-23", "days": days, "site": site}
            | {"machine": machine, "patient": needs}
        )
    )


def whole(columns: Columns, start: NDArray[np.int64] | None = None) -> Program:
    everything = np.arange(len(columns.cost))
    return program_of(
        columns,
        everything,
        everything[:0] if start is None else start,
        slots=columns.capacity,
        staff=columns.staff,
    )


def fits(columns: Columns, chosen: tuple[int, ...]) -> bool:
    """Return whether slots and staff hold these columns, counted here, day by day."""
    slots, staff = columns.capacity.copy(), columns.staff.copy()
    for column in chosen:
        if columns.machine[column] < len(columns.capacity) - 1:
            for day in range(columns.first[column], columns.after[column]):
                slots[columns.machine[column], day] -= columns.weight[column]
        for prepared in columns.prepared[column]:
            if prepared >= 0:
                staff[prepared] -= 1
    return bool((slots >= 0).all() and (staff >= 0).all())


def least(columns: Columns) -> float:
    """Return what the best choice costs, by trying all of them."""
    ways = [range(begin, end) for begin, end in itertools.pairwise(columns.starts)]
    return min(
        float(columns.cost[list(chosen)].sum())
        for chosen in itertools.product(*ways)
        if fits(columns, chosen)
    )


@EACH
@settings(deadline=None, max_examples=25)
@given(st.lists(a_patient, min_size=1, max_size=3))
def test_it_finds_what_trying_every_choice_finds_and_fills_nothing_too_much(
    solver: Solver, patients: list[dict[str, Any]]
) -> None:
    columns = columns_for(patients)
    taken = solver(whole(columns), SECONDS)
    assert taken is not None
    chosen = tuple(map(int, np.flatnonzero(taken)))
    best = least(columns)

    assert [int(columns.patient[one]) for one in chosen] == list(range(len(patients)))
    assert fits(columns, chosen)
    assert best - 1e-3 <= columns.cost[list(chosen)].sum() <= best * (1 + 2 * NEAR) + 1e-3


@EACH
def test_without_time_it_gives_nothing_worse_than_it_was_given(solver: Solver) -> None:
    one = {"category": 1, "fractions_left": 3, "per_day": 1, "kind": "A", "qa": False, "on": {"m1", "m2"}}
    columns = columns_for([one] * 30, days=28)
    refused = columns.starts[1:] - 1
    taken = solver(whole(columns, refused), 0.01)

    assert taken is None or columns.cost[taken].sum() <= columns.cost[refused].sum()


@EACH
def test_where_nothing_fits_it_takes_nothing(solver: Solver) -> None:
    one = {"category": 1, "fractions_left": 1, "per_day": 1, "kind": "A", "qa": False, "on": {"m1"}}
    columns = columns_for([one, one])
    first_only = np.array([0, columns.starts[1]])

    program = program_of(columns, first_only, first_only[:0], slots=columns.capacity, staff=columns.staff)

    assert not fits(columns, tuple(first_only))
    assert solver(program, SECONDS) is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("solver", "owner", "name"),
    [(by_highs, highspy.Highs, "run"), (by_cp_sat, cp_model.CpSolver, "solve")],
    ids=SOLVERS,
)
def test_ctrl_c_is_heard_while_it_looks(
    solver: Solver, owner: type, name: str, listening: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = getattr(owner, name)

    def looking(*given: Any) -> Any:
        Timer(0.5, interrupt_main).start()
        return look(*given)

    monkeypatch.setattr(owner, name, looking)
    chance = random.Random(0)
    machines = [f"m{number}" for number in range(1, 9)]
    many = [
        {
            **ONE,
            "category": chance.randint(1, 3),
            "fractions_left": chance.randint(3, 30),
            "qa": False,
            "on": chance.sample(machines, 4),
        }
        for _ in range(250)
    ]
    program = whole(columns_for(many, slots=(5, 6, 7, 8, 5, 6, 7, 8), days=42))

    with pytest.raises(KeyboardInterrupt):
        solver(program, 3600.0)


def test_highs_gives_the_same_for_the_same_program() -> None:
    program = whole(columns_for([ONE] * 12, days=28))
    once, again = by_highs(program, SECONDS), by_highs(program, SECONDS)

    assert once is not None
    assert again is not None
    assert np.array_equal(once, again)


def test_where_cp_sat_is_not_installed_it_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)

    with pytest.raises(ConfigError, match="not installed") as caught:
        by_cp_sat(whole(columns_for([ONE])), SECONDS)
    assert "beamkeeper[cp-sat]" in caught.value.do_next


def test_a_solver_is_found_by_its_name_and_another_name_is_refused() -> None:
    assert [solver_named(name) for name in SOLVERS] == [by_highs, by_cp_sat]
    with pytest.raises(ConfigError, match="gurobi") as caught:
        solver_named("gurobi")
    assert "highs, cp-sat" in caught.value.do_next
