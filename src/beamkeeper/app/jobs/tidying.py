"""What nights left behind that nobody will go on with: patients' data in clear, to be removed.

A night that was interrupted can be gone on with until a later one has ended and told what it had sealed.
From then on its working files serve nobody. What was sent to it unasked stays: success was answered for it.
"""

from __future__ import annotations

import shutil
from datetime import date
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.night_notes import WORKING_FILES, WORKING_FOLDERS
from beamkeeper.app.jobs.pushed import remove_what_we_asked_for
from beamkeeper.clock import local_date
from beamkeeper.domain.night import NightOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.ledger import NightRow

ABANDONED_NAME = "abandoned"
"""Marks the folder of a night whose notes are gone, so that whoever runs it all the same begins it anew."""


def nights_left(site: Site) -> tuple[date, ...]:
    """Return the dates of all nights whose working files are there, oldest first."""
    return _nights(site, _working_files)


def spools_left(site: Site) -> tuple[date, ...]:
    """Return the dates of all nights that have a spool, oldest first."""
    return _nights(site, lambda folder: (folder / "spool").is_dir())


def _nights(site: Site, holds: Callable[[Path], bool]) -> tuple[date, ...]:
    nights = site.data_dir / "nights"
    days = (_day(path.name) for path in nights.iterdir()) if nights.is_dir() else ()
    return tuple(sorted(day for day in days if day and holds(site.night_dir(day))))


def abandoned(site: Site, nights: Iterable[NightRow], *, now: datetime) -> tuple[date, ...]:
    """Return the nights with working files that nobody will go on with: a later one has ended.

    One that was stopped has not ended in this sense: a person may still seal it, or the one before. Nor has
    one of a day to come, which only a clock that ran ahead has made.
    """
    today = local_date(now, site.zone)
    ended = [
        night.run_on
        for night in nights
        if night.finished_at is not None
        and night.outcome != NightOutcome.STOPPED.value
        and night.run_on <= today
    ]
    last = max(ended, default=None)
    return tuple(day for day in nights_left(site) if last is not None and day < last)


def remove_abandoned(site: Site, nights: Iterable[NightRow], *, now: datetime) -> tuple[date, ...]:
    """Remove the working files of abandoned nights; return which. Hold the site's lock."""
    days = abandoned(site, nights, now=now)
    for day in days:
        _remove(site.night_dir(day))
    return days


def is_abandoned(folder: Path) -> bool:
    """Return whether the notes of a night were removed: its steps that are done have left nothing."""
    return (folder / ABANDONED_NAME).exists()


def resume_as_usual(folder: Path) -> None:
    """Note that a night which had been abandoned was run to its end after all."""
    (folder / ABANDONED_NAME).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    """Remove the notes last: while one is there, a removal that was broken off is taken up again."""
    (folder / ABANDONED_NAME).touch(mode=0o600)
    spool = folder / "spool"
    if spool.is_dir() and not remove_what_we_asked_for(spool):
        shutil.rmtree(spool)
    for name in WORKING_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in WORKING_FILES:
        (folder / name).unlink(missing_ok=True)


def _working_files(folder: Path) -> bool:
    return any((folder / name).exists() for name in (*WORKING_FOLDERS, *WORKING_FILES))


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
