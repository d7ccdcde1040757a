"""A night that is tried again must not forget what its earlier tries found.

What an earlier try sealed is "kept before" for the next one, so the changes it told would look like no
change at all: the report of a date shows everything found on that date, by any of its tries. The ledger
holds what they found from the moment their parcels count as stored.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import read_note
from beamkeeper.app.jobs.pushed import count_unasked
from beamkeeper.app.jobs.reporting import NOTE_NAME
from beamkeeper.domain.change import Grade
from beamkeeper.domain.night import NightReport

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.jobs.looked import Looked
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.night import PatientNight
    from beamkeeper.ledger import Ledger, NightRow

UNTOLD_DAYS_MAX = 60
"""So long after the last night the hour may go on before what it kept is no longer told by a night."""


def find_earlier(report: NightReport | None, pseudonym: str) -> PatientNight | None:
    """Return what the report of an earlier try of this date says of a patient; None without one."""
    if report is None:
        return None
    return next((night for night in report.patients if night.pseudonym == pseudonym), None)


def unended_nights(nights: Iterable[NightRow], run_on: date) -> tuple[date, ...]:
    """Return the dates since the last night that ended, before `run_on`, whose night began and never did.

    What they sealed was told to nobody: the next report that is written tells it.
    """
    before = [night for night in nights if night.run_on < run_on]
    last = max((night.run_on for night in before if night.finished_at is not None), default=None)
    unended = (night.run_on for night in before if night.finished_at is None)
    return tuple(sorted(day for day in unended if last is None or day > last))


def untold_days(nights: Iterable[NightRow], run_on: date) -> tuple[date, ...]:
    """Return the dates of which nothing was told yet, up to `run_on`, oldest first.

    The hour notes what it kept for the date of the next night, which may never have begun.
    """
    known = tuple(nights)
    ended = [night.run_on for night in known if night.run_on < run_on and night.finished_at is not None]
    days = min((run_on - max(ended)).days, UNTOLD_DAYS_MAX) if ended else 1
    since_then = (run_on - timedelta(days=back) for back in range(days))
    return tuple(sorted({*unended_nights(known, run_on), *since_then}))


def unended_in_words(day: date, folder: Path) -> tuple[str, bool]:
    """Return the sentence about a night that never ended, and whether objects in its spool are at stake."""
    said = f"The night of {day} did not come to its end. What it sealed is told in this report."
    if unasked := count_unasked(folder / "spool"):
        said += (
            f" {unasked} objects were sent to it unasked and are in no parcel; they are kept in "
            f"{folder / 'spool'}: end that night with `beamkeeper night --on {day}`."
        )
    return said, bool(unasked)


def with_earlier_changes(
    night: PatientNight,
    *,
    earlier: PatientNight | None,
    told: Sequence[ObjectComparison],
    seen_uids: Collection[str],
) -> PatientNight:
    """Return `night` with every change that earlier tries of the same date found, each once.

    Parameters
    ----------
    earlier
        From `find_earlier`: which parcel the date has, and which doubts about who it is were told.
    told
        What tries of this date found and sealed, this one included when it is repeated. An object that
        changed in two tries is told twice: the later change must not hide the earlier.
    seen_uids
        SOP Instance UIDs the sources hold now: what was missing and came back is not told as missing.
    """
    carried = [
        item
        for item in dict.fromkeys(told)
        if item not in night.comparisons
        and not (item.grade is Grade.MISSING and item.sop_instance_uid in seen_uids)
    ]
    now_told = {item.sop_instance_uid for item in night.comparisons}
    carried_uids = {item.sop_instance_uid for item in carried}
    seen_again = len((carried_uids - now_told) & set(seen_uids))
    return replace(
        night,
        comparisons=(*carried, *night.comparisons),
        identity=tuple(dict.fromkeys((*(earlier.identity if earlier else ()), *night.identity))),
        identical_count=max(0, night.identical_count - seen_again),
        parcel=night.parcel or (earlier.parcel if earlier else ""),
        parcel_bytes=night.parcel_bytes or (earlier.parcel_bytes if earlier else 0),
    )


def told_with_earlier(ledger: Ledger, folder: Path, looked: Looked, run_on: date) -> PatientNight:
    """Return a patient's night with what earlier tries of its date found, the ledger and its report asked."""
    pseudonym = looked.night.pseudonym
    dates = untold_days(ledger.nights(), run_on)
    found = [row for day in dates for row in ledger.changes(day, pseudonym)]
    return with_earlier_changes(
        looked.night,
        earlier=find_earlier(read_note(folder / NOTE_NAME, NightReport), pseudonym),
        told=[row.comparison for row in found],
        seen_uids={uid for uid, _ in looked.seen},
    )
