"""What can be wrong with a vault seen from outside, and by when it should have been fed. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.clock import local_date, local_instant, utc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from beamkeeper.vault import RemovedPatient


class FindingKind(StrEnum):
    """What is wrong; the order is that of a report, worst first."""

    ROLLED_BACK = "rolled back"
    NOT_AS_SIGNED = "not as signed"
    PARCEL_ALTERED = "parcel altered"
    PARCEL_MISSING = "parcel missing"
    SHRUNK = "shrunk"
    NIGHT_MISSING = "night missing"
    STALE = "stale"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    key
        The same for the same thing at the next look; never a patient's data.
    what, do_next
        Plain sentences.
    """

    kind: FindingKind
    key: str
    what: str
    do_next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRule:
    """What was agreed with the site.

    Attributes
    ----------
    fresh_by
        Local time at which the night of that date must be in the signed metadata.
    repeat_every
        How often an alarm that lasts is told again.
    read_again_every
        In what time every parcel is read whole once more; new ones come first.
    bytes_max
        The most that is read of parcels in one look, unless a single one is larger.
    remember_days
        How long the number of parcels of a day is held against later ones.
    """

    zone: ZoneInfo
    fresh_by: time = time(7, 0)
    repeat_every: timedelta = timedelta(hours=1)
    read_again_every: timedelta = timedelta(days=7)
    bytes_max: int = 20_000_000_000
    remember_days: int = 7


def due_night(rule: WatchRule, now: datetime) -> date:
    """Return the local date of the newest night that must be there by `now`."""
    today = local_date(now, rule.zone)
    if utc(now) >= local_instant(today, rule.fresh_by, rule.zone):
        return today
    return today - timedelta(days=1)


def in_time(rule: WatchRule, nights: Sequence[date], expires_at: datetime, now: datetime) -> list[Finding]:
    """Return what is wrong with the age of signed metadata that are genuine.

    A night of a day to come, which a clock that ran ahead has signed, stands in for none until then.
    """
    found = []
    tomorrow = local_date(now, rule.zone) + timedelta(days=1)
    due, last = due_night(rule, now), max((night for night in nights if night <= tomorrow), default=None)
    if last is None or last < due:
        until = "there is none at all" if last is None else f"the newest is of {last}"
        found.append(
            Finding(
                kind=FindingKind.NIGHT_MISSING,
                key="night",
                what=f"The night of {due} should have been here by {rule.fresh_by:%H:%M}; {until}.",
                do_next="Call the department: did the night run, was it stopped, does the mirror get it?",
            )
        )
    if utc(now) >= expires_at:
        found.append(
            Finding(
                kind=FindingKind.STALE,
                key="stale",
                what=f"Nobody feeds this vault: its metadata expired at {expires_at:%Y-%m-%d %H:%M} UTC.",
                do_next="Call the department. What is sealed stays good; nothing new comes.",
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """The most that signed metadata named on one local date.

    Attributes
    ----------
    patients
        0 in what earlier versions noted.
    """

    on: date
    parcels: int
    patients: int = 0


PLAUSIBLE_SHARE = 0.5
"""A purge removes patients who finished a month ago; half of everything is no purge."""
PLAUSIBLE_COUNT = 10
"""So many patients may be stated removed within the days remembered, however small the vault."""


def with_today(counts: Sequence[DayCount], seen: DayCount, rule: WatchRule) -> list[DayCount]:
    """Return the counts of the last days, with what is seen today."""
    oldest = seen.on - timedelta(days=rule.remember_days)
    kept = {count.on: count for count in counts if oldest <= count.on <= seen.on}
    before = kept.get(seen.on, seen)
    kept[seen.on] = DayCount(
        on=seen.on,
        parcels=max(seen.parcels, before.parcels),
        patients=max(seen.patients, before.patients),
    )
    return [kept[on] for on in sorted(kept)]


def shrunk(
    counts: Sequence[DayCount], seen: DayCount, removed: Sequence[RemovedPatient] = ()
) -> list[Finding]:
    """Return a finding when far fewer parcels are signed for than days before: keys may be stolen.

    Parameters
    ----------
    removed
        Whom signed metadata state to have been removed. They explain why there is less only where every
        patient is accounted for and they are few: who has the keys could state anything.
    """
    most = max((count.parcels for count in counts), default=0)
    if seen.parcels >= most * PLAUSIBLE_SHARE:
        return []
    patients = max((count.patients for count in counts), default=0)
    gone = sum(one.removed_on >= counts[0].on for one in removed)
    few = 0 < gone <= max(PLAUSIBLE_COUNT, patients * PLAUSIBLE_SHARE)
    if few and seen.patients + gone >= patients:
        return []
    stated = f", and state that {gone} patients were removed" if gone else ""
    return [
        Finding(
            kind=FindingKind.SHRUNK,
            key="shrunk",
            what=f"The signed metadata name {seen.parcels} parcels{stated}; within the last days they named"
            f" {most}.",
            do_next="Stop every purge and every mirror, and ask the department whether it removed these.",
        )
    ]
