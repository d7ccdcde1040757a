"""Prices of slots, and a bound that no placement can be better than (Lagrangian relaxation, subgradient).

Each slot of each machine and day, and each plan a day of each site, gets a price; every patient then takes
the cheapest column alone. What they pay together less what all slots are worth is a lower bound for any
prices, and prices that balance demand make it a sharp one. A column's price is a difference of two running
sums, so that a round costs a few milliseconds.

References
----------
M. L. Fisher, "The Lagrangian relaxation method for solving integer programming problems", Management Science
27 (1981) 1-18.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beamkeeper.respond.placement.columns import Columns

ROUNDS: Final = 900
PATIENCE: Final = 12
STEP_FIRST: Final = 1.6
STEP_LAST: Final = 2e-3
STEP_SHRINKS: Final = 0.65


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What slots and staff are worth.

    Attributes
    ----------
    slots
        Shape (machines + 1, days), percent points for one session.
    staff
        Shape (2 × sites × days), percent points for one plan made again, or checked.
    bound
        No placement costs less.
    """

    slots: NDArray[np.float64]
    staff: NDArray[np.float64]
    bound: float


def reduced(columns: Columns, slots: NDArray[np.float64], staff: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cost of every column with what it takes at these prices."""
    sums = np.zeros((slots.shape[0], slots.shape[1] + 1))
    np.cumsum(slots, axis=1, out=sums[:, 1:])
    taken = sums[columns.machine, columns.after] - sums[columns.machine, columns.first]
    found: NDArray[np.float64] = columns.cost + columns.weight * taken
    for prepared in columns.prepared.T:
        is_needed = prepared >= 0
        found[is_needed] += staff[prepared[is_needed]]
    return found


def usage(columns: Columns, chosen: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return slots and work of the staff that the chosen columns take together."""
    machines, days = columns.capacity.shape
    steps = np.zeros((machines, days + 1))
    np.add.at(steps, (columns.machine[chosen], columns.first[chosen]), columns.weight[chosen])
    np.add.at(steps, (columns.machine[chosen], columns.after[chosen]), -columns.weight[chosen])
    prepared = columns.prepared[chosen]
    staff = np.bincount(prepared[prepared >= 0], minlength=len(columns.staff)).astype(np.float64)
    return np.cumsum(steps, axis=1)[:, :days], staff


def price(columns: Columns, known_cost: float, *, until: float, rounds: int = ROUNDS) -> Prices:
    """Return balancing prices and the bound they prove.

    Parameters
    ----------
    known_cost
        What some placement costs: how far the bound can rise.
    until
        `time.monotonic()` after which the best prices so far are returned.
    """
    first = columns.starts[:-1]
    slots, staff = np.zeros_like(columns.capacity), np.zeros_like(columns.staff)
    best = Prices(slots=slots, staff=staff, bound=-np.inf)
    step, since = STEP_FIRST, 0
    for _ in range(rounds):
        costs = reduced(columns, slots, staff)
        least = np.minimum.reduceat(costs, first)
        finite = columns.capacity < 1e8  # noqa: PLR2004 - PLENTY is no capacity
        worth = float((slots * columns.capacity)[finite].sum() + (staff * columns.staff).sum())
        bound = float(least.sum()) - worth
        if bound > best.bound + 1e-9 * abs(bound):
            best, since = Prices(slots=slots, staff=staff, bound=bound), 0
        elif (since := since + 1) >= PATIENCE:
            step, since = step * STEP_SHRINKS, 0
            slots, staff = best.slots, best.staff
            if step < STEP_LAST:
                break
            costs = reduced(columns, slots, staff)
            least = np.minimum.reduceat(costs, first)
            bound = best.bound
        chosen = _cheapest(columns, costs, least)
        over = [
            used - there
            for used, there in zip(usage(columns, chosen), (columns.capacity, columns.staff), strict=True)
        ]
        over[0][~finite] = 0.0
        over = [
            np.where((now <= 0) & (one < 0), 0.0, one) for now, one in zip((slots, staff), over, strict=True)
        ]
        length = float(sum((one * one).sum() for one in over))
        if length <= 0 or known_cost <= bound or time.monotonic() > until:
            break
        stride = step * (known_cost - bound) / length
        slots, staff = np.maximum(0, slots + stride * over[0]), np.maximum(0, staff + stride * over[1])
    return best


def _cheapest(columns: Columns, costs: NDArray[np.float64], least: NDArray[np.float64]) -> NDArray[np.int64]:
    is_least = costs <= least[columns.patient] + 1e-12
    found: NDArray[np.int64] = np.maximum.reduceat(
        np.where(is_least, np.arange(len(costs)), -1), columns.starts[:-1]
    )
    return found
