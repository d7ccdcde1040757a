"""Appointments of a bundle in the journal, and what became of those of earlier bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.clock import local_date
from beamkeeper.respond.handover.appointments import appointment_id, latest, read_asked
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.handing_over import Agreed
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.handover import Session
    from beamkeeper.respond.handover.appointments import Asked


def asked_of(rows: Iterable[AuditRow], pseudonym: str, to: str) -> tuple[Asked, ...]:
    """Return what earlier bundles of a patient said to a house of appointments, in order."""
    found: list[Asked] = []
    for row in rows:
        is_of = (row.patient_pseudonym, row.details.get("to")) == (pseudonym, to)
        if row.action == Deed.PACKED and is_of:
            found += read_asked(row.details.get("appointments"))
    return tuple(found)


def cancelled(
    before: Iterable[Asked],
    pseudonym: str,
    standing: Sequence[Session],
    agreed: Agreed,
    *,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[Session, ...]:
    """Return what earlier bundles asked of the same house, is still to come, and no longer stands.

    A bundle without agreed days says nothing of appointments, unless somebody says that none stands. One
    whose fraction has a new time is moved by that, and not cancelled.
    """
    if not agreed.days and not agreed.cancels:
        return ()
    now_on = {appointment_id(pseudonym, one): one for one in standing}
    found = []
    for number, asked in latest(before).items():
        one, still = asked.session, now_on.get(number)
        if one.starts_at is None or one.starts_at <= now:
            continue
        if still is None or (still.starts_at is None and still.day != local_date(one.starts_at, zone)):
            found.append(one)
    return tuple(found)


def moved(before: Iterable[Asked], pseudonym: str, standing: Sequence[Session]) -> tuple[Session, ...]:
    """Return where appointments stood that this bundle has at another time or machine."""
    now_on = {appointment_id(pseudonym, one): one for one in standing if one.starts_at is not None}
    return tuple(
        one.session
        for number, one in latest(before).items()
        if number in now_on
        and not one.is_gone
        and one.place != (now_on[number].starts_at, now_on[number].machine)
    )
