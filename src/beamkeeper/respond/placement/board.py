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
from beamkeeper.respond.placement.columns import CLASSES, Making, columns_of
from beamkeeper.respond.placement.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
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
    making = Making(board.instance, board.columns.days, board.columns.capacity)
    rows, shut = making.of_patient(need), making.shut[0]
    refusal = _why_not(board, need) if fixed and len(rows) == 1 else ""
    if refusal:
        return _refused(board, patient, wanted, f"{refusal}{_more(shut, refusal)}")
    columns, before, ways = _ways(board, number, rows, shut)
    schedule = Schedule.of(columns, before)
    schedule.take_out(number)
    people = board.instance.patient
    # First without anybody who was told of a place; only where that is not enough, with them.
    tries = (
        lambda one: one != number and not _is_held(people[one]) and not people[one].announced,
        lambda one: one != number and not _is_held(people[one]),
    )
    found = (_put(schedule, number, ways, one, is_decided=bool(fixed)) for one in tries)
    if (out := next((one for one in found if one is not None), None)) is None:
        return _refused(board, patient, wanted, _full(board, fixed))
    schedule.put_in_again(out)
    others = (*people[:number], need, *people[number + 1 :])
    after = Board(
        instance=board.instance.model_copy(update={"patient": others}),
        columns=columns,
        chosen=schedule.chosen,
    )
    others_moved = (int(one) for one in np.flatnonzero(after.chosen != before) if one != number)
    moved = tuple(_moves(board, after, (number, *others_moved)))
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
    schedule: Schedule,
    number: int,
    ways: NDArray[np.int64],
    may_go: Callable[[int], bool],
    *,
    is_decided: bool,
) -> tuple[int, ...] | None:
    """Put a patient in the best free column; where none is free, in the one that costs the others least.

    Parameters
    ----------
    ways
        The patient's columns, the cheapest first.
    """
    free = next((int(one) for one in ways if schedule.has_room(int(one))), None)
    if free is not None or not is_decided:
        if free is not None:
            schedule.put(number, free)
        return ()
    for column in map(int, ways):
        before = schedule.chosen.copy()
        out = schedule.make_room(column, may_go=may_go)
        if out is not None:
            schedule.put(number, column)
            return out
        for patient in np.flatnonzero(schedule.chosen != before):
            schedule.put(int(patient), int(before[patient]))
    return None


def _ways(
    board: Board, number: int, rows: NDArray[np.float64], shut: tuple[tuple[str, str], ...]
) -> tuple[Columns, NDArray[np.int64], NDArray[np.int64]]:
    """Return columns in which a patient has these rows, everybody's column, and the rows' by their cost.

    The columns of the board, where they have all of them: to copy those of 2,000 patients takes longer than
    everything else.
    """
    columns, chosen = board.columns, board.chosen
    begin, end = int(columns.starts[number]), int(columns.starts[number + 1])
    known = {
        key: begin + index
        for index, key in enumerate(
            zip(columns.machine[begin:end].tolist(), columns.first[begin:end].tolist(), strict=True)
        )
    }
    ways = [known.get((int(row[0]), int(row[1]))) for row in rows[:-1]]
    if None in ways:
        columns = columns.with_patient(number, rows, shut)
        chosen = chosen + (columns.starts[:-1] - board.columns.starts[:-1])
        chosen[number] = columns.starts[number + 1] - 1
        ways = [*range(begin, begin + len(rows) - 1)]
    order = np.argsort(rows[:-1, 3], kind="stable")
    return columns, chosen, np.array(ways, dtype=np.int64)[order]


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


def _moves(before: Board, after: Board, numbers: Iterable[int]) -> Iterator[Moved]:
    for number in numbers:
        if before.place(number) != after.place(number):
            yield Moved(
                patient=before.instance.patient[number].id,
                before=before.place(number),
                after=after.place(number),
                lost=after.loss(number) - before.loss(number),
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
    displaced = {one.patient for one in moved} - {need.id}
    if count := sum(bool(one.announced) for one in board.instance.patient if one.id in displaced):
        said.append(f"{plural(count, 'patient')} who must go elsewhere was told of the place already")
    return said
