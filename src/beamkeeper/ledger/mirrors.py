"""Destinations of copies: what was proved at each, and how the last run ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db import transaction

from beamkeeper.clock import utc
from beamkeeper.domain.codec import canonical
from beamkeeper.ledger.models import KnownMirror, ProvedCopy
from beamkeeper.ledger.rows import CopyRow, MirrorRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from beamkeeper.ledger.database import Database

STAMP_CHARACTERS_MAX = 200
ROWS_AT_A_TIME = 100


class Mirrors:
    """The destinations in one database; all of it can be made anew by reading the destinations back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, destination: str, place: str) -> MirrorRow:
        """Return what is known of a destination; when it is at another place now, nothing is."""
        alias = self._database.alias
        with self._database.session(), transaction.atomic(using=alias):
            row, _ = KnownMirror.objects.using(alias).get_or_create(
                destination=destination, defaults={"place": place}
            )
            if row.place != place:
                ProvedCopy.objects.using(alias).filter(destination=destination).delete()
                row = KnownMirror(destination=destination, place=place)
                row.save(using=alias)
            return _row(row)

    def finish(
        self, destination: str, *, at: datetime, state: str, is_mirrored: bool, facts: Mapping[str, object]
    ) -> MirrorRow:
        """Note how a run over a destination that `begin` knows ended."""
        alias = self._database.alias
        with self._database.session(), transaction.atomic(using=alias):
            row = KnownMirror.objects.using(alias).get(destination=destination)
            row.state, row.tried_at, row.facts = state, utc(at), canonical(dict(facts))
            if is_mirrored:
                row.mirrored_at, row.waiting_since = utc(at), None
            else:
                row.waiting_since = row.waiting_since or utc(at)
            row.save(using=alias)
            return _row(row)

    def find(self, destination: str) -> MirrorRow | None:
        """Return what is known of one destination; None when it was never tried."""
        with self._database.session():
            row = KnownMirror.objects.using(self._database.alias).filter(destination=destination).first()
            return None if row is None else _row(row)

    def proofs(self, destination: str) -> tuple[CopyRow, ...]:
        """Return everything that was proved at a destination, by name."""
        with self._database.session():
            rows = ProvedCopy.objects.using(self._database.alias).filter(destination=destination)
            return tuple(_copy(row) for row in rows.order_by("name").iterator())

    def find_proof(self, destination: str, name: str) -> CopyRow | None:
        """Return the proof of one object; None when it was never proved there."""
        with self._database.session():
            rows = ProvedCopy.objects.using(self._database.alias)
            row = rows.filter(destination=destination, name=name).first()
            return None if row is None else _copy(row)

    def keep(self, destination: str, copy: CopyRow) -> None:
        """Keep one proof, in place of an earlier one of that name."""
        with self._database.session():
            ProvedCopy.objects.using(self._database.alias).update_or_create(
                destination=destination,
                name=copy.name,
                defaults={
                    "sha256": copy.sha256,
                    "size_bytes": copy.size_bytes,
                    "stamp": copy.stamp[:STAMP_CHARACTERS_MAX],
                    "proved_at": utc(copy.proved_at),
                },
            )

    def keep_all(self, destination: str, copies: Sequence[CopyRow]) -> None:
        """Keep several proofs at once, each in place of an earlier one of that name."""
        rows = [
            ProvedCopy(
                destination=destination,
                name=copy.name,
                sha256=copy.sha256,
                size_bytes=copy.size_bytes,
                stamp=copy.stamp[:STAMP_CHARACTERS_MAX],
                proved_at=utc(copy.proved_at),
            )
            for copy in copies
        ]
        alias = self._database.alias
        with self._database.session(), transaction.atomic(using=alias):
            ProvedCopy.objects.using(alias).bulk_create(
                rows,
                batch_size=ROWS_AT_A_TIME,
                update_conflicts=True,
                unique_fields=["destination", "name"],
                update_fields=["sha256", "size_bytes", "stamp", "proved_at"],
            )

    def forget(self, destination: str, name: str) -> None:
        """Forget what was proved of one object."""
        with self._database.session():
            ProvedCopy.objects.using(self._database.alias).filter(destination=destination, name=name).delete()


def _row(row: KnownMirror) -> MirrorRow:
    return MirrorRow(
        destination=row.destination,
        place=row.place,
        state=row.state,
        tried_at=row.tried_at,
        mirrored_at=row.mirrored_at,
        waiting_since=row.waiting_since,
        facts=json.loads(row.facts),
    )


def _copy(row: ProvedCopy) -> CopyRow:
    return CopyRow(
        name=row.name,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        stamp=row.stamp,
        proved_at=row.proved_at,
    )
