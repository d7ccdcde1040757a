"""Appointments of a bundle in the journal, and those of earlier bundles that no longer stand."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from beamkeeper.clock import local_date
from beamkeeper.respond.handover import Session
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.handing_over import Agreed
    from beamkeeper.domain.audit import AuditRow


def told(standing: Iterable[Session]) -> list[dict[str, object]]:
    """Return what the journal keeps of the appointments that a bundle asks for."""
    return [
        {**asdict(one), "day": str(one.day), "starts_at": one.starts_at.isoformat()}
        for one in standing
        if one.starts_at is not None
    ]


def sessions_of(row: AuditRow) -> tuple[Session, ...]:
    """Return the appointments that the bundle of a journal line asked for."""
    said = row.details.get("sessions")
    return tuple(map(_session, said)) if isinstance(said, list) else ()


def cancelled(
    rows: Iterable[AuditRow],
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
    asked: dict[tuple[str, int, bool], Session] = {}
    for row in rows:
        is_of = (row.patient_pseudonym, row.details.get("to")) == (pseudonym, agreed.to.name)
        if row.action == Deed.PACKED and is_of:
            asked |= {_key(one): one for one in sessions_of(row)}
    now_on = {_key(one): one for one in standing}
    found = []
    for key, one in asked.items():
        still = now_on.get(key)
        is_moved = still is not None and (
            still.starts_at is not None or (one.starts_at and still.day == local_date(one.starts_at, zone))
        )
        if not is_moved and one.starts_at is not None and one.starts_at > now:
            found.append(one)
    return tuple(found)


def _key(session: Session) -> tuple[str, int, bool]:
    """Return what an appointment's number is made of: the same in a later bundle."""
    return session.plan_uid, session.fraction_number, session.is_rest


def _session(said: dict[str, object]) -> Session:
    starts_at = datetime.fromisoformat(str(said["starts_at"]))
    return Session(
        plan_uid=str(said["plan_uid"]),
        rt_plan_label=str(said["rt_plan_label"]),
        fraction_number=int(str(said["fraction_number"])),
        day=datetime.fromisoformat(str(said["day"])).date(),
        machine=str(said["machine"]),
        starts_at=starts_at,
        is_rest=bool(said["is_rest"]),
    )
