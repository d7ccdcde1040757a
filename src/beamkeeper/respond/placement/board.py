"""The board: a placement that is looked at, and what differs between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.respond.placement.columns import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.columns import Columns
    from beamkeeper.respond.placement.instance import Instance

Place = tuple[str, "date | None"]
"""Machine and first day; ("", None) for who has none."""
NOWHERE: Final = ("", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A placement as it stands.

    Attributes
    ----------
    chosen
        The column of each patient.
    """

    instance: Instance
    columns: Columns
    chosen: NDArray[np.int64]

    @property
    def cost(self) -> float:
        """By the objective of the instance, percent points."""
        return float(self.columns.cost[self.chosen].sum())

    def places(self) -> dict[str, Place]:
        """Return where everybody is."""
        return {one.id: self.place(number) for number, one in enumerate(self.instance.patient)}

    def place(self, number: int) -> Place:
        """Return where the patient of that number is."""
        machine = int(self.columns.machine[self.chosen[number]])
        if machine == len(self.instance.machine):
            return NOWHERE
        day = self.columns.days[int(self.columns.first[self.chosen[number]])]
        return self.instance.machine[machine].id, day

    def loss(self, number: int) -> float:
        """Return the tumour control that this patient loses there, percent points."""
        return float(self.columns.loss[self.chosen[number]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One patient whose place changes.

    Attributes
    ----------
    lost
        How much more tumour control it costs, percent points.
    was_told
        Whether the patient was told of a place.
    """

    patient: str
    before: Place
    after: Place
    lost: float
    was_told: bool = False

    @property
    def is_left_without(self) -> bool:
        """Whether there is no place any more for a patient who had one."""
        return self.after == NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move, and what comes of it.

    Attributes
    ----------
    refusal
        Why it cannot be made, and what would change it; "" when it can.
    price
        How much worse the whole placement becomes, percent points; negative where it becomes better.
    lost
        What of it is lost tumour control.
    moved
        Everybody whose place changes, the patient first.
    remarks
        What has to be known before it is taken.
    board
        The board after it; as it was where the move is refused.
    """

    patient: str
    wanted: Place
    refusal: str
    price: float
    lost: float
    moved: tuple[Moved, ...]
    remarks: tuple[str, ...]
    board: Board

    @property
    def displaced(self) -> tuple[Moved, ...]:
        """Everybody else whose place changes."""
        return tuple(one for one in self.moved if one.patient != self.patient)

    @property
    def hurt(self) -> tuple[Moved, ...]:
        """Of those displaced, who is left without a place, or was told of one: nobody is so by oversight."""
        return tuple(one for one in self.displaced if one.is_left_without or one.was_told)


def board_of(instance: Instance, places: Mapping[str, Place]) -> Board:
    """Return the board on which everybody stands at these places; who has no such place there has none."""
    columns = columns_of(instance)
    return Board(instance=instance, columns=columns, chosen=chosen_at(instance, columns, places))


def chosen_at(instance: Instance, columns: Columns, places: Mapping[str, Place]) -> NDArray[np.int64]:
    """Return the column of everybody's place; "refused" where there is none of it."""
    machines = {one.id: number for number, one in enumerate(instance.machine)}
    days = {day: index for index, day in enumerate(columns.days)}
    chosen = columns.starts[1:] - 1
    for number, patient in enumerate(instance.patient):
        machine, day = places.get(patient.id, NOWHERE)
        if machine not in machines or day not in days:
            continue
        begin, end = columns.starts[number], columns.starts[number + 1] - 1
        is_it = (columns.machine[begin:end] == machines[machine]) & (columns.first[begin:end] == days[day])
        found = np.flatnonzero(is_it)
        if len(found):
            chosen[number] = begin + found[0]
    return chosen


def moves_between(before: Board, after: Board, numbers: Iterable[int]) -> tuple[Moved, ...]:
    """Return whose place of these patients differs between two boards."""
    return tuple(
        Moved(
            patient=before.instance.patient[number].id,
            before=before.place(number),
            after=after.place(number),
            lost=after.loss(number) - before.loss(number),
            was_told=bool(before.instance.patient[number].announced),
        )
        for number in numbers
        if before.place(number) != after.place(number)
    )
