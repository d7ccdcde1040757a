"""A placement by days: who is treated where on each day, who begins, who ends, what is free."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from beamkeeper.respond.placement.instance import Instance
    from beamkeeper.respond.placement.solving import Placed


@dataclass(frozen=True, slots=True)
class Session:
    """One day of one patient on a machine: visit `number` of `count`, some of which lie after the horizon."""

    patient: str
    number: int
    count: int
    per_day: int


@dataclass(frozen=True, slots=True)
class MachineDay:
    """One machine on one day."""

    day: date
    machine: str
    slots: int
    sessions: tuple[Session, ...]

    @property
    def free(self) -> int:
        """Slots that nobody has."""
        return self.slots - sum(one.per_day for one in self.sessions)


def timetable(instance: Instance, placed: Iterable[Placed]) -> tuple[MachineDay, ...]:
    """Return every machine that may be used on every day on which it treats, in the order of both."""
    open_days = {
        machine.id: {day: slots for day in instance.calendar() if (slots := instance.slots_on(machine, day))}
        for machine in instance.machine
        if not instance.shut(machine)
    }
    sessions = _sessions(instance, placed, open_days)
    return tuple(
        MachineDay(
            day=day,
            machine=machine.id,
            slots=open_days[machine.id][day],
            sessions=tuple(sessions[day, machine.id]),
        )
        for day in instance.calendar()
        for machine in instance.machine
        if day in open_days.get(machine.id, {})
    )


def _sessions(
    instance: Instance, placed: Iterable[Placed], open_days: Mapping[str, Mapping[date, int]]
) -> Mapping[tuple[date, str], list[Session]]:
    needs = {one.id: one for one in instance.patient}
    found: dict[tuple[date, str], list[Session]] = defaultdict(list)
    for one in placed:
        if one.first_on is None:
            continue
        need = needs[one.patient]
        count = -(-need.fractions_left // need.per_day)
        days = (day for day in open_days[one.machine] if day >= one.first_on)
        for number, day in enumerate(islice(days, count), start=1):
            found[day, one.machine].append(Session(one.patient, number, count, need.per_day))
    return found
