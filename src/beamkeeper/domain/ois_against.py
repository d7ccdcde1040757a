"""What an OIS says against the count of one plan: a plan it calls closed, a treatment no record shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.census import CensusEntry
    from beamkeeper.domain.position import PlanPosition

_CLOSED = frozenset({"done", "superseded", "rejected"})


def ois_against(
    entry: CensusEntry, position: PlanPosition | None, plan_uid: str, zone: ZoneInfo
) -> tuple[str, ...]:
    """Return in words what the OIS says that the position of a plan does not show; each once.

    Parameters
    ----------
    position
        None when the plan was not counted.
    zone
        On whose calendar a treatment is of a later day.
    """
    return tuple(
        dict.fromkeys((*_closed(entry, position, plan_uid), *_later(entry, position, plan_uid, zone)))
    )


def closed_by_ois(entry: CensusEntry, plan_uid: str) -> Iterator[str]:
    """Yield, in words, what the OIS calls a plan that it does not treat by any more."""
    for chart in entry.charts:
        for listed in chart.plans:
            if listed.plan_uid == plan_uid != "" and listed.status in _CLOSED:
                yield f"{chart.source} calls this plan {listed.status}."


def _closed(entry: CensusEntry, position: PlanPosition | None, plan_uid: str) -> Iterator[str]:
    if position is None or not position.is_over:
        yield from closed_by_ois(entry, plan_uid)


def _later(entry: CensusEntry, position: PlanPosition | None, plan_uid: str, zone: ZoneInfo) -> Iterator[str]:
    def day(instant: datetime) -> date:
        return instant.astimezone(zone).date()

    seen = position.last_treated_at if position is not None else None
    for count in entry.counts:
        known = count.last_treated_at if count.plan_uid == plan_uid else None
        if known is not None and (seen is None or day(known) > day(seen)):
            yield f"{count.source} knows a treatment on {day(known)}, which no record kept here shows."
