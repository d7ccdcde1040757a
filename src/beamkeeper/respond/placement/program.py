"""Choosing one column for each of some patients within what is free: an integer program, and who solves it.

HiGHS comes with Beamkeeper. CP-SAT can be asked instead where its extra is installed. Both are given the
columns that everybody has now, so that what comes back is never worse.

References
----------
Q. Huangfu and J. A. J. Hall, "Parallelizing the dual revised simplex method", Mathematical Programming
Computation 10 (2018) 119-142: HiGHS.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.respond.placement.columns import Columns

NEAR: Final = 3e-4
"""A solver may stop when it is nearer than this to the best, as a share."""
LISTENS_S: Final = 0.2
WORKERS_MIN: Final = 8
"""CP-SAT's workers differ in kind: with fewer, none looks at the linear relaxation, also on two cores."""
COST_STEPS: Final = 10_000
"""CP-SAT counts in whole numbers: steps of a percent point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Take one of the columns of each patient so that it costs least and no row holds more than it may.

    Attributes
    ----------
    columns
        Shape (columns): which of all columns each is, ascending.
    cost
        Shape (columns): percent points.
    row, place, amount
        Shape (entries): so much of a row is taken by the column at that place, by place, then row.
    most
        Shape (rows): of the first `patients` rows exactly this, of the others at most.
    patients
        How many have to be given a column.
    start
        Shape (columns): the columns that everybody has so far; none is set where nothing is known.
    """

    columns: NDArray[np.int64]
    cost: NDArray[np.float64]
    row: NDArray[np.int64]
    place: NDArray[np.int64]
    amount: NDArray[np.float64]
    most: NDArray[np.float64]
    patients: int
    start: NDArray[np.bool_]

    @property
    def least(self) -> NDArray[np.float64]:
        """What each row has to hold at least."""
        return np.where(np.arange(len(self.most)) < self.patients, self.most, -np.inf)


Ended = TypeVar("Ended")
Solver = Callable[[Program, float], "NDArray[np.bool_] | None"]
"""Takes a program and the seconds it has; gives which columns are taken, or None where it found nothing."""


def program_of(
    columns: Columns,
    among: NDArray[np.int64],
    start: NDArray[np.int64],
    *,
    slots: NDArray[np.float64],
    staff: NDArray[np.float64],
) -> Program:
    """Return the program of some columns.

    Parameters
    ----------
    among
        Ascending; with "refused", or another column that always fits, of everybody who is in it.
    start
        The columns that are had so far.
    slots, staff
        What is free for them, in the shapes of `capacity` and `staff`.
    """
    people, patient = np.unique(columns.patient[among], return_inverse=True)
    at = np.arange(len(among))
    machines, days = columns.capacity.shape
    first, machine = columns.first[among], columns.machine[among]
    taken = np.where(machine < machines - 1, columns.after[among] - first, 0)
    on = np.repeat(at, taken)
    day = np.arange(len(on)) - np.repeat(np.cumsum(taken) - taken, taken) + first[on]
    rows, places = [patient, len(people) + machine[on] * days + day], [at, on]
    amounts = [np.ones(len(at)), columns.weight[among][on].astype(np.float64)]
    for prepared in columns.prepared[among].T:
        needed = np.flatnonzero(prepared >= 0)
        rows.append(len(people) + machines * days + prepared[needed])
        places.append(needed)
        amounts.append(np.ones(len(needed)))
    most = np.concatenate((np.ones(len(people)), slots.ravel(), staff))
    row, place, amount, most = _that_can_be_full(
        np.concatenate(rows), np.concatenate(places), np.concatenate(amounts), most, len(people)
    )
    return Program(
        columns=among,
        cost=columns.cost[among],
        row=row,
        place=place,
        amount=amount,
        most=most,
        patients=len(people),
        start=np.isin(among, start),
    )


