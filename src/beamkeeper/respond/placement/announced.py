"""Places that were announced are kept: which of them can be, and what the whole would gain without.

A patient who was told of a place, and the house that expects them, are not told another one because the sum
became a little better. So an announced place is not a price among others: it stands, and what it costs the
others is shown. Where places can no longer all be kept (a machine is gone, slots were taken away), the most
urgent keep theirs, the others are placed anew, and who they are is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from beamkeeper.respond.placement.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.columns import Columns
    from beamkeeper.respond.placement.instance import Instance, PatientNeed


SAME: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What became of the places that were announced.

    Attributes
    ----------
    kept
        Patients who keep machine and day.
    other_day
        Patients who keep the machine; they cannot begin on the day that was announced.
    released
        Patients whose place cannot be kept.
    gain
        How much less the whole was found to cost if announced places could be changed, percent points; the
        changes themselves are taken off. 0 where nothing better was found.
    would_move
        Whose announced place would change then.
    """

    kept: tuple[str, ...] = ()
    other_day: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    gain: float = 0.0
    would_move: tuple[str, ...] = ()


NOTHING_ANNOUNCED: Final = Announced()


def holds(patient: PatientNeed) -> bool:
    """Return whether an announcement is what keeps a patient: nobody decided, and nothing has begun."""
    return bool(patient.announced) and not patient.fixed and not patient.begun_there


def keeping(instance: Instance, columns: Columns) -> tuple[Columns, NDArray[np.int64], Announced]:
    """Return the columns that keep every announced place that can be kept.

    With them, which of `columns` each is, and what became of each announced place.
    """
    if instance.move_announced or not any(map(holds, instance.patient)):
        return columns, np.arange(len(columns.cost)), NOTHING_ANNOUNCED
    schedule = Schedule(columns)
    wanted = np.ones(len(columns.cost), dtype=bool)
    held = np.zeros(len(instance.patient), dtype=bool)
    groups: dict[str, list[str]] = {"kept": [], "other_day": [], "released": []}
    for number in _in_order(instance):
        patient = instance.patient[number]
        begin, end = int(columns.starts[number]), int(columns.starts[number + 1]) - 1
        if not holds(patient):
            schedule.put(number, schedule.best_free(number))
            continue
        same = _announced(instance, columns, number)
        word = "kept" if same.any() else "other_day"
        if not same.any():
            same = _on(instance, columns, number, patient.announced)
        found = _best_of(schedule, columns, begin + np.flatnonzero(same))
        if found is None:
            groups["released"].append(patient.id)
            continue
        schedule.put(number, found)
        held[number], wanted[begin:end] = True, same
        groups[word].append(patient.id)
    made, which = columns.only(wanted, held)
    kept, other_day, released = (tuple(groups[name]) for name in ("kept", "other_day", "released"))
    return made, which, Announced(kept=kept, other_day=other_day, released=released)


def _in_order(instance: Instance) -> Iterator[int]:
    """Yield who can be bound to a place: whom a person decided for or who has begun, then by priority."""
    bound = (
        (holds(one), one.priority, number)
        for number, one in enumerate(instance.patient)
        if one.announced or one.fixed
    )
    return (number for _, _, number in sorted(bound))


def _on(instance: Instance, columns: Columns, number: int, machine: str) -> NDArray[np.bool_]:
    begin, end = int(columns.starts[number]), int(columns.starts[number + 1]) - 1
    index = next(at for at, one in enumerate(instance.machine) if one.id == machine)
    found: NDArray[np.bool_] = columns.machine[begin:end] == index
    return found


def _announced(instance: Instance, columns: Columns, number: int) -> NDArray[np.bool_]:
    """Return which of a patient's columns are the announced place: all days where none was named."""
    patient = instance.patient[number]
    begin, end = int(columns.starts[number]), int(columns.starts[number + 1]) - 1
    there = _on(instance, columns, number, patient.announced)
    if patient.announced_from is None:
        return there
    days = [columns.days[int(at)] == patient.announced_from for at in columns.first[begin:end]]
    found: NDArray[np.bool_] = there & np.array(days, dtype=bool)
    return found


def _best_of(schedule: Schedule, columns: Columns, among: NDArray[np.int64]) -> int | None:
    """Return the cheapest of some columns of one patient that has room; None where none has."""
    free = [int(one) for one in among if schedule.has_room(int(one))]
    return min(free, key=lambda one: float(columns.cost[one])) if free else None


def as_found(instance: Instance, columns: Columns, chosen: NDArray[np.int64], found: Announced) -> Announced:
    """Return the same with those kept who found no room at first, and have their place after all."""
    number_of = {one.id: number for number, one in enumerate(instance.patient)}
    there = {name for name in found.released if _is_there(instance, columns, chosen, number_of[name])}
    if not there:
        return found
    return replace(
        found,
        kept=(*found.kept, *(name for name in found.released if name in there)),
        released=tuple(name for name in found.released if name not in there),
    )


def _is_there(instance: Instance, columns: Columns, chosen: NDArray[np.int64], number: int) -> bool:
    begin, end = int(columns.starts[number]), int(columns.starts[number + 1]) - 1
    at = int(chosen[number])
    return at < end and bool(_announced(instance, columns, number)[at - begin])


def would_gain(
    instance: Instance,
    columns: Columns,
    chosen: NDArray[np.int64],
    found: Announced,
    *,
    until: float,
) -> Announced:
    """Return the same with what the whole would gain if announced places could be changed.

    Parameters
    ----------
    columns, chosen
        All of them, and which of them everybody has.
    """
    held = {*found.kept, *found.other_day}
    if not held:
        return found
    free = Schedule.of(columns, chosen)
    before = free.cost
    free.improve(until=until)
    other = np.flatnonzero(chosen != free.chosen)
    moved = tuple(one for one in (instance.patient[int(number)].id for number in other) if one in held)
    gain = before - free.cost
    return replace(found, gain=gain, would_move=moved) if moved and gain > SAME else found
