"""Nights, the list of each night, and where patients stood."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db import transaction

from beamkeeper.clock import utc
from beamkeeper.domain.census import Census
from beamkeeper.domain.codec import canonical
from beamkeeper.domain.night import NightOutcome
from beamkeeper.domain.position import CoursePosition
from beamkeeper.ledger.documents import read_document, write_document
from beamkeeper.ledger.models import Night, Position, TakenCensus
from beamkeeper.ledger.rows import NightRow, PositionRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

OUTCOME_CHARACTERS_MAX = 40


def begin_night(alias: str, run_on: date, started_at: datetime) -> NightRow:
    """Return the night of `run_on`; it begins once, a second call finds the first."""
    night, _ = Night.objects.using(alias).get_or_create(
        run_on=run_on, defaults={"started_at": utc(started_at), "outcome": NightOutcome.RUNNING.value}
    )
    return _night_row(night)


def finish_night(
    alias: str, run_on: date, *, finished_at: datetime, outcome: str, summary: Mapping[str, object]
) -> NightRow:
    """Note how the night of `run_on` ended; the last word counts."""
    if not 0 < len(outcome) <= OUTCOME_CHARACTERS_MAX:
        raise ValueError(f"{len(outcome)=}")
    with transaction.atomic(using=alias):
        changed = (
            Night.objects.using(alias)
            .filter(run_on=run_on)
            .update(finished_at=utc(finished_at), outcome=str(outcome), summary=canonical(dict(summary)))
        )
        if not changed:
            raise ValueError(f"no night began on {run_on}")
        return _night_row(Night.objects.using(alias).get(run_on=run_on))


def find_night(alias: str, run_on: date) -> NightRow | None:
    """Return that night; None when none began on that day."""
    night = Night.objects.using(alias).filter(run_on=run_on).first()
    return None if night is None else _night_row(night)


def latest_nights(alias: str, limit: int) -> tuple[NightRow, ...]:
    """Return the last nights, newest first."""
    return tuple(_night_row(night) for night in Night.objects.using(alias).order_by("-run_on")[:limit])


def last_complete_night(alias: str) -> NightRow | None:
    """Return the newest night that ended complete; None before the first one."""
    complete = Night.objects.using(alias).filter(outcome=NightOutcome.COMPLETE.value)
    night = complete.order_by("-run_on").first()
    return None if night is None else _night_row(night)


def record_census(alias: str, run_on: date, census: Census) -> None:
    """Keep the list of the night of `run_on`; a second call replaces it."""
    TakenCensus.objects.using(alias).update_or_create(
        run_on=run_on, defaults={"document": write_document(census)}
    )


def last_census(alias: str, before: date | None) -> Census | None:
    """Return the newest list, with `before` only of earlier nights; None when there is none."""
    taken = TakenCensus.objects.using(alias).order_by("-run_on")
    found = (taken if before is None else taken.filter(run_on__lt=before)).first()
    return None if found is None else read_document(Census, found.document)


def census_of(alias: str, run_on: date) -> Census | None:
    """Return the list of one night; None when there is none."""
    found = TakenCensus.objects.using(alias).filter(run_on=run_on).first()
    return None if found is None else read_document(Census, found.document)


def record_position(
    alias: str, run_on: date, pseudonym: str, position: CoursePosition, as_of: datetime | None
) -> None:
    """Keep where a patient stood in one night, or at an instant of that date; a second call replaces it."""
    Position.objects.using(alias).update_or_create(
        run_on=run_on,
        pseudonym=pseudonym,
        defaults={"document": write_document(position), "as_of": None if as_of is None else utc(as_of)},
    )


def positions(alias: str, run_on: date | None, pseudonym: str | None) -> tuple[PositionRow, ...]:
    """Return positions of one night, of one patient over the nights, or all; oldest first."""
    rows = Position.objects.using(alias).order_by("run_on", "pseudonym")
    if run_on is not None:
        rows = rows.filter(run_on=run_on)
    if pseudonym is not None:
        rows = rows.filter(pseudonym=pseudonym)
    return tuple(
        PositionRow(
            run_on=row.run_on,
            pseudonym=row.pseudonym,
            position=read_document(CoursePosition, row.document),
            as_of=row.as_of,
        )
        for row in rows.iterator()
    )


def newest_position(alias: str, pseudonym: str) -> CoursePosition | None:
    """Return where a patient stood last; None when that was never noted."""
    row = Position.objects.using(alias).filter(pseudonym=pseudonym).order_by("-run_on").first()
    return None if row is None else read_document(CoursePosition, row.document)


def _night_row(night: Night) -> NightRow:
    return NightRow(
        run_on=night.run_on,
        started_at=night.started_at,
        finished_at=night.finished_at,
        outcome=night.outcome,
        summary=json.loads(night.summary),
    )
