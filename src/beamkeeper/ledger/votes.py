"""What people said of the nights, where each night stood, and what was sent to whom already."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.db import transaction

from beamkeeper.clock import utc
from beamkeeper.domain.ballot import Ballot, NightFacts
from beamkeeper.ledger.documents import read_document, write_document
from beamkeeper.ledger.models import CastBallot, ReportedNight, SentNotice, TakenOnce

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from beamkeeper.ledger.database import Database

WHAT_CHARACTERS_MAX = 120


class Votes:
    """The votes in one database; facts and ballots can be rebuilt from the vault, but not their reasons."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_facts(self, facts: NightFacts, *, state: str, at: datetime) -> None:
        """Keep what a night gives to confirm, and the word for where it stands; the last call counts."""
        with self._database.session():
            ReportedNight.objects.using(self._database.alias).update_or_create(
                run_on=facts.night,
                defaults={"document": write_document(facts), "state": state, "state_at": utc(at)},
            )

    def facts(self, night: date) -> NightFacts | None:
        """Return what one night gave to confirm; None when it was never noted."""
        with self._database.session():
            rows = ReportedNight.objects.using(self._database.alias)
            row = rows.filter(run_on=night).first()
        return None if row is None else read_document(NightFacts, row.document)

    def all_facts(self, *, since: date | None = None) -> tuple[NightFacts, ...]:
        """Return what the nights gave to confirm, those since a date or all, oldest first."""
        with self._database.session():
            rows = ReportedNight.objects.using(self._database.alias).order_by("run_on")
            if since is not None:
                rows = rows.filter(run_on__gte=since)
            return tuple(read_document(NightFacts, row.document) for row in rows)

    def state(self, night: date) -> str:
        """Return the word for where a night stood when anybody last looked; "" when nobody did."""
        with self._database.session():
            rows = ReportedNight.objects.using(self._database.alias)
            row = rows.filter(run_on=night).first()
        return "" if row is None else row.state

    def states(self, *, since: date) -> Mapping[date, str]:
        """Return the words for where the nights since a date stood when anybody last looked."""
        with self._database.session():
            rows = ReportedNight.objects.using(self._database.alias).filter(run_on__gte=since)
            return dict(rows.values_list("run_on", "state"))

    def record_ballot(self, ballot: Ballot) -> bool:
        """Keep a ballot for ever; return False when the very same one is there already."""
        text = write_document(ballot)
        with self._database.session():
            _, made = CastBallot.objects.using(self._database.alias).get_or_create(
                key=_key(text), defaults={"run_on": ballot.night, "document": text}
            )
        return made

    def ballots(self, night: date | None = None, *, since: date | None = None) -> tuple[Ballot, ...]:
        """Return the ballots of one night, of the nights since a date, or all; oldest first."""
        with self._database.session():
            rows = CastBallot.objects.using(self._database.alias)
            if night is not None:
                rows = rows.filter(run_on=night)
            if since is not None:
                rows = rows.filter(run_on__gte=since)
            found = [read_document(Ballot, row.document) for row in rows.order_by("run_on", "key")]
        return tuple(sorted(found, key=lambda ballot: (ballot.night, ballot.at)))

    def note_sent(self, text: str, *, night: date, at: datetime) -> bool:
        """Remember that something about a night went out; return False when it had before."""
        with self._database.session():
            _, made = SentNotice.objects.using(self._database.alias).get_or_create(
                key=_key(text), defaults={"text": text, "run_on": night, "at": utc(at)}
            )
        return made

    def sent(self, *, since: date) -> tuple[tuple[str, datetime], ...]:
        """Return what went out about the nights since a date, and when; oldest first."""
        with self._database.session():
            rows = SentNotice.objects.using(self._database.alias).filter(run_on__gte=since)
            return tuple((row.text, row.at) for row in rows.order_by("at", "key"))

    def take_once(self, text: str, *, what: str, at: datetime) -> bool:
        """Take what counts once; return False when it was taken before.

        Parameters
        ----------
        text
            What tells it apart; only its SHA-256 is kept.
        what
            What kind of thing it is, by which `count_taken` counts.
        """
        if not 0 < len(what) <= WHAT_CHARACTERS_MAX:
            raise ValueError(f"{len(what)=}")
        alias = self._database.alias
        with self._database.session(), transaction.atomic(using=alias):
            _, made = TakenOnce.objects.using(alias).get_or_create(
                key=_key(text), defaults={"what": what, "at": utc(at)}
            )
        return made

    def was_taken(self, text: str) -> bool:
        """Whether what counts once was taken before."""
        with self._database.session():
            return TakenOnce.objects.using(self._database.alias).filter(key=_key(text)).exists()

    def count_taken(self, what: str, *, since: datetime | None = None) -> int:
        """Return how many things of a kind were taken, those since an instant or all."""
        with self._database.session():
            rows = TakenOnce.objects.using(self._database.alias).filter(what=what)
            return rows.count() if since is None else rows.filter(at__gte=utc(since)).count()


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
