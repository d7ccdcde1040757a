"""What one move by hand costs, and whom it displaces, before anybody takes it.

`price` tries one move on a copy of a board: room is made where it costs least, whoever had to go gets the
best place that is left, nobody else is touched. What is shown is exactly what is taken: the move holds the
board as it would be.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from beamkeeper.domain.words import plural
from beamkeeper.respond.placement.board import NOWHERE, Board, Move, Moved, moves_between
from beamkeeper.respond.placement.columns import CLASSES, DECIDED, Making
from beamkeeper.respond.placement.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.board import Place
    from beamkeeper.respond.placement.columns import Columns
    from beamkeeper.respond.placement.instance import PatientNeed


def price(
    board: Board, patient: str, machine: str, first_on: date | None = None, *, today: date | None = None
) -> Move:
    """Return what it costs that a person puts a patient on a machine, from a day on.

    Parameters
    ----------
    first_on
        None for the best day that is free there.
    today
        Nobody gets a first day before it, and whose first day there is over is not displaced; None where no
        day is over.
    """
    return _moved(board, patient, fixed=machine, fixed_from=first_on, today=today)


def price_of_undoing(board: Board, patient: str, *, today: date | None = None) -> Move:
    """Return what it costs, or saves, that a person's decision for a patient no longer holds."""
    return _moved(board, patient, fixed="", fixed_from=None, today=today)


def _moved(board: Board, patient: str, *, fixed: str, fixed_from: date | None, today: date | None) -> Move:
    number = next(index for index, one in enumerate(board.instance.patient) if one.id == patient)
    need = board.instance.patient[number].model_copy(update={"fixed": fixed, "fixed_from": fixed_from})
    wanted = (fixed, fixed_from)
    making = Making(board.instance, board.columns.days, board.columns.capacity)
    rows, shut = making.of_patient(need), making.shut[0]
    if refusal := _refusal(board, need, rows, shut, today):
        return _refused(board, patient, wanted, refusal)
    columns, before, ways = _ways(board, number, rows, shut)
    from_day = bisect_left(columns.days, today) if today else 0
    ways = ways[columns.first[ways] >= from_day]
    schedule = Schedule.of(columns, before, from_day=from_day)
    schedule.take_out(number)
    found = (
        _put(schedule, number, ways, may_go, is_decided=bool(fixed))
        for may_go in _who_may_go(board, number, from_day)
    )
    if (out := next((one for one in found if one is not None), None)) is None:
        return _refused(board, patient, wanted, _full(board, fixed))
    schedule.put_in_again(out)
    people = board.instance.patient
    after = Board(
        instance=board.instance.model_copy(
            update={"patient": (*people[:number], need, *people[number + 1 :])}
        ),
        columns=columns,
        chosen=schedule.chosen,
    )
    others = (int(one) for one in np.flatnonzero(after.chosen != before) if one != number)
    moved = moves_between(board, after, (number, *others))
    return Move(
        patient=patient,
        wanted=after.place(number),
        refusal="",
        price=after.cost - _not_lost(after, number) - board.cost + _not_lost(board, number),
        lost=sum(one.lost for one in moved),
        moved=moved,
        remarks=tuple(_remarks(board, after, number, moved, from_day)),
        board=after,
    )


def _not_lost(board: Board, number: int) -> float:
    """Return what the solver counts so that nobody who is held is refused: no price, and nothing lost."""
    has_way = board.columns.starts[number + 1] - board.columns.starts[number] > 1
    is_refused = board.place(number) == NOWHERE and _is_held(board.instance.patient[number])
    return DECIDED if is_refused and has_way else 0.0


def _who_may_go(board: Board, number: int, from_day: int) -> tuple[Callable[[int], bool], ...]:
    """Return who may be displaced: first nobody who was told of a place; where that is not enough, they too.

    Never who began there or is at that house, for whom a person decided, or whose first day is over.
    """
    people, columns = board.instance.patient, board.columns

    def is_free(one: int) -> bool:
        is_over = int(columns.first[board.chosen[one]]) < from_day
        return one != number and not _is_held(people[one]) and not is_over

    return (lambda one: is_free(one) and not people[one].announced), is_free


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
    elif columns.cost[end - 1] != rows[-1, 3]:  # who is held is refused at another cost
        columns = columns.with_refusal(number, rows[-1, 3])
    order = np.argsort(rows[:-1, 3], kind="stable")
    return columns, chosen, np.array(ways, dtype=np.int64)[order]


def _is_held(patient: PatientNeed) -> bool:
    return bool(patient.fixed) or patient.is_bound


def _refusal(
    board: Board,
    need: PatientNeed,
    rows: NDArray[np.float64],
    shut: tuple[tuple[str, str], ...],
    today: date | None,
) -> str:
    """Return why a decision cannot be made, and what would change it; "" where it can be looked at."""
    if not need.fixed:
        return ""
    if today is not None and need.fixed_from is not None and need.fixed_from < today:
        return f"{need.fixed_from} is over; {today} is the first day that can be named"
    if len(rows) == 1:
        refusal = _why_not(board, need)
        return f"{refusal}{_more(shut, refusal)}"
    last = board.columns.days[int(rows[:-1, 1].max())]
    return f"no day is left on {need.fixed}: {last} was the last one" if today and last < today else ""


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


def _remarks(
    before: Board, board: Board, number: int, moved: tuple[Moved, ...], from_day: int
) -> Iterator[str]:
    """Yield what has to be known before a move is taken."""
    need, (machine, day) = board.instance.patient[number], board.place(number)
    was, was_on = before.place(number)
    option = next((one for one in need.options if one.machine == machine), None)
    if was_on is not None and before.columns.days.index(was_on) < from_day and not need.begun_there:
        yield f"{was_on} on {was} is over: if treatment began there, say so, and it is not split"
    if option is not None and day is not None:
        lead = board.instance.lead_days[CLASSES.index(option.delivery_class)]
        if not need.begun_there and board.columns.days.index(day) - from_day < lead:
            yield (
                f"class {option.delivery_class} usually takes {lead} treatment days before the first fraction"
            )
        if need.sent_there and machine != need.announced:
            yield f"the data went to the house of {need.announced}: it has to be told to delete them"
        if need.announced and (machine, day) != (need.announced, need.announced_from or day):
            yield f"{need.announced} was announced: call the patient and both sites"
    if (machine, day) == NOWHERE and was:
        told = ", and was told of one: call" if need.announced else ""
        yield f"the patient would have no place any more{told}"
    displaced = [one for one in moved if one.patient != need.id]
    if count := sum(one.is_left_without for one in displaced):
        yield f"{plural(count, 'patient')} would have no place any more"
    if count := sum(one.was_told for one in displaced):
        yield f"{plural(count, 'patient')} who must go elsewhere was told of the place already"
