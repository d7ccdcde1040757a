"""Which of two plans holds, by what two people wrote into the journal; what they said later counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.replacing import Replacement, in_effect
from beamkeeper.domain.words import line
from beamkeeper.respond.incident.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from beamkeeper.domain.audit import AuditRow


def said_of_plans(rows: Iterable[AuditRow], pseudonym: str, zone: ZoneInfo) -> dict[int, Replacement]:
    """Return what was said of a patient's plans and not taken back, by the line in the journal."""
    said: dict[int, Replacement] = {}
    for row in rows:
        if row.patient_pseudonym != pseudonym:
            continue
        if row.action == Deed.PLAN_REPLACED:
            said[row.sequence] = _replacement(row, zone)
        elif row.action == Deed.PLAN_TAKEN_BACK:
            said.pop(int(str(row.details["line"])), None)
    return said


def replacements(rows: Iterable[AuditRow], pseudonym: str, zone: ZoneInfo) -> tuple[Replacement, ...]:
    """Return which plans are replaced by which, as the last word about each has it."""
    return in_effect(said_of_plans(rows, pseudonym, zone).values())


def _replacement(row: AuditRow, zone: ZoneInfo) -> Replacement:
    at = f"{row.at.astimezone(zone):%Y-%m-%d %H:%M}"
    return Replacement(
        old_uid=str(row.details["old"]),
        new_uid=str(row.details["new"]),
        after=int(str(row.details["after"])),
        goes_on=bool(row.details["goes_on"]),
        said=line(f"So said {row.actor}, {at} (line {row.sequence}): {row.details.get('said', '')}"),
    )
