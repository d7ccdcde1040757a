"""The board as rows and days: everybody under the machine they go to, who has no place first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from beamkeeper.respond.placement.times import clock_times
from beamkeeper.respond.placement.timetable import timetable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from beamkeeper.respond.placement.drafting import LeftOut
    from beamkeeper.respond.placement.instance import Instance, MachineSlots, PatientNeed
    from beamkeeper.respond.placement.solving import Placed
    from beamkeeper.respond.placement.times import Session as Visit
    from beamkeeper.respond.placement.timetable import MachineDay, Session

WEEK_DAYS: Final = 7
_SATURDAY: Final = 5
_NO_TIMES: Final[Mapping[str, tuple[Visit, ...]]] = MappingProxyType({})
NOT_NAMED: Final = "-"
"""In a patient's classes: a machine that is never used, or that nobody has held against the plans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A column; `kind` is "weekend", "holiday", or ""."""

    on: date
    kind: str
    is_today: bool
    is_over: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of a patient: which session it is, "" on a day without one; at what time, where that is known."""

    text: str = ""
    kind: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """A day of a machine that treats for us: slots taken of those there are, and how many begin."""

    on: date
    used: int
    slots: int
    begin: int

    @property
    def free(self) -> int:
        """Slots that nobody has."""
        return max(0, self.slots - self.used)

    @property
    def is_full(self) -> bool:
        """Whether somebody would have to go."""
        return self.used >= self.slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A patient who is in the placement.

    Attributes
    ----------
    fits
        A letter for each machine of the board, in its order: class A to D, or `NOT_NAMED`; "" for who may not
        be moved since treatment has begun there.
    """

    need: PatientNeed
    placed: Placed
    fits: str

    @property
    def has_begun(self) -> bool:
        """Whether treatment has begun where the patient stands."""
        return self.need.begun_there and bool(self.need.announced)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that stand together: those of one machine; None for who has no place, or nobody seeks one."""

    machine: MachineSlots | None
    rows: tuple[Row, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    goes_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Everything of a placement that its board shows, made once for each version.

    Attributes
    ----------
    machines
        Those of one site beside each other.
    rows
        Who has no place first, then by machine; each in the order of triage.
    """

    machines: tuple[MachineSlots, ...]
    rows: tuple[Row, ...]
    slots: Mapping[tuple[str, date], Slots]
    sessions: Mapping[str, Mapping[date, Session]]
    times: Mapping[str, Mapping[date, str]]

    def cells(self, patient: str, days: Iterable[Day]) -> list[Cell]:
        """Return the days of a patient."""
        known, at = self.sessions.get(patient, {}), self.times.get(patient, {})
        return [_cell(known.get(day.on), at.get(day.on, "")) for day in days]

    def machine_cells(self, machine: str, days: Iterable[Day]) -> list[Slots | None]:
        """Return the days of a machine; None where it does not treat for us."""
        return [self.slots.get((machine, day.on)) for day in days]


def grid_of(
    instance: Instance, placed: Sequence[Placed], times: Mapping[str, tuple[Visit, ...]] = _NO_TIMES
) -> Grid:
    """Return the board of a placement; `times` by patient, where the partners' file says when slots begin."""
    machines = _by_site(instance)
    open_to_us = frozenset(one.id for one in machines if not instance.shut(one))
    order = {one.id: number for number, one in enumerate(machines, start=1)}
    needs = {one.id: one for one in instance.patient}
    rows = [
        Row(need=needs[one.patient], placed=one, fits=_fits(needs[one.patient], machines, open_to_us))
        for one in placed
    ]
    rows.sort(key=lambda row: (order.get(row.placed.machine, 0), row.need.priority))
    found = timetable(instance, placed)
    sessions: dict[str, dict[date, Session]] = defaultdict(dict)
    for one in found:
        for session in one.sessions:
            sessions[session.patient][one.day] = session
    return Grid(
        machines=machines,
        rows=tuple(rows),
        slots={(one.machine, one.day): _slots(one) for one in found},
        sessions=sessions,
        times={
            patient: {day: clock_times(them, day) for day, at in them if at is not None}
            for patient, them in times.items()
        },
    )


def days_shown(instance: Instance, begin: date, weeks: int, today: date) -> tuple[Day, ...]:
    """Return whole weeks, from the Monday of `begin`'s on."""
    monday = begin - timedelta(days=begin.weekday())
    days = (monday + timedelta(days=number) for number in range(weeks * WEEK_DAYS))
    holidays = frozenset(instance.holidays)
    return tuple(
        Day(
            on=day,
            kind="holiday" if day in holidays else "weekend" if day.weekday() >= _SATURDAY else "",
            is_today=day == today,
            is_over=day < today,
        )
        for day in days
    )


def grouped(
    grid: Grid, shown: Sequence[Row | LeftOut], *, before: Row | LeftOut | None = None
) -> tuple[Group, ...]:
    """Return rows of a page under their machines.

    Parameters
    ----------
    before
        The row above the first one, on the page before: a group that goes on says so.
    """
    machines = {one.id: one for one in grid.machines}
    by_group: dict[str | None, list[Row | LeftOut]] = defaultdict(list)
    for one in shown:
        by_group[_group(one)].append(one)
    return tuple(
        Group(
            machine=machines.get(key or ""),
            rows=tuple(one for one in them if isinstance(one, Row)),
            left_out=tuple(one for one in them if not isinstance(one, Row)),
            goes_on=before is not None and _group(before) == key,
        )
        for key, them in by_group.items()
    )


def _group(one: Row | LeftOut) -> str | None:
    return one.placed.machine if isinstance(one, Row) else None


def _by_site(instance: Instance) -> tuple[MachineSlots, ...]:
    sites = {one.id: number for number, one in enumerate(instance.site)}
    return tuple(sorted(instance.machine, key=lambda one: sites[one.site]))


def _fits(need: PatientNeed, machines: Iterable[MachineSlots], open_to_us: frozenset[str]) -> str:
    if need.begun_there and need.announced:
        return ""
    classes = {one.machine: one.delivery_class for one in need.options if one.machine in open_to_us}
    return "".join(classes.get(one.id, NOT_NAMED) for one in machines)


def _slots(one: MachineDay) -> Slots:
    return Slots(
        on=one.day,
        used=one.slots - one.free,
        slots=one.slots,
        begin=sum(session.number == 1 for session in one.sessions),
    )


def _cell(one: Session | None, at: str) -> Cell:
    if one is None:
        return Cell()
    is_last = one.number == one.count
    kind = "first" if one.number == 1 else "last" if is_last else "on"
    return Cell(f"{one.number}{'■' if is_last else ''}", kind, at)
