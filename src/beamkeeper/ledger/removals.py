"""Who was removed by rule, where that stands, and what people said about it; and how names are forgotten."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction

from beamkeeper.clock import utc
from beamkeeper.domain.census import Census
from beamkeeper.domain.codec import canonical
from beamkeeper.domain.identity import identity_of
from beamkeeper.domain.patient import Patient
from beamkeeper.ledger.documents import read_document, write_document
from beamkeeper.ledger.models import (
    Announced,
    FoundChange,
    Kept,
    KeptDocument,
    KnownIdentity,
    KnownPatient,
    Position,
    Removal,
    RemovalPlace,
    RetentionRun,
    RetentionWord,
    TakenCensus,
)
from beamkeeper.ledger.rows import (
    AnnouncementRow,
    RemovalPlaceRow,
    RemovalRow,
    RetentionRow,
    WordRow,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from beamkeeper.ledger.database import Database

UNFINISHED = ("decided", "going")


class Removals:
    """The removals in one database; those the vault states can be made anew from it, without the reasons."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, row: RemovalRow, places: Mapping[str, str]) -> None:
        """Note a decision and the places it concerns (name and kind); one that is there stays as it is."""
        alias = self._database.alias
        with self._database.session(), transaction.atomic(using=alias):
            Removal.objects.using(alias).get_or_create(
                removal_id=row.removal_id,
                defaults={
                    "pseudonym": row.pseudonym,
                    "decided_on": row.decided_on,
                    "reason": row.reason,
                    "state": row.state,
                    "patient": write_document(row.patient) if row.patient else "",
                    "receipt": canonical(dict(row.receipt)),
                    "changed_at": utc(row.changed_at),
                },
            )
            for place, kind in places.items():
                RemovalPlace.objects.using(alias).get_or_create(
                    removal_id=row.removal_id, place=place, defaults={"kind": kind, "state": "waiting"}
                )

    def finish(
        self,
        removal_id: str,
        *,
        state: str,
        at: datetime,
        receipt: Mapping[str, object] | None = None,
        keep_name: bool = True,
    ) -> None:
        """Note where a removal stands now; without `keep_name` it says no longer who it was."""
        changes: dict[str, object] = {"state": state, "changed_at": utc(at)}
        if receipt is not None:
            changes["receipt"] = canonical(dict(receipt))
        if not keep_name:
            changes["patient"] = ""
        with self._database.session():
            Removal.objects.using(self._database.alias).filter(removal_id=removal_id).update(**changes)

    def note_place(self, row: RemovalPlaceRow) -> None:
        """Keep where a place stands."""
        with self._database.session():
            RemovalPlace.objects.using(self._database.alias).update_or_create(
                removal_id=row.removal_id,
                place=row.place,
                defaults={
                    "kind": row.kind,
                    "state": row.state,
                    "said": row.said,
                    "do_next": row.do_next,
                    "until_on": row.until_on,
                    "order_number": row.order_number,
                    "order_taken": row.order_taken,
                    "refusals": row.refusals,
                    "count": row.count,
                    "tries": row.tries,
                    "tried_at": utc(row.tried_at) if row.tried_at else None,
                },
            )

    def all(self, *, unfinished: bool = False, pseudonym: str | None = None) -> tuple[RemovalRow, ...]:
        """Return removals, oldest first: all, those not done to the end, or one patient's."""
        with self._database.session():
            rows = Removal.objects.using(self._database.alias).order_by("decided_on", "pseudonym")
            if unfinished:
                rows = rows.filter(state__in=UNFINISHED)
            if pseudonym is not None:
                rows = rows.filter(pseudonym=pseudonym)
            return tuple(map(_removal, rows.iterator()))

    def places(self, removal_id: str) -> tuple[RemovalPlaceRow, ...]:
        """Return where each place stands with one removal."""
        with self._database.session():
            rows = RemovalPlace.objects.using(self._database.alias).filter(removal_id=removal_id)
            return tuple(map(_place, rows.order_by("place")))

    def say(self, word: WordRow) -> None:
        """Keep what a person said."""
        text = canonical([utc(word.at).isoformat(), word.person, word.kind, word.pseudonym])
        with self._database.session():
            RetentionWord.objects.using(self._database.alias).get_or_create(
                key=hashlib.sha256(text.encode()).hexdigest(),
                defaults={
                    "at": utc(word.at),
                    "person": word.person,
                    "kind": word.kind,
                    "pseudonym": word.pseudonym,
                    "reason": word.reason,
                },
            )

    def words(self) -> tuple[WordRow, ...]:
        """Return everything people said, oldest first."""
        with self._database.session():
            rows = RetentionWord.objects.using(self._database.alias).order_by("at", "key")
            return tuple(
                WordRow(
                    at=row.at, person=row.person, kind=row.kind, pseudonym=row.pseudonym, reason=row.reason
                )
                for row in rows.iterator()
            )

    def note_run(self, row: RetentionRow) -> None:
        """Keep what retention found on a date; the last look counts, also after a clock that ran ahead."""
        with self._database.session():
            runs = RetentionRun.objects.using(self._database.alias)
            runs.filter(run_on__gt=row.run_on).delete()
            runs.update_or_create(
                run_on=row.run_on, defaults={"at": utc(row.at), "found": canonical(dict(row.found))}
            )

    def last_run(self) -> RetentionRow | None:
        """Return what the newest look found; None before the first."""
        with self._database.session():
            row = RetentionRun.objects.using(self._database.alias).order_by("-run_on").first()
        return (
            None if row is None else RetentionRow(run_on=row.run_on, at=row.at, found=json.loads(row.found))
        )

    def used_by_others(self, pseudonym: str) -> int:
        """Return how many objects of other patients the ledger believes to lie in a patient's parcels."""
        with self._database.session():
            rows = Kept.objects.using(self._database.alias).filter(parcel__startswith=f"{pseudonym}/")
            return rows.exclude(pseudonym=pseudonym).count()

    def forget(self, pseudonyms: Collection[str]) -> None:
        """Forget everything of these patients but their removals: names, objects, changes, positions.

        They go from the lists of earlier nights, too. In SQLite the freed bytes are overwritten.
        """
        alias = self._database.alias
        with self._database.session(), transaction.atomic(using=alias):
            known = _identities(alias, pseudonyms)
            for pseudonym in pseudonyms:
                for model in (Kept, KeptDocument, FoundChange, Position, KnownIdentity, KnownPatient):
                    model.objects.using(alias).filter(pseudonym=pseudonym).delete()
                words = RetentionWord.objects.using(alias).filter(pseudonym=pseudonym)
                words.update(reason="")
            _forget_announcements(alias, pseudonyms)
            _forget_from_lists(alias, known)
        self._database.overwrite_freed()


