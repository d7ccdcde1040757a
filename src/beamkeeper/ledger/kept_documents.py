"""The documents kept of each patient, and where and how their files were last read."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from django.db import transaction

from beamkeeper.ledger.models import KeptDocument
from beamkeeper.ledger.rows import DocumentRow
from beamkeeper.vault.state import StoredDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = tuple(field.name for field in fields(StoredDocument))
_ABOUT_THE_FILE = ("kind", "place", "stamp", "read_on")


def kept_documents(alias: str, pseudonym: str) -> tuple[DocumentRow, ...]:
    """Return every version kept of a patient's documents, by document and then by age."""
    rows = KeptDocument.objects.using(alias).filter(pseudonym=pseudonym)
    ordered = rows.order_by("document_id", "first_seen_on", "sha256").values(*_FIELDS, *_ABOUT_THE_FILE)
    return tuple(map(_row, ordered.iterator()))


def record_documents(alias: str, pseudonym: str, documents: Iterable[DocumentRow]) -> int:
    """Keep versions of documents in one transaction, and return how many; a known version is updated."""
    count = 0
    with transaction.atomic(using=alias):
        for row in documents:
            stored = {name: getattr(row.stored, name) for name in _FIELDS}
            stored |= {name: getattr(row, name) for name in _ABOUT_THE_FILE}
            identity = {
                "document_id": stored.pop("document_id"),
                "sha256": bytes.fromhex(stored.pop("sha256")),
            }
            KeptDocument.objects.using(alias).update_or_create(
                pseudonym=pseudonym, **identity, defaults=stored
            )
            count += 1
    return count


def _row(values: dict[str, Any]) -> DocumentRow:
    about = {name: values.pop(name) for name in _ABOUT_THE_FILE}
    values["sha256"] = bytes(values["sha256"]).hex()
    return DocumentRow(stored=StoredDocument(**values), **about)
