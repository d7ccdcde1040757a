"""Which session comes next, by what the OIS booked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.clock import local_date
from beamkeeper.domain.words import line, weekday_at

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.domain.census import Appointment
    from beamkeeper.domain.plan import Plan
    from beamkeeper.protect.dossier.source import DossierSource

NOT_BOOKED = "no session booked"
_HELD = frozenset({"done", "partial", "in_progress"})


def coming(source: DossierSource) -> tuple[Appointment, ...]:
    """Return what is booked from the instant of the paper on, the first first."""
    there = (item for item in source.entry.appointments if item.starts_at >= source.as_of)
    return tuple(sorted(there, key=lambda item: item.starts_at))


def is_machine(one: str, other: str) -> bool:
    """Return whether two names of a machine differ by case, blanks and dashes only."""
    first, second = (_folded(name) for name in (one, other))
    return first == second != ""


def _folded(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def next_session(source: DossierSource, plan: Plan) -> Appointment | None:
    """Return what is booked next on a machine of the plan; None where nothing is."""
    machines = plan.treatment_machine_names
    return next(
        (item for item in coming(source) if any(is_machine(item.machine, one) for one in machines)), None
    )


def unrecorded(source: DossierSource) -> tuple[str, ...]:
    """Return in words the sessions that an OIS calls begun or done and of which no record is here.

    Only of courses that were begun, and only what is later than the last record on that machine: before the
    first fraction a machine is booked to rehearse, too.
    """
    said = []
    for chart in source.entry.charts:
        for item in chart.past_appointments:
            last = _last_on(source, item.machine)
            if item.status not in _HELD or item.starts_at > source.as_of or last is None:
                continue
            if local_date(item.starts_at, source.zone) > local_date(last, source.zone):
                when = weekday_at(item.starts_at, source.zone)
                state = item.status.replace("_", " ")
                said.append(
                    f"{chart.source}: session of {when} on {line(item.machine)} ({state}), without a record."
                )
    return tuple(dict.fromkeys(said))


def _last_on(source: DossierSource, machine: str) -> datetime | None:
    """Return when a plan for a machine was last treated, by the records."""
    plans = {
        plan.sop_instance_uid
        for plan in source.plans
        if any(is_machine(machine, name) for name in plan.treatment_machine_names)
    }
    positions = () if source.position is None else source.position.plans
    lasts = (one.last_treated_at for one in positions if one.plan_uid in plans)
    return max((last for last in lasts if last is not None), default=None)


def when_words(source: DossierSource, plan: Plan) -> str:
    """Return when a plan is booked next: "Tue 2026-11-10 08:00, the day of this paper"; or that it is not."""
    booked = next_session(source, plan)
    if booked is not None:
        return session_words(source, booked)
    other = next(iter(coming(source)), None)
    if other is None:
        return NOT_BOOKED
    what = line(other.activity) or "something"
    where = f" on {line(other.machine)}" if line(other.machine) else ""
    return f"not on this machine; next is {what}{where}, {weekday_at(other.starts_at, source.zone)}"


def session_words(source: DossierSource, item: Appointment) -> str:
    """Return when a session is, and whether that is the day on which the paper was made."""
    days = (local_date(item.starts_at, source.zone) - local_date(source.as_of, source.zone)).days
    said = {0: "\nthe day of this paper", 1: "\nthe day after this paper"}.get(days, "")
    return weekday_at(item.starts_at, source.zone) + said
