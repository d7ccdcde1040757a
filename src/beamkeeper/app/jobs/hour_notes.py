"""What looks between two nights remember and tell: the last report, what is left for the night, counts.

The notes lie in `hour/` of the data directory. Without them everything is only asked for once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003 - the codec reads these hints when it runs
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import read_note
from beamkeeper.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.site import Site

FOLDER = "hour"
LAST_NAME = "last.json"
LEFT_NAME = "left.json"
COUNTS_NAME = "counts.json"


class HourOutcome(StrEnum):
    """How a look ended."""

    KEPT = "kept"
    """New records are sealed, and named in signed metadata."""
    NOTHING_NEW = "nothing new"
    INCOMPLETE = "incomplete"
    """A source gave no whole answer, or a record did not come: the next look asks again."""
    SKIPPED = "skipped"
    """A night was at work, or none has run yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftForNight:
    """One record that was found and is the night's to judge.

    Attributes
    ----------
    study_instance_uid
        The study that is then not asked about again before the night.
    """

    patient_id: str
    sop_instance_uid: str
    study_instance_uid: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Everything that looks since one night left for the next.

    Attributes
    ----------
    since
        The date of that night.
    """

    since: date
    records: tuple[LeftForNight, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCount:
    """How many objects a study held when nothing in it was left open."""

    study_instance_uid: str
    instance_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCounts:
    """What one source counted."""

    source: str
    studies: tuple[StudyCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HourReport:
    """One look.

    Attributes
    ----------
    why
        In a sentence, why it was skipped or is incomplete; "" otherwise.
    records_count, patients_count
        What was sealed.
    studies_asked
        How many studies had changed and were asked one by one.
    left
        What is left for the night, from earlier looks too.
    unasked_count
        Objects that somebody sent to us unasked while a look received: they wait for the night.
    """

    began_at: datetime
    ended_at: datetime
    outcome: HourOutcome
    why: str = ""
    records_count: int = 0
    patients_count: int = 0
    studies_asked: int = 0
    left: tuple[LeftForNight, ...] = ()
    unasked_count: int = 0
    problems: tuple[str, ...] = ()


def hour_folder(site: Site) -> Path:
    """Return where the notes, the spool and the receiver's log lie."""
    return site.data_dir / FOLDER


def hour_spool(site: Site) -> Path:
    """Return where a look receives: emptied after it, but for what was sent unasked, until the night."""
    return hour_folder(site) / "spool"


def last_report(site: Site) -> HourReport | None:
    """Return the last look; None when there was none, or its note is damaged: the next one writes it."""
    try:
        return read_note(hour_folder(site) / LAST_NAME, HourReport)
    except IntegrityError:
        return None


def read_left(site: Site, *, since: date) -> tuple[LeftForNight, ...]:
    """Return what was left for the night after that of `since`."""
    try:
        left = read_note(hour_folder(site) / LEFT_NAME, Left)
    except IntegrityError:
        return ()
    return left.records if left is not None and left.since == since else ()


def read_counts(site: Site) -> dict[str, dict[str, int]]:
    """Return by source and study how many objects were counted when all was kept."""
    try:
        noted = read_note(hour_folder(site) / COUNTS_NAME, tuple[SourceCounts, ...]) or ()
    except IntegrityError:
        return {}
    return {
        one.source: {study.study_instance_uid: study.instance_count for study in one.studies} for one in noted
    }


def as_counts(counts: dict[str, dict[str, int]]) -> tuple[SourceCounts, ...]:
    """Return counts as a note."""
    return tuple(
        SourceCounts(
            source=source,
            studies=tuple(
                StudyCount(study_instance_uid=uid, instance_count=count)
                for uid, count in sorted(studies.items())
            ),
        )
        for source, studies in sorted(counts.items())
    )
