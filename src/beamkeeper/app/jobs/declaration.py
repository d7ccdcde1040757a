"""What the person says who declares, as typed: times by the clock on the wall, checked against the copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.declaring import Declaration, last_record
from beamkeeper.app.jobs.incident_acts import WHO_MAX, within
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident.checklist import shipped_checklist
from beamkeeper.respond.incident.inventory import EARLY_MAX

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.lists import Gathered


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A declaration as typed.

    Attributes
    ----------
    aware, worked_until
        Times by the clock on the wall; "" for now.
    laws
        Whose clocks run; none for all.
    checklist
        Text of the department's own; "" for the shipped one.
    """

    by: str
    known: str = ""
    aware: str = ""
    worked_until: str = ""
    laws: tuple[str, ...] = ()
    checklist: str = ""


def instant(text: str, zone: ZoneInfo) -> datetime:
    """Return the instant that a person typed: "2026-11-22 06:30" by the clock on the wall.

    Raises
    ------
    ConfigError
        Not a time.
    """
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is no time.", do_next='Write it as "2026-11-22 06:30", by the clock on the wall.'
        ) from error
    return (typed if typed.tzinfo else typed.replace(tzinfo=zone)).astimezone(UTC)


def times(typed: Typed, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Return when somebody first knew, and until when treatment worked.

    Raises
    ------
    ConfigError
        Not a time, or one that is still to come.
    """
    said = (typed.aware, typed.worked_until)
    aware_at, attacked_at = (instant(text, zone) if text.strip() else now for text in said)
    for text, at in zip(said, (aware_at, attacked_at), strict=True):
        if at > now:
            raise ConfigError(
                f"{text} is in the future.", do_next="Check the date, and the computer's clock."
            )
    return aware_at, attacked_at


def declaration(typed: Typed, found: Gathered, now: datetime) -> Declaration:
    """Return a declaration as typed, where the copy does not contradict it.

    Raises
    ------
    ConfigError
        A time is none, is still to come, or lies before a treatment that the copy holds; a text is too long.
    """
    zone = found.head.zone
    aware_at, attacked_at = times(typed, zone, now)
    last = last_record(found.persons)
    if last is not None and attacked_at + EARLY_MAX < last:
        given = f"{last.astimezone(zone):%Y-%m-%d %H:%M}"
        raise ConfigError(
            f"The copy holds a treatment of {given}, after {typed.worked_until.strip()}.",
            do_next="Treatment worked then: say a later time until which it worked, or none.",
        )
    return Declaration(
        by=within(typed.by, WHO_MAX),
        known=within(typed.known),
        aware_at=aware_at,
        attacked_at=attacked_at,
        laws=typed.laws,
        checklist=typed.checklist or shipped_checklist(),
    )
