"""A placement: who goes where and from when, why, what it costs, and how far from the best at most."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import date  # noqa: TC003 - the codec reads the type hints at run time
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.respond.placement.announced import (
    NOTHING_ANNOUNCED,
    Announced,
    as_found,
    keeping,
    would_gain,
)
from beamkeeper.respond.placement.blocks import Blocks
from beamkeeper.respond.placement.board import chosen_at
from beamkeeper.respond.placement.columns import columns_of
from beamkeeper.respond.placement.prices import Prices, price, reduced
from beamkeeper.respond.placement.program import by_highs
from beamkeeper.respond.placement.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.board import Place
    from beamkeeper.respond.placement.columns import Columns
    from beamkeeper.respond.placement.instance import Instance, PatientNeed
    from beamkeeper.respond.placement.program import Solver

SECONDS: Final = 60.0
GOOD_ENOUGH: Final = 1e-3
"""Nearer to the bound than this, nothing is looked for any more."""
MOVED: Final = 0.2
"""Percent points for each patient who is not where a placement before had them, as if they were lost."""
SHARE_TO_SOLVE: Final = 0.9
"""Of the time, where places were announced: the rest is for what the whole would gain without them."""
REASONS_SHOWN: Final = 5
PRICE_SHOWN: Final = 0.005
WORDS: Final = (
    "Least lost tumour control, in percent points, by category; then waiting by priority, travel, and "
    "changes of what was announced, by the weights printed."
)
DECIDES: Final = "Decision support: a physician and the partner's physicist decide who goes where."


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One patient's place, or why there is none.

    Attributes
    ----------
    machine, site, first_on
        "" and None for who has no place.
    delivery_class
        "" for who has no place.
    waited_days
        Treatment days until the first fraction, or of the whole horizon.
    loss
        Lost tumour control, percent points.
    reason
        Why there, or why nowhere.
    would_help
        What would give this patient a better place; "" where nothing would.
    """

    patient: str
    machine: str
    site: str
    first_on: date | None
    delivery_class: str
    waited_days: int
    loss: float
    cost: float
    reason: str
    would_help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Everybody's place.

    Attributes
    ----------
    bound
        No placement that keeps these announced places costs less; `gap` is how far this one is above it, as a
        share of it.
    is_complete
        False where the time was over before nothing helped any more.
    announced
        What became of places that were announced, and what keeping them costs.
    """

    placed: tuple[Placed, ...]
    cost: float
    bound: float
    seconds: float
    is_complete: bool
    announced: Announced = NOTHING_ANNOUNCED

    @property
    def gap(self) -> float | None:
        """How much more than the bound it costs, as a share; None where the bound proves nothing."""
        if self.bound > 0:
            return max(0.0, (self.cost - self.bound) / self.bound)
        return 0.0 if self.cost <= 0 else None


def solve(
    instance: Instance,
    *,
    seconds: float = SECONDS,
    start: Mapping[str, Place] | None = None,
    solver: Solver = by_highs,
) -> Placement:
    """Return a placement of everybody, with the proof of how good it is.

    Parameters
    ----------
    start
        Where everybody is so far: another place than there counts `MOVED` more.
    seconds
        After so long the best that was found is returned.
    solver
        Who chooses among the columns that are nearest to the best; one of `SOLVERS`.
    """
    begun = time.monotonic()
    if not instance.patient:
        return Placement(placed=(), cost=0.0, bound=0.0, seconds=0.0, is_complete=True)
    columns = columns_of(instance)
    kept, which, announced = keeping(instance, columns)
    known = None if start is None else chosen_at(instance, kept, start)
    limit = seconds * (SHARE_TO_SOLVE if announced.kept else 1)
    found, prices, is_complete = _schedule(kept, known, begun=begun, seconds=limit, solver=solver)
    chosen = which[found]
    announced = as_found(instance, columns, chosen, announced)
    announced = would_gain(instance, columns, chosen, announced, until=begun + seconds)
    cost = float(columns.cost[chosen].sum())
    stays = frozenset() if known is None else frozenset(map(int, np.flatnonzero(found == known)))
    return Placement(
        placed=tuple(_Explaining(instance, columns, prices, announced, stays).of(chosen)),
        cost=cost,
        bound=min(prices.bound - (float(kept.cost[found].sum()) - cost), cost),
        seconds=round(time.monotonic() - begun, 2),
        is_complete=is_complete,
        announced=announced,
    )


def _schedule(
    columns: Columns, known: NDArray[np.int64] | None, *, begun: float, seconds: float, solver: Solver
) -> tuple[NDArray[np.int64], Prices, bool]:
    """Return the column of everybody, at which prices, and whether there was time for it."""
    first = Schedule(columns)
    first.insert_all(range(len(columns.starts) - 1), columns.cost)
    prices = price(columns, first.cost, until=begun + 0.4 * seconds)
    wanted = columns if known is None else with_moves(columns, known)
    key = reduced(wanted, prices.slots, prices.staff)
    order = _by_regret(wanted, key)
    best = Schedule(wanted)
    best.insert_all(order, key)
    best.improve(until=begun + 0.5 * seconds)
    if known is not None:
        kept = Schedule(wanted)
        kept.keep(known, order, key)
        kept.improve(until=begun + 0.6 * seconds)
        best = min(kept, best, key=lambda one: one.cost)
    blocks = Blocks(best, wanted, key, solver=solver)
    is_complete = blocks.run(until=begun + seconds, good_enough=prices.bound * (1 + GOOD_ENOUGH))
    return best.chosen, prices, is_complete


def with_moves(columns: Columns, known: NDArray[np.int64]) -> Columns:
    """Return the columns with `MOVED` on those that are not where a patient who had a place was."""
    had = columns.machine[known] < len(columns.capacity) - 1
    cost = columns.cost + MOVED * had[columns.patient]
    cost[known[had]] -= MOVED
    return replace(columns, cost=cost)


def _by_regret(columns: Columns, key: NDArray[np.float64]) -> list[int]:
    """Return patients in the order of what it costs them not to get their best column."""
    starts = columns.starts
    gaps = []
    for begin, end in pairwise(starts):
        two = np.partition(key[begin:end], 1)[:2] if end - begin > 1 else np.zeros(2)
        gaps.append(float(two[1] - two[0]))
    return [int(one) for one in np.argsort(-np.array(gaps), kind="stable")]


def _by_reason(shut: tuple[tuple[str, str], ...]) -> str:
    """Return why machines are shut, those with the same reason together."""
    machines: dict[str, list[str]] = {}
    for machine, reason in shut:
        machines.setdefault(reason, []).append(machine)
    said = [f"{', '.join(names)}: {reason}" for reason, names in machines.items()]
    more = f"; and {len(said) - REASONS_SHOWN} more reasons" if len(said) > REASONS_SHOWN else ""
    return "; ".join(said[:REASONS_SHOWN]) + more


def placed_at(
    instance: Instance,
    columns: Columns,
    patient: PatientNeed,
    column: int,
    *,
    reason: str,
    would_help: str = "",
) -> Placed:
    """Return the place that a column is, with the words about it."""
    number = int(columns.machine[column])
    machine = instance.machine[number] if number < len(instance.machine) else None
    option = next((one for one in patient.options if machine and one.machine == machine.id), None)
    return Placed(
        patient=patient.id,
        machine=machine.id if machine else "",
        site=machine.site if machine else "",
        first_on=columns.days[int(columns.first[column])] if machine else None,
        delivery_class=option.delivery_class if option else "",
        waited_days=int(columns.first[column]) if machine else max(len(columns.days), instance.weekdays),
        loss=round(float(columns.loss[column]), 4),
        cost=round(float(columns.cost[column]), 4),
        reason=reason,
        would_help=would_help,
    )


class _Explaining:
    """Says for each patient why there."""

    def __init__(
        self,
        instance: Instance,
        columns: Columns,
        prices: Prices,
        announced: Announced,
        stays: frozenset[int],
    ) -> None:
        self._instance, self._columns, self._stays = instance, columns, stays
        self._kept, self._released = {*announced.kept, *announced.other_day}, set(announced.released)
        self._paid = reduced(columns, prices.slots, prices.staff)
        self._sites = {one.id: one.site for one in instance.machine}

    def of(self, chosen: NDArray[np.int64]) -> list[Placed]:
        """Return everybody's place with its reason."""
        return [
            self._one(number, patient, int(chosen[number]))
            for number, patient in enumerate(self._instance.patient)
        ]

    def _one(self, number: int, patient: PatientNeed, column: int) -> Placed:
        is_placed = int(self._columns.machine[column]) < len(self._instance.machine)
        reason, would_help = (
            (self._reason(number, patient, column), self._would_help(number, column))
            if is_placed
            else self._refusal(number, patient)
        )
        if patient.id in self._released:
            reason = f"the announced place on {patient.announced} cannot be kept; now: {reason}"
        return placed_at(self._instance, self._columns, patient, column, reason=reason, would_help=would_help)

    def _reason(self, number: int, patient: PatientNeed, column: int) -> str:
        columns = self._columns
        if patient.fixed:
            return "a person decided so" + self._price_of(column)
        if patient.begun_there and patient.announced:
            return "treatment has begun there" + self._pause(number, column)
        if patient.id in self._kept:
            return "announced, and kept" + self._price_of(column)
        best = self._best(number)
        if columns.cost[column] <= columns.cost[best] + 1e-9:
            return "the best of all places that fit this patient"
        wished = self._instance.machine[int(columns.machine[best])].id
        day, less = columns.days[int(columns.first[best])], columns.cost[column] - columns.cost[best]
        if number in self._stays and less <= MOVED:
            return f"{wished} from {day} costs {less:.2f} less: too little to leave the place before for"
        return f"{wished} from {day} costs {less:.2f} less, but its slots are worth more to others"

    def _pause(self, number: int, column: int) -> str:
        """Return until when a course that has begun has no slot, where it could go on before."""
        columns = self._columns
        begin, end = int(columns.starts[number]), int(columns.starts[number + 1]) - 1
        if int(columns.first[column]) <= int(columns.first[begin:end].min()):
            return ""
        return f"; it has no slot before {columns.days[int(columns.first[column])]}"

    def _price_of(self, column: int) -> str:
        """Return what the slots that were given away are worth to others."""
        paid = self._paid[column] - self._columns.cost[column]
        return f"; its slots are worth {paid:.2f} percent points to others" if paid > PRICE_SHOWN else ""

    def _best(self, number: int) -> int:
        begin, end = int(self._columns.starts[number]), int(self._columns.starts[number + 1])
        return begin + int(np.argmin(self._columns.cost[begin:end]))

    def _refusal(self, number: int, patient: PatientNeed) -> tuple[str, str]:
        begin, end = int(self._columns.starts[number]), int(self._columns.starts[number + 1])
        best = self._best(number)
        if end - begin > 1 and best == end - 1:
            return (
                "by the weights every place costs more than to have none: look at its travel",
                "a place that is nearer, or other weights",
            )
        if end - begin > 1:
            open_to = sorted(
                {self._instance.machine[int(one)].id for one in self._columns.machine[begin : end - 1]}
            )
            reason = f"every slot of {', '.join(open_to[:5])} serves patients to whom it is worth more"
            return reason, self._would_help(number, end - 1) or self._slot_words(best)
        if not patient.options:
            return (
                "no machine is named that could give any plan of this patient",
                "a machine that can give the plan",
            )
        return _by_reason(self._columns.shut[number]), "another machine, or that one of these no longer holds"

    def _would_help(self, number: int, column: int) -> str:
        """Return which slot more would give this patient the best place; "" where it is had already."""
        best = self._best(number)
        if self._columns.cost[column] <= self._columns.cost[best] + 1e-9:
            return ""
        return self._slot_words(best)

    def _slot_words(self, column: int) -> str:
        columns = self._columns
        if int(columns.machine[column]) == len(self._instance.machine):
            return ""
        machine = self._instance.machine[int(columns.machine[column])].id
        first, last = columns.days[int(columns.first[column])], columns.days[int(columns.after[column]) - 1]
        return f"one slot more a day on {machine} from {first} to {last}"