def _identities(alias: str, pseudonyms: Collection[str]) -> set[Patient]:
    """Return every way in which these persons were stated, unless somebody who stays was stated so too."""
    facts = KnownPatient.objects.using(alias).values_list("pseudonym", "facts")
    stated = KnownIdentity.objects.using(alias).values_list("pseudonym", "stated")
    going: set[Patient] = set()
    staying: set[Patient] = set()
    for pseudonym, text in (*facts.iterator(), *stated.iterator()):
        of = going if pseudonym in pseudonyms else staying
        of.add(identity_of(read_document(Patient, text)))
    return going - staying


def _forget_announcements(alias: str, pseudonyms: Collection[str]) -> None:
    rows = Announced.objects.using(alias)
    for row in rows.all():
        if read_document(AnnouncementRow, row.announcement).pseudonym in pseudonyms:
            row.delete(using=alias)


def _forget_from_lists(alias: str, known: set[Patient]) -> None:
    for row in TakenCensus.objects.using(alias).all().iterator():
        census = read_document(Census, row.document)
        entries = tuple(entry for entry in census.entries if identity_of(entry.patient) not in known)
        if len(entries) != len(census.entries):
            row.document = write_document(replace(census, entries=entries))
            row.save(using=alias)


def _removal(row: Removal) -> RemovalRow:
    return RemovalRow(
        removal_id=row.removal_id,
        pseudonym=row.pseudonym,
        decided_on=row.decided_on,
        reason=row.reason,
        state=row.state,
        patient=read_document(Patient, row.patient) if row.patient else None,
        receipt=json.loads(row.receipt),
        changed_at=row.changed_at,
    )


def _place(row: RemovalPlace) -> RemovalPlaceRow:
    return RemovalPlaceRow(
        removal_id=row.removal_id,
        place=row.place,
        kind=row.kind,
        state=row.state,
        said=row.said,
        do_next=row.do_next,
        until_on=row.until_on,
        order_number=row.order_number,
        order_taken=row.order_taken,
        refusals=row.refusals,
        count=row.count,
        tries=row.tries,
        tried_at=row.tried_at,
    )
