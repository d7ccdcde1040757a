"""The board: what one move by hand costs, and whom it displaces, before anybody takes it.

A board is a placement that is looked at. `price` tries one move on a copy: room is made where it costs least,
whoever had to go gets the best place that is left, nobody else is touched. What is shown is exactly what is
taken: the move holds the board as it would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.domain.words import plural
from beamkeeper.respond.placement.columns import CLASSES, Making, capacity_of, columns_of, joined
from beamkeeper.respond.placement.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.columns import Columns
    from beamkeeper.respond.placement.instance import Instance, PatientNeed

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
    """One patient whose place changes; `lost` is how much more tumour control it costs, percent points."""

    patient: str
    before: Place
    after: Place
    lost: float


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


def price(board: Board, patient: str, machine: str, first_on: date | None = None) -> Move:
    """Return what it costs that a person puts a patient on a machine, from a day on.

    Parameters
    ----------
    first_on
        None for the best day that is free there.
    """
    return _moved(board, patient, fixed=machine, fixed_from=first_on)


def price_of_undoing(board: Board, patient: str) -> Move:
    """Return what it costs, or saves, that a person's decision for a patient no longer holds."""
    return _moved(board, patient, fixed="", fixed_from=None)


def _moved(board: Board, patient: str, *, fixed: str, fixed_from: date | None) -> Move:
    number = next(index for index, one in enumerate(board.instance.patient) if one.id == patient)
    need = board.instance.patient[number].model_copy(update={"fixed": fixed, "fixed_from": fixed_from})
    wanted = (fixed, fixed_from)
    columns, shut = _with(board, number, need)
    refusal = _why_not(board, need) if fixed and len(_of(columns, number)) == 1 else ""
    if refusal:
        return _refused(board, patient, wanted, f"{refusal}{_more(shut, refusal)}")
    schedule = Schedule.of(columns, _as_before(board, columns, number))
    schedule.take_out(number)
    held = {index for index, one in enumerate(board.instance.patient) if _is_held(one)} | {number}
    told = {index for index, one in enumerate(board.instance.patient) if one.announced}
    # First without anybody who was told of a place; only where that is not enough, with them.
    tries = (held | told, held)
    found = (_put(schedule, columns, number, one, is_decided=bool(fixed)) for one in tries)
    if (out := next((one for one in found if one is not None), None)) is None:
        return _refused(board, patient, wanted, _full(board, fixed))
    schedule.put_in_again(out)
    others = (*board.instance.patient[:number], need, *board.instance.patient[number + 1 :])
    after = Board(
        instance=board.instance.model_copy(update={"patient": others}),
        columns=columns,
        chosen=schedule.chosen,
    )
    moved = _difference(board, after, number)
    return Move(
        patient=patient,
        wanted=after.place(number),
        refusal="",
        price=after.cost - board.cost,
        lost=sum(one.lost for one in moved),
        moved=moved,
        remarks=tuple(_remarks(after, need, after.place(number), moved)),
        board=after,
    )


def _put(
    schedule: Schedule, columns: Columns, number: int, held: set[int], *, is_decided: bool
) -> tuple[int, ...] | None:
    """Put a patient in the best free column; where none is free, in the one that costs the others least."""
    begin, end = (int(one) for one in columns.starts[number : number + 2])
    free = schedule.best_free(number)
    if free < end - 1 or not is_decided:
        schedule.put(number, free)
        return ()
    for column in begin + np.argsort(columns.cost[begin : end - 1], kind="stable"):
        before = schedule.chosen.copy()
        out = schedule.make_room(int(column), held=held)
        if out is not None:
            schedule.put(number, int(column))
            return out
        for patient in np.flatnonzero(schedule.chosen != before):
            schedule.put(int(patient), int(before[patient]))
    return None


