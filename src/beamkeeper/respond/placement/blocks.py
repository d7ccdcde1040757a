"""A placement made better by block after block of patients who share machines, each by an integer program.

Of everybody only the columns nearest to the patient's best at the prices are looked at, and those held now.
With some hundreds of patients one block is everybody; with thousands, blocks of a few sites go through the
whole country. Blocks grow, and more columns are looked at, until nothing is gained any more.

References
----------
D. Pisinger and S. Ropke, "Large neighborhood search", Handbook of Metaheuristics (2010) 399-419.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.respond.placement.program import program_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.respond.placement.columns import Columns
    from beamkeeper.respond.placement.program import Solver
    from beamkeeper.respond.placement.schedule import Schedule

WAYS: Final = 20
"""So many columns of each patient are looked at first, on average."""
BLOCK: Final = 300
"""So many patients at first."""
BLOCK_SECONDS: Final = 30.0
"""Longest time for a block that is not everybody."""
GAINED: Final = 1e-4
"""Of the cost: a round that gains less was in vain."""
COLUMNS_MAX: Final = 200_000
"""A program of so many takes 0.7 GB of memory: blocks and ways grow no further."""


class Blocks:
    """Chooses again for block after block.

    Parameters
    ----------
    schedule
        Is made better, never worse.
    columns
        Those of the schedule.
    reduced_cost
        Of each column at balancing prices, percent points.
    """

    def __init__(
        self,
        schedule: Schedule,
        columns: Columns,
        reduced_cost: NDArray[np.float64],
        *,
        solver: Solver,
    ) -> None:
        self._schedule, self._columns, self._solver = schedule, columns, solver
        self._extra = reduced_cost - np.minimum.reduceat(reduced_cost, columns.starts[:-1])[columns.patient]
        self._chance = np.random.default_rng(0)
        self._look_at(WAYS)

    def run(self, *, until: float, good_enough: float) -> bool:
        """Choose again until it costs no more than `good_enough`, nothing is gained, or the time is over.

        Returns
        -------
        False where the time was over before.
        """
        people, size, ways = len(self._there), BLOCK, WAYS
        while self._schedule.cost > good_enough:
            before, is_everybody = self._schedule.cost, size >= people
            if not self._round(size, until=until):
                return False
            is_in_vain = before - self._schedule.cost < GAINED * before
            if is_everybody and is_in_vain:
                break
            if is_everybody:
                ways *= 2
            elif is_in_vain:
                size *= 2
            if min(size, people) * ways > COLUMNS_MAX:
                break
            self._look_at(ways)
        return True

    def _look_at(self, ways: int) -> None:
        """Keep so many columns of each patient, on average, those nearest to the best, and "refused"."""
        columns, people = self._columns, len(self._columns.starts) - 1
        wanted = min(ways * people, len(self._extra)) - 1
        self._core = self._extra <= np.partition(self._extra, wanted)[wanted]
        self._core[columns.starts[1:] - 1] = True
        there = np.zeros((people, len(columns.capacity)), dtype=bool)
        there[columns.patient[self._core], columns.machine[self._core]] = True
        self._there = there[:, :-1]

    def _round(self, size: int, *, until: float) -> bool:
        """Choose again once for everybody, or around each machine; return whether there was time for it."""
        people, machines = self._there.shape
        if size >= people:
            return self._again(np.arange(people), until=until, seconds_max=np.inf)
        return all(
            self._again(self._around(int(machine), size), until=until, seconds_max=BLOCK_SECONDS)
            for machine in self._chance.permutation(machines)
        )

    def _around(self, machine: int, size: int) -> NDArray[np.int64]:
        """Return so many patients who are on a machine and on those that share the most patients with it."""
        here = self._columns.machine[self._schedule.chosen]
        block = np.zeros(self._there.shape[1] + 1, dtype=bool)
        block[machine] = True
        while True:
            could = self._there[:, block[:-1]].any(axis=1)
            inside = block[here] | (could & (here == len(block) - 1))
            if inside.sum() >= size or block[:-1].all():
                return np.flatnonzero(inside)
            shared = self._there[inside].sum(axis=0) + np.bincount(here[could], minlength=len(block))[:-1]
            block[np.argmax(np.where(block[:-1], -1, shared))] = True

    def _again(self, people: NDArray[np.int64], *, until: float, seconds_max: float) -> bool:
        """Choose again for these patients, beside all others; return whether there was time for it."""
        seconds = min(until - time.monotonic(), seconds_max)
        if seconds <= 0:
            return False
        schedule = self._schedule
        old = schedule.chosen[people]
        among = self._core & np.isin(self._columns.patient, people)
        among[old] = True
        for patient in people:
            schedule.take_out(int(patient))
        program = program_of(
            self._columns,
            np.flatnonzero(among),
            old,
            slots=schedule.free,
            staff=schedule.free_staff,
        )
        taken = self._solver(program, seconds)
        found = old if taken is None else program.columns[taken]
        if self._columns.cost[found].sum() > self._columns.cost[old].sum():
            found = old
        for patient, column in zip(people, found, strict=True):
            schedule.put(int(patient), int(column))
        return time.monotonic() < until
