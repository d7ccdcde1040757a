"""A placement day by day: patients are put in one after the other, and put better until nothing helps."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.respond.placement.prices import usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.columns import Columns

BETTER: Final = 1e-9
TRIED_COLUMNS: Final = 10
"""So many better columns of a patient are tried by moving somebody else."""
ROUNDS_MAX: Final = 12


class Schedule:
    """Which column each patient has, and what is free.

    Parameters
    ----------
    columns
        Every way to place everybody; at first nobody is placed.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self.chosen: NDArray[np.int64] = columns.starts[1:] - 1  # refused
        self._free = columns.capacity.copy()
        self._staff = columns.staff.copy()
        machines, days = columns.capacity.shape
        heaviest = int(columns.weight.max(initial=1))
        self._full = np.zeros((heaviest + 1, machines, days + 1), dtype=np.int64)
        for number in range(machines):
            self._note_full(number)
        self._here: list[set[int]] = [set() for _ in range(machines)]
        self._from_day = 0

    @cached_property
    def _least_cost(self) -> NDArray[np.float64]:
        """What each patient's best column costs."""
        found: NDArray[np.float64] = np.minimum.reduceat(self._columns.cost, self._columns.starts[:-1])
        return found

    @classmethod
    def of(cls, columns: Columns, chosen: NDArray[np.int64], *, from_day: int = 0) -> Schedule:
        """Return the schedule in which everybody has the column that `chosen` names, full or not.

        Parameters
        ----------
        from_day
            Nobody is put into a column that begins before it: those days are over.
        """
        made = cls(columns)
        made._from_day = from_day
        made.chosen = chosen.copy()
        slots, staff = usage(columns, chosen)
        made._free = columns.capacity - slots
        made._free[-1] = columns.capacity[-1]
        made._staff = columns.staff - staff
        for number in range(len(made._here)):
            made._here[number] = set(map(int, np.flatnonzero(columns.machine[chosen] == number)))
            made._note_full(number)
        return made

    @property
    def cost(self) -> float:
        """What the placement costs."""
        return float(self._columns.cost[self.chosen].sum())

    @property
    def free(self) -> NDArray[np.float64]:
        """Slots that are left, by machine and day; not to be changed."""
        return self._free

    @property
    def free_staff(self) -> NDArray[np.float64]:
        """Work of the staff that is left; not to be changed."""
        return self._staff

    def insert_all(self, order: Iterable[int], key: NDArray[np.float64]) -> None:
        """Give each patient, in that order, the free column with the least `key`."""
        for patient in order:
            self._take_out(patient)
            self._put(patient, self._best(patient, key))

    def keep(self, known: NDArray[np.int64], order: Sequence[int], key: NDArray[np.float64]) -> None:
        """Give everybody the column known already where it has room, then the others the best that is left.

        Parameters
        ----------
        order
            Who comes first.
        """
        for patient in order:
            column = int(known[patient])
            if self.has_room(column):
                self._put(patient, column)
        refused = self._columns.starts[1:] - 1
        self.insert_all((one for one in order if self.chosen[one] == refused[one]), key)

    def improve(self, *, until: float) -> None:
        """Move patients, alone and in pairs, until nothing helps or the time is over."""
        cost = self._columns.cost
        for _ in range(ROUNDS_MAX):
            before = self.cost
            order = np.argsort(-(cost[self.chosen] - self._least_cost), kind="stable")
            for patient in map(int, order):
                if time.monotonic() > until:
                    return
                self._move_alone(patient)
                self._move_with_another(patient)
            if self.cost > before - 1e-6:
                return

    def _gap(self, patient: int, key: NDArray[np.float64]) -> float:
        """Return what it costs a patient not to get the best column that has room."""
        begin, end = self._columns.starts[patient], self._columns.starts[patient + 1]
        values = np.where(self._fits(begin, end), key[begin:end], np.inf)
        if len(values) == 1:
            return 0.0
        first, second = np.partition(values, 1)[:2]
        return float(second - first) if np.isfinite(second) else 1e9

    def make_room(self, column: int, *, may_go: Callable[[int], bool]) -> tuple[int, ...] | None:
        """Take out patients until a column fits, each time whom it costs least; None where nobody may go.

        Parameters
        ----------
        may_go
            Whether a patient may be taken out: not who began there, or for whom a person decided.
        """
        out: list[int] = []
        while not self.has_room(column):
            cost = self._columns.cost
            in_the_way = [one for one in self._in_the_way(column) if may_go(one)]
            if not in_the_way:
                return None
            losses = []
            for patient in in_the_way:
                now = int(self.chosen[patient])
                self._take_out(patient)
                losses.append(float(cost[self._best(patient, cost)] - cost[now]))
                self._put(patient, now)
            patient = in_the_way[int(np.argmin(losses))]
            self._take_out(patient)
            out.append(patient)
        return tuple(out)

    def best_free(self, patient: int) -> int:
        """Return the cheapest column of a patient that has room; the last one, "refused", always has."""
        return self._best(patient, self._columns.cost)

    def has_room(self, column: int) -> bool:
        """Return whether a column fits beside everybody who is placed."""
        return bool(self._fits(column, column + 1)[0])

    def put(self, patient: int, column: int) -> None:
        """Move a patient to a column that fits."""
        self._take_out(patient)
        self._put(patient, column)

    def take_out(self, patient: int) -> None:
        """Leave a patient without a place for now."""
        self._take_out(patient)

    def put_in_again(self, patients: Iterable[int]) -> None:
        """Give patients the best places that are left: first whom it costs most not to get the best."""
        cost, left = self._columns.cost, list(patients)
        while left:
            gaps = [self._gap(patient, cost) for patient in left]
            patient = left.pop(int(np.argmax(gaps)))
            self._put(patient, self._best(patient, cost))

    def _in_the_way(self, column: int) -> list[int]:
        """Return who stands on the first day that is full, or has the work of the staff that is needed."""
        columns = self._columns
        machine, first, after = (int(of[column]) for of in (columns.machine, columns.first, columns.after))
        full = np.flatnonzero(self._free[machine, first:after] < columns.weight[column])
        if len(full):
            day = first + int(full[0])
            there = ((one, int(self.chosen[one])) for one in sorted(self._here[machine]))
            return [one for one, at in there if columns.first[at] <= day < columns.after[at]]
        needed = [one for one in columns.prepared[column] if one >= 0 and self._staff[one] < 1]
        return [
            int(one) for one in np.flatnonzero(np.isin(columns.prepared[self.chosen], needed).any(axis=1))
        ]

    # One patient -------------------------------------------------------------------------------------

    def _best(self, patient: int, key: NDArray[np.float64]) -> int:
        begin, end = self._columns.starts[patient], self._columns.starts[patient + 1]
        values = np.where(self._fits(begin, end), key[begin:end], np.inf)
        return int(begin + np.argmin(values))

    def _fits(self, begin: int, end: int) -> NDArray[np.bool_]:
        """Return which columns between two indices have room."""
        columns = self._columns
        machine, weight = columns.machine[begin:end], columns.weight[begin:end]
        full = self._full[weight, machine, columns.after[begin:end]]
        full = full - self._full[weight, machine, columns.first[begin:end]]
        prepared = columns.prepared[begin:end]
        is_staffed = ((prepared < 0) | (self._staff[prepared] >= 1)).all(axis=1)
        fits: NDArray[np.bool_] = (full == 0) & is_staffed
        if self._from_day:
            fits &= (columns.first[begin:end] >= self._from_day) | (machine == len(self._here) - 1)
        return fits

    def _put(self, patient: int, column: int) -> None:
        self._change(patient, column, -1)
        self.chosen[patient] = column

    def _take_out(self, patient: int) -> None:
        self._change(patient, int(self.chosen[patient]), +1)
        self.chosen[patient] = self._columns.starts[patient + 1] - 1

    def _change(self, patient: int, column: int, sign: int) -> None:
        columns = self._columns
        machine = int(columns.machine[column])
        if machine == len(self._here) - 1:
            return
        self._free[machine, columns.first[column] : columns.after[column]] += sign * columns.weight[column]
        for prepared in columns.prepared[column]:
            if prepared >= 0:
                self._staff[prepared] += sign
        (self._here[machine].add if sign < 0 else self._here[machine].discard)(patient)
        self._note_full(machine)

    def _note_full(self, machine: int) -> None:
        for weight in range(1, self._full.shape[0]):
            np.add.accumulate(
                self._free[machine] < weight, dtype=np.int64, out=self._full[weight, machine, 1:]
            )

    # Moves -------------------------------------------------------------------------------------------

    def _move_alone(self, patient: int) -> None:
        now = int(self.chosen[patient])
        self._take_out(patient)
        best = self._best(patient, self._columns.cost)
        self._put(patient, best if self._columns.cost[best] < self._columns.cost[now] - BETTER else now)

    def _move_with_another(self, patient: int) -> None:
        """Take a better column that one other patient stands in, where that one finds another for less."""
        columns, cost = self._columns, self._columns.cost
        now = int(self.chosen[patient])
        begin, end = int(columns.starts[patient]), int(columns.starts[patient + 1])
        better = begin + np.flatnonzero(cost[begin:end] < cost[now] - BETTER)
        for column in map(int, better[np.argsort(cost[better], kind="stable")][:TRIED_COLUMNS]):
            if self._try(patient, now, column):
                return

    def _try(self, patient: int, now: int, column: int) -> bool:
        columns, cost = self._columns, self._columns.cost
        machine, gain = int(columns.machine[column]), cost[now] - cost[column]
        days = slice(int(columns.first[column]), int(columns.after[column]))
        blocked = np.flatnonzero(self._free[machine, days] < columns.weight[column]) + days.start
        for other in sorted(self._here[machine] - {patient}):
            there = int(self.chosen[other])
            if len(blocked) and not columns.first[there] <= blocked[0] <= blocked[-1] < columns.after[there]:
                continue
            self._take_out(other)
            self._take_out(patient)
            if self.has_room(column):
                self._put(patient, column)
                found = self._best(other, cost)
                if cost[found] - cost[there] < gain - BETTER:
                    self._put(other, found)
                    return True
                self._take_out(patient)
            self._put(patient, now)
            self._put(other, there)
        return False