def _with(board: Board, number: int, need: PatientNeed) -> tuple[Columns, tuple[tuple[str, str], ...]]:
    """Return the columns with those of one patient made anew, and what is shut to this patient."""
    old = board.columns
    making = Making(board.instance, old.days, capacity_of(board.instance, old.days))
    made = making.of_patient(need)
    shut = (*old.shut[:number], *making.shut, *old.shut[number + 1 :])
    begin, end = int(old.starts[number]), int(old.starts[number + 1])
    rows = old.rows()
    parts = [rows[:begin], made, rows[end:]]
    counts = np.diff(old.starts)
    counts[number] = len(made)
    columns = joined(
        np.concatenate(parts), counts, capacity=old.capacity, staff=old.staff, days=old.days, shut=shut
    )
    return columns, making.shut[0]


def _as_before(board: Board, columns: Columns, number: int) -> NDArray[np.int64]:
    """Return everybody's column by the new numbers; the patient has none."""
    chosen = board.chosen + (columns.starts[:-1] - board.columns.starts[:-1])
    chosen[number] = columns.starts[number + 1] - 1
    return chosen


def _of(columns: Columns, number: int) -> NDArray[np.float64]:
    return columns.cost[columns.starts[number] : columns.starts[number + 1]]


def _is_held(patient: PatientNeed) -> bool:
    return bool(patient.fixed) or patient.is_bound


def _why_not(board: Board, need: PatientNeed) -> str:
    if need.begun_there and need.announced and need.announced != need.fixed:
        return f"treatment has begun on {need.announced}; a course is not split between machines"
    if all(option.machine != need.fixed for option in need.options):
        return f"nobody has said that {need.fixed} could give the plan"
    if need.fixed_from is not None and need.fixed_from not in board.columns.days:
        return f"{need.fixed_from} is no treatment day of this placement"
    return f"{need.fixed} is not open to this patient"


def _more(shut: tuple[tuple[str, str], ...], refusal: str) -> str:
    reasons = [reason for _, reason in shut if not reason.startswith("a person decided for")]
    return "" if not reasons or "begun" in refusal else f": {reasons[0]}"


def _full(board: Board, machine: str) -> str:
    there = [
        one.id
        for number, one in enumerate(board.instance.patient)
        if _is_held(one) and board.place(number)[0] == machine
    ]
    held = f" ({len(there)} of them began there, or a person decided for them)" if there else ""
    return f"every slot of {machine} on these days is held by patients who may not be moved{held}"


def _refused(board: Board, patient: str, wanted: Place, refusal: str) -> Move:
    return Move(
        patient=patient,
        wanted=wanted,
        refusal=refusal,
        price=0.0,
        lost=0.0,
        moved=(),
        remarks=(),
        board=board,
    )


def _difference(before: Board, after: Board, first: int) -> tuple[Moved, ...]:
    numbers = [first, *(one for one in range(len(before.chosen)) if one != first)]
    return tuple(
        Moved(
            patient=before.instance.patient[number].id,
            before=before.place(number),
            after=after.place(number),
            lost=after.loss(number) - before.loss(number),
        )
        for number in numbers
        if before.place(number) != after.place(number)
    )


def _remarks(board: Board, need: PatientNeed, place: Place, moved: tuple[Moved, ...]) -> list[str]:
    machine, day = place
    option = next((one for one in need.options if one.machine == machine), None)
    if option is None or day is None:
        return []
    said = []
    lead = board.instance.lead_days[CLASSES.index(option.delivery_class)]
    if not need.begun_there and board.columns.days.index(day) < lead:
        said.append(
            f"class {option.delivery_class} usually takes {lead} treatment days before the first fraction"
        )
    if need.sent_there and machine != need.announced:
        said.append(f"the data went to the house of {need.announced}: it has to be told to delete them")
    if need.announced and (machine, day) != (need.announced, need.announced_from or day):
        said.append(f"{need.announced} was announced: call the patient and both sites")
    told = {one.id for one in board.instance.patient if one.announced} - {need.id}
    if count := sum(one.patient in told for one in moved):
        said.append(f"{plural(count, 'patient')} who must go elsewhere was told of the place already")
    return said