def _that_can_be_full(
    row: NDArray[np.int64],
    place: NDArray[np.int64],
    amount: NDArray[np.float64],
    most: NDArray[np.float64],
    people: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return entries by place, and only of rows that all columns together would fill too much."""
    stays = np.bincount(row, weights=amount, minlength=len(most)) > most
    stays[:people] = True
    entry = np.flatnonzero(stays[row])
    entry = entry[np.lexsort((row[entry], place[entry]))]
    number = np.cumsum(stays) - 1
    return number[row[entry]], place[entry], amount[entry], most[stays]


def by_highs(program: Program, seconds: float) -> NDArray[np.bool_] | None:
    """Return what HiGHS takes; the same program gives the same, unless its time is over."""
    import highspy  # noqa: PLC0415 - with the first placement, not with every command

    highs = highspy.Highs()
    options = {"output_flag": False, "threads": 1, "time_limit": seconds, "mip_rel_gap": NEAR}
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(_highs_model(highspy, program))
    if program.start.any():
        known = highspy.HighsSolution()
        known.col_value = program.start.astype(np.float64)
        highs.setSolution(known)
    highs.HandleUserInterrupt = True
    try:
        _heard(highs.run, stop=highs.cancelSolve)
    except KeyboardInterrupt:
        highs.resetGlobalScheduler(True)
        raise
    found = np.array(highs.getSolution().col_value)
    return _checked(program, found > 0.5) if len(found) else None  # noqa: PLR2004 - 0 or 1, nearly


def _highs_model(highspy: Any, program: Program) -> Any:
    columns = len(program.cost)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, len(program.most)
    model.col_cost_ = program.cost
    model.col_lower_, model.col_upper_ = np.zeros(columns), np.ones(columns)
    model.row_lower_, model.row_upper_ = program.least, program.most
    model.integrality_ = [highspy.HighsVarType.kInteger] * columns
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.concatenate(([0], np.cumsum(np.bincount(program.place, minlength=columns))))
    model.a_matrix_.index_, model.a_matrix_.value_ = program.row, program.amount
    return model


def by_cp_sat(program: Program, seconds: float) -> NDArray[np.bool_] | None:
    """Return what CP-SAT takes; with more than one core it need not be the same every time.

    Raises
    ------
    ConfigError
        ortools is not installed.
    """
    try:
        from ortools.sat.python import cp_model  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "CP-SAT is not installed here.",
            do_next='Solve without it, or install it: pip install "beamkeeper[cp-sat]".',
        ) from error
    model = cp_model.CpModel()
    taken = [model.new_bool_var("") for _ in program.cost]
    rows: list[list[Any]] = [[] for _ in program.most]
    for row, place, amount in zip(program.row, program.place, program.amount, strict=True):
        rows[row].append(int(amount) * taken[place])
    for number, (inside, most) in enumerate(zip(rows, program.most, strict=True)):
        model.add(sum(inside) == 1 if number < program.patients else sum(inside) <= int(most))
    model.minimize(sum(round(COST_STEPS * cost) * one for cost, one in zip(program.cost, taken, strict=True)))
    if program.start.any():
        for variable, is_taken in zip(taken, program.start, strict=True):
            model.add_hint(variable, bool(is_taken))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.relative_gap_limit = NEAR
    solver.parameters.num_workers = max(WORKERS_MIN, os.cpu_count() or 1)
    solver.parameters.catch_sigint_signal = False
    ended = _heard(lambda: solver.solve(model), stop=solver.stop_search)
    if ended not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None
    return _checked(program, np.array([solver.boolean_value(one) for one in taken]))


def _heard(solve: Callable[[], Ended], *, stop: Callable[[], object]) -> Ended:
    """Solve in a thread beside this one: in a call of C++, or a wait without end, Ctrl-C may not be heard."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        solving = beside.submit(solve)
        try:
            while not solving.done():
                wait([solving], timeout=LISTENS_S)
        except KeyboardInterrupt:
            stop()
            raise
        return solving.result()


def _checked(program: Program, taken: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return it where it keeps every row: a solver of others is not believed."""
    holds = np.bincount(
        program.row, weights=program.amount * taken[program.place], minlength=len(program.most)
    )
    is_kept = (holds <= program.most) & (holds >= program.least)
    return taken if is_kept.all() else None


SOLVERS: Final[dict[str, Solver]] = {"highs": by_highs, "cp-sat": by_cp_sat}
"""By the name a user gives."""


def solver_named(name: str) -> Solver:
    """Return the solver of that name.

    Raises
    ------
    ConfigError
        There is none.
    """
    if name in SOLVERS:
        return SOLVERS[name]
    raise ConfigError(
        f"No solver is called {name!r}.", do_next=f"Take one of {', '.join(SOLVERS)}, or leave it out."
    )
