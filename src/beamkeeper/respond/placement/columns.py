"""Every way to place every patient, as arrays: machine, first day, day after the last, price.

Days are counted over the calendar of the instance. A patient holds `per_day` slots of a machine on each of
its open days from the first fraction on, without a break; one who is refused stands on a machine without end.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from beamkeeper.respond.placement.instance import Instance, Option, PatientNeed

CLASSES: Final = "ABC"
PLAN_AGAIN: Final = "C"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """All columns, those of one patient together; the last one of each is "refused".

    Attributes
    ----------
    starts
        Shape (patients + 1): where the columns of each patient begin.
    patient, machine, first, after
        Of each column: indices, the days [first, after) of the calendar. `machine` is the number of machines
        for "refused".
    cost, loss
        In percent points: the whole price, and what of it is lost tumour control.
    weight
        Slots taken on each day.
    prepared
        Shape (columns, 2): index of (site, day) in which a plan is made again, and of the one in which it is
        checked there; -1 where none is.
    capacity
        Shape (machines + 1, days): slots, and plenty where a machine is closed or there is none.
    staff
        Shape (2 × sites × days): plans made again, then plans checked.
    shut
        By patient, why options were left out: (machine, reason).
    """

    starts: NDArray[np.int64]
    patient: NDArray[np.int64]
    machine: NDArray[np.int64]
    first: NDArray[np.int64]
    after: NDArray[np.int64]
    cost: NDArray[np.float64]
    loss: NDArray[np.float64]
    weight: NDArray[np.int64]
    prepared: NDArray[np.int64]
    capacity: NDArray[np.float64]
    staff: NDArray[np.float64]
    days: tuple[date, ...]
    shut: tuple[tuple[tuple[str, str], ...], ...]

    def _rows(self) -> NDArray[np.float64]:
        """Return what `joined` makes them of."""
        parts = (self.machine, self.first, self.after, self.cost, self.loss, self.weight)
        return np.column_stack((*parts, self.prepared))

    def only(
        self, wanted: NDArray[np.bool_], refused: NDArray[np.bool_]
    ) -> tuple[Columns, NDArray[np.int64]]:
        """Return some of the columns, with "refused" of everybody, and which of these columns they are.

        Parameters
        ----------
        wanted
            Of each column whether it stays.
        refused
            Of each patient whether "refused" is taken only where nothing else can be.
        """
        rows = self._rows()
        ends = self.starts[1:] - 1
        rows[ends[refused], 3] += DECIDED
        stays = wanted.copy()
        stays[ends] = True
        counts = np.bincount(self.patient[stays], minlength=len(ends))
        made = joined(
            rows[stays], counts, capacity=self.capacity, staff=self.staff, days=self.days, shut=self.shut
        )
        return made, np.flatnonzero(stays)

    def with_patient(
        self, number: int, rows: NDArray[np.float64], shut: tuple[tuple[str, str], ...]
    ) -> Columns:
        """Return the same with the columns of one patient made anew."""
        begin, end = int(self.starts[number]), int(self.starts[number + 1])
        own = joined(
            rows,
            np.array([len(rows)]),
            capacity=self.capacity,
            staff=self.staff,
            days=self.days,
            shut=(shut,),
        )
        arrays: dict[str, Any] = {
            name: np.concatenate((getattr(self, name)[:begin], getattr(own, name), getattr(self, name)[end:]))
            for name in _BY_COLUMN
        }
        arrays["patient"][begin : begin + len(rows)] = number
        starts = self.starts.copy()
        starts[number + 1 :] += len(rows) - (end - begin)
        shut_all = (*self.shut[:number], shut, *self.shut[number + 1 :])
        return replace(self, starts=starts, shut=shut_all, **arrays)

    def with_refusal(self, number: int, cost: float) -> Columns:
        """Return the same with another cost of "refused" for one patient."""
        costs = self.cost.copy()
        costs[self.starts[number + 1] - 1] = cost
        return replace(self, cost=costs)


PLENTY: Final = 1e9
DECIDED: Final = 1000.0
"""Percent points: whom a person decided for, or who has begun, is refused only where nothing else can be."""
_FIELDS: Final = 8
_BY_COLUMN: Final = ("patient", "machine", "first", "after", "cost", "loss", "weight", "prepared")
_END: Final = "."
_PREPARED: Final = slice(6, 8)


def columns_of(instance: Instance) -> Columns:
    """Return every way to place every patient of an instance."""
    days = instance.calendar()
    capacity = capacity_of(instance, days)
    making = Making(instance, days, capacity)
    made = [making.of_patient(one) for one in instance.patient]
    return joined(
        np.concatenate(made) if made else np.zeros((0, _FIELDS)),
        np.array([len(one) for one in made], dtype=np.int64),
        capacity=capacity,
        staff=_staff(instance, len(days)),
        days=days,
        shut=tuple(making.shut),
    )


def joined(
    rows: NDArray[np.float64],
    counts: NDArray[np.int64],
    *,
    capacity: NDArray[np.float64],
    staff: NDArray[np.float64],
    days: tuple[date, ...],
    shut: tuple[tuple[tuple[str, str], ...], ...],
) -> Columns:
    """Return columns from rows as `Making.of_patient` gives them, so many for each patient."""
    whole = rows.astype(np.int64)
    return Columns(
        starts=np.concatenate(([0], np.cumsum(counts, dtype=np.int64))),
        patient=np.repeat(np.arange(len(counts)), counts),
        machine=whole[:, 0],
        first=whole[:, 1],
        after=whole[:, 2],
        cost=rows[:, 3],
        loss=rows[:, 4],
        weight=whole[:, 5],
        prepared=whole[:, _PREPARED],
        capacity=capacity,
        staff=staff,
        days=days,
        shut=shut,
    )


def capacity_of(instance: Instance, days: tuple[date, ...]) -> NDArray[np.float64]:
    """Return the slots of each machine on each day; plenty where it is closed, which no course counts."""
    capacity = np.full((len(instance.machine) + 1, max(len(days), 1)), PLENTY)
    for number, machine in enumerate(instance.machine):
        slots = [instance.slots_on(machine, day) for day in days]
        capacity[number, : len(days)] = [count or PLENTY for count in slots]
    return capacity


def _staff(instance: Instance, days: int) -> NDArray[np.float64]:
    plans = [float(one.replans_a_day) for one in instance.site]
    checks = [PLENTY if one.qa_a_day is None else float(one.qa_a_day) for one in instance.site]
    return np.repeat([*plans, *checks] or [0.0], max(days, 1))  # without sites there is still "nowhere"


class Making:
    """Makes the columns of one patient after the other."""

    def __init__(self, instance: Instance, days: tuple[date, ...], capacity: NDArray[np.float64]) -> None:
        self._instance, self._days = instance, days
        self._machines = {one.id: number for number, one in enumerate(instance.machine)}
        self._sites = {one.id: number for number, one in enumerate(instance.site)}
        self._open = [np.flatnonzero(row < PLENTY) for row in capacity[:-1]]
        self._from_day = bisect_left(days, instance.not_before) if instance.not_before else 0
        self._last_priority = max((one.priority for one in instance.patient), default=1)
        self.shut: list[tuple[tuple[str, str], ...]] = []

    def of_patient(self, patient: PatientNeed) -> NDArray[np.float64]:
        """Return rows of (machine, first, after, cost, loss, weight, planned, checked); "refused" is last."""
        shut: list[tuple[str, str]] = []
        rows: list[NDArray[np.float64]] = []
        for option in patient.options:
            reason = self._shut(patient, option)
            if reason:
                shut.append((option.machine, reason))
            else:
                found = self._on(patient, option)
                rows.append(found)
                if not len(found):
                    shut.append((option.machine, self._no_day(patient)))
        self.shut.append(tuple(shut))
        return np.concatenate([*rows, self._refused(patient, has_way=any(map(len, rows)))])

    def _shut(self, patient: PatientNeed, option: Option) -> str:
        """Return why an option is not open to a patient; "" when it is."""
        instance = self._instance
        machine = instance.machine[self._machines[option.machine]]
        site = instance.site[self._sites[machine.site]]
        if shut := instance.shut(machine):
            return shut
        if patient.fixed and option.machine != patient.fixed:
            return f"a person decided for {patient.fixed}"
        if patient.begun_there and patient.announced and option.machine != patient.announced:
            return f"treatment has begun on {patient.announced}"
        if patient.sent_there and patient.announced and not patient.fixed:
            house = instance.machine[self._machines[patient.announced]].site
            if machine.site != house:
                return f"the patient was handed over to {house}"
        why = f" ({option.why.rstrip(_END)})" if option.why else ""
        if option.delivery_class not in CLASSES:
            return f"the plan cannot be given there{why}"
        if option.delivery_class == PLAN_AGAIN and not site.replans_a_day and not patient.begun_there:
            return f"it has to be planned again{why}, and {site.id} plans none"
        if option.qa and site.qa_a_day == 0 and not patient.begun_there:
            return f"its plan has to be checked there, and {site.id} checks none"
        if not len(self._open[self._machines[option.machine]]):
            return "the machine has no slot for us on any day"
        most = max(machine.slots, *machine.other_days.values(), 0)
        if patient.per_day > most:
            return f"{patient.per_day} sessions a day are needed, and the machine has never more than {most}"
        return ""

    def _no_day(self, patient: PatientNeed) -> str:
        if patient.fixed_from is not None:
            return f"it cannot begin on {patient.fixed_from}, for which a person decided"
        return "no day is left in the horizon on which it could begin"

    def _refused(self, patient: PatientNeed, *, has_way: bool) -> NDArray[np.float64]:
        """Return the row of "refused"; where there is no other way, nobody is kept from it by its cost."""
        days = max(len(self._days), self._instance.weekdays)
        loss = self._loss(patient, np.array([float(days)]))
        is_last = has_way and (bool(patient.fixed) or patient.is_bound)
        refused = self._instance.weights.refused + (DECIDED if is_last else 0)
        cost = loss + self._waiting(patient, np.array([float(days)])) + refused
        return np.array([[len(self._machines), 0, 0, cost[0], loss[0], 0, -1, -1]], dtype=np.float64)

    def _on(self, patient: PatientNeed, option: Option) -> NDArray[np.float64]:
        number = self._machines[option.machine]
        is_new = option.delivery_class == PLAN_AGAIN
        lead = 0 if patient.begun_there else self._instance.lead_days[CLASSES.index(option.delivery_class)]
        days = self._open[number]
        if patient.fixed and patient.fixed_from is not None:
            wanted = [index for index, day in enumerate(self._days) if day == patient.fixed_from]
            days = days[np.isin(days, wanted)]
        else:
            days = days[(days >= self._from_day + lead) | self._is_announced(patient, option, days)]
        days = days[days >= self._from_day]
        rows = np.zeros((len(days), _FIELDS))
        waited = days.astype(np.float64)
        loss = self._loss(patient, waited)
        weights = self._instance.weights
        visits = patient.fractions_left / patient.per_day
        fixed = weights.travel_a_visit_hour * visits * 2 * option.travel_min / 60
        rows[:, 0], rows[:, 1], rows[:, 5] = number, days, patient.per_day
        rows[:, 2] = self._after(number, days, -(-patient.fractions_left // patient.per_day))
        rows[:, 3] = loss + self._waiting(patient, waited) + fixed + self._changed(patient, option, days)
        rows[:, 4] = loss
        site = self._sites[self._instance.machine[number].site]
        before = np.maximum(days - 1, 0)
        begun = patient.begun_there
        rows[:, 6] = site * len(self._days) + before if is_new and not begun else -1
        checked = (len(self._sites) + site) * len(self._days) + before
        rows[:, 7] = checked if option.qa and not begun else -1
        return rows

    def _is_announced(
        self, patient: PatientNeed, option: Option, days: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return which days were announced: the work before the first fraction was agreed with them."""
        if option.machine != patient.announced or patient.announced_from is None:
            return np.zeros(len(days), dtype=bool)
        return np.array([self._days[index] == patient.announced_from for index in days], dtype=bool)

    def _changed(
        self, patient: PatientNeed, option: Option, days: NDArray[np.int64]
    ) -> NDArray[np.float64] | float:
        """Return what it costs that something else was announced."""
        change = self._instance.weights.change
        if not patient.announced or patient.begun_there:
            return 0.0
        if option.machine != patient.announced:
            return change
        if patient.announced_from is None:
            return 0.0
        return np.where(self._is_announced(patient, option, days), 0.0, change)

    def _after(self, number: int, days: NDArray[np.int64], visits: int) -> NDArray[np.int64]:
        """Return the day after the last visit, which may lie behind the horizon."""
        open_days = self._open[number]
        last = np.searchsorted(open_days, days) + visits - 1
        inside = last < len(open_days)
        ends: NDArray[np.int64] = np.where(
            inside, open_days[np.minimum(last, len(open_days) - 1)] + 1, len(self._days)
        )
        return ends

    def _loss(self, patient: PatientNeed, waited: NDArray[np.float64]) -> NDArray[np.float64]:
        a_day = self._instance.weights.loss_a_day[patient.category - 1]
        found: NDArray[np.float64] = a_day * np.maximum(0.0, waited - patient.days_to_spare)
        return found

    def _waiting(self, patient: PatientNeed, waited: NDArray[np.float64]) -> NDArray[np.float64]:
        share = 1 - (patient.priority - 1) / max(self._last_priority, 1)
        return self._instance.weights.priority_a_day * share * waited
