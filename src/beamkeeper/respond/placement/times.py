"""At what time of day everybody comes: a machine's free slots, given out so that each keeps the same one.

A placement knows how many slots a machine has on a day. Where the partners' file also says when they begin
and how long each is, a patient gets the first slot that is free on most days of the course; two sessions of
a day lie six hours apart or have no time at all. Times that were told stay, and nobody else gets them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from beamkeeper.respond.placement.timetable import timetable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.instance import Instance, MachineSlots
    from beamkeeper.respond.placement.solving import Placed
    from beamkeeper.respond.placement.timetable import MachineDay


Session: TypeAlias = "tuple[date, time | None]"
"""Its day, and the time of day on the machine's wall; None where nobody knows one."""
Promised: TypeAlias = "Mapping[tuple[str, str, date], Sequence[time]]"
"""Times that were told, by patient, machine and day."""
APART: Final = timedelta(hours=6)
"""Between two sessions of a day, so that late-reacting tissue can repair (clinical.md 6.2)."""


def times_of(
    instance: Instance, placed: Sequence[Placed], promised: Promised
) -> Mapping[str, tuple[Session, ...]]:
    """Return the sessions of each patient with their times; None where nobody knows a time.

    Returns
    -------
    By patient, in order of day; two entries for two sessions a day.
    """
    by_machine: dict[str, list[MachineDay]] = defaultdict(list)
    for one in timetable(instance, placed):
        by_machine[one.machine].append(one)
    found: dict[str, tuple[Session, ...]] = {}
    for machine in instance.machine:
        days = by_machine[machine.id]
        if machine.first_slot_at is None:
            found |= _without(days)
            continue
        slots = _Slots(machine, days, promised)
        going = (one.patient for one in placed if one.machine == machine.id)
        found |= {patient: tuple(slots.given_to(patient)) for patient in going}
    return found


def clock_times(sessions: Iterable[Session], day: date | None) -> str:
    """Return when a patient comes on a day, "09:40" or "08:00 and 14:00"; "" where nobody knows it."""
    return " and ".join(f"{at:%H:%M}" for on, at in sessions if on == day and at is not None)


def _without(days: Iterable[MachineDay]) -> dict[str, tuple[Session, ...]]:
    found: dict[str, list[Session]] = defaultdict(list)
    for one in days:
        for session in one.sessions:
            found[session.patient] += [(one.day, None)] * session.per_day
    return {patient: tuple(sessions) for patient, sessions in found.items()}


class _Slots:
    """The slots of one machine, numbered from 0 on each day."""

    def __init__(self, machine: MachineSlots, days: Sequence[MachineDay], promised: Promised) -> None:
        self._minutes = machine.slot_minutes
        self._first = machine.first_slot_at or time()
        self._count = {one.day: one.slots for one in days}
        self._row = {day: row for row, day in enumerate(self._count)}
        most = max(self._count.values(), default=0)
        counts = np.fromiter(self._count.values(), dtype=np.int64)
        self._free = np.arange(most) < counts[:, np.newaxis]
        self._visits: dict[str, list[tuple[date, int]]] = defaultdict(list)
        for one in days:
            for session in one.sessions:
                self._visits[session.patient].append((one.day, session.per_day))
        self._told: dict[str, dict[date, Sequence[time]]] = defaultdict(dict)
        self._taken: dict[date, dict[int, str]] = defaultdict(dict)
        for (patient, there, day), times in promised.items():
            if there == machine.id:
                self._told[patient][day] = times
                self._take(day, (number for at in times for number in self._touched(at)), patient)

    def given_to(self, patient: str) -> Iterator[Session]:
        """Yield the sessions of the next patient, whose slots nobody gets any more."""
        visits, told = self._visits[patient], self._told[patient]
        first = {number for times in told.values() for number in self._touched(times[0])}
        wanted = [*sorted(first), *range(self._free.shape[1])]
        fitting = self._fitting(one for one in visits if one[0] not in told)
        usual = max(wanted, key=lambda number: fitting[number] if number < len(fitting) else 0, default=0)
        for day, per_day in visits:
            yield from ((day, at) for at in self._on(day, patient, per_day, usual))

    def _fitting(self, asked: Iterable[tuple[date, int]]) -> NDArray[np.int64]:
        """Return on how many of these days the visits can begin in each slot."""
        found = np.zeros(self._free.shape[1], dtype=np.int64)
        for day, per_day in asked:
            free = self._free[self._row[day]]
            fits = free.copy()
            for after in self._numbers(0, per_day)[1:]:
                last = max(0, len(free) - after)
                fits[:last] &= free[after:]
                fits[last:] = False
            found += fits
        return found

    def _take(self, day: date, numbers: Iterable[int], patient: str) -> None:
        for number in numbers:
            self._taken[day][number] = patient
            if day in self._row and number < self._free.shape[1]:
                self._free[self._row[day], number] = False

    def _on(self, day: date, patient: str, per_day: int, usual: int) -> Sequence[time | None]:
        told = self._told[patient].get(day, ())
        if len(told) == per_day:
            return told
        number = next(
            (n for n in (usual, *range(self._count[day])) if self._fits(patient, n, day, per_day)), None
        )
        if number is None:
            return (None,) * per_day
        numbers = self._numbers(number, per_day)
        self._take(day, numbers, patient)
        return tuple(map(self._at, numbers))

    def _fits(self, patient: str, number: int, day: date, per_day: int) -> bool:
        return all(
            n < self._count[day] and self._taken[day].get(n, patient) == patient
            for n in self._numbers(number, per_day)
        )

    def _numbers(self, first: int, per_day: int) -> tuple[int, ...]:
        apart = math.ceil(APART / timedelta(minutes=self._minutes))
        return tuple(first + apart * visit for visit in range(per_day))

    def _at(self, number: int) -> time:
        return (_on_a_day(self._first) + timedelta(minutes=self._minutes * number)).time()

    def _touched(self, at: time) -> range:
        """Return the slots that a session of a slot's length from a time on lies in."""
        begins = (_on_a_day(at) - _on_a_day(self._first)) / timedelta(minutes=self._minutes)
        return range(max(0, math.floor(begins)), max(0, math.ceil(begins + 1)))


def _on_a_day(at: time) -> datetime:
    return datetime.combine(date.min + timedelta(days=1), at)
