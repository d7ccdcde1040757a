"""On which days an incident's department treats, as people said: gaps in the order are counted by them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.declaring import write
from beamkeeper.respond.gap.calendar_days import WEEKDAYS, Calendar
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow


def say_days(folder: IncidentFolder, days: Calendar, *, by: str, at: datetime) -> AuditRow:
    """Write down on which days nobody is treated; the last word counts."""
    holidays, service = sorted(days.holidays), sorted(days.service)
    treated = ", ".join(WEEKDAYS[one] for one in sorted(days.treatment_weekdays))
    return write(
        folder,
        Deed.DAYS_SAID,
        by=by,
        at=at,
        weekdays=sorted(days.treatment_weekdays),
        holidays=[str(one) for one in holidays],
        service=[str(one) for one in service],
        said=f"treated {treated}; {len(holidays)} public holidays, {len(service)} days without machine",
    )


def days_said(rows: Iterable[AuditRow]) -> Calendar | None:
    """Return what was said last; None where nobody said anything."""
    said = [row.details for row in rows if row.action == Deed.DAYS_SAID]
    if not said:
        return None
    weekdays, holidays, service = (
        [str(one) for one in listed] if isinstance(listed := said[-1].get(key), list) else []
        for key in ("weekdays", "holidays", "service")
    )
    return Calendar(
        treatment_weekdays=frozenset(map(int, weekdays)),
        holidays=frozenset(map(date.fromisoformat, holidays)),
        service=frozenset(map(date.fromisoformat, service)),
    )
