"""On which days an incident's department treats, as people said: gaps in the order are counted by them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from beamkeeper.domain.words import plural
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
    return folder.journal.note(
        Deed.DAYS_SAID,
        by=by,
        at=at,
        weekdays=sorted(days.treatment_weekdays),
        holidays=[str(one) for one in holidays],
        service=[str(one) for one in service],
        make_up_weekdays=sorted(days.make_up_weekdays),
        make_up_on=[str(one) for one in sorted(days.make_up_on)],
        said=f"treated {treated}; {plural(len(holidays), 'public holiday')}, "
        f"{plural(len(service), 'day')} without machine",
    )


def days_said(rows: Iterable[AuditRow]) -> Calendar | None:
    """Return what was said last; None where nobody said anything."""
    said = [row.details for row in rows if row.action == Deed.DAYS_SAID]
    if not said:
        return None
    weekdays, holidays, service, make_up_weekdays, make_up_on = (
        [str(one) for one in listed] if isinstance(listed := said[-1].get(key), list) else []
        for key in ("weekdays", "holidays", "service", "make_up_weekdays", "make_up_on")
    )
    return Calendar(
        treatment_weekdays=frozenset(map(int, weekdays)),
        make_up_weekdays=frozenset(map(int, make_up_weekdays)),
        make_up_on=frozenset(map(date.fromisoformat, make_up_on)),
        holidays=frozenset(map(date.fromisoformat, holidays)),
        service=frozenset(map(date.fromisoformat, service)),
    )
