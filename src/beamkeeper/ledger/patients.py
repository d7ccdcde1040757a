"""Patients, the objects kept of them, and the digests of all that is kept."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction
from django.db.models import Count

from beamkeeper.domain.patient import Patient
from beamkeeper.ledger.documents import read_document, write_document
from beamkeeper.ledger.models import Kept, KnownPatient
from beamkeeper.ledger.rows import PatientRow
from beamkeeper.vault.state import StoredObject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date

DIGESTS_AT_A_TIME = 4_000
OBJECTS_AT_A_TIME = 2_000
UIDS_AT_A_TIME = 500
SHA256_BYTES = 32

_IDENTITY = ("pseudonym", "sop_instance_uid", "sha256")
_FIELDS = tuple(field.name for field in fields(StoredObject))

_UPSERT = """
INSERT INTO ledger_kept ({columns}) VALUES ({marks})
ON CONFLICT ({identity}) DO UPDATE SET {changes}
""".format(
    columns=", ".join(("pseudonym", *_FIELDS)),
    marks=", ".join(["%s"] * (len(_FIELDS) + 1)),
    identity=", ".join(_IDENTITY),
    changes=", ".join(f"{name} = excluded.{name}" for name in _FIELDS if name not in _IDENTITY),
)
"""Written by hand because building 400,000 model instances takes six times as long (decision 0040)."""


def upsert_patient(
    alias: str, pseudonym: str, patient: Patient, *, seen_on: date, finished: bool
) -> PatientRow:
    """Note what is known of a patient on `seen_on`; older facts never replace newer ones."""
    with transaction.atomic(using=alias):
        rows = KnownPatient.objects.using(alias)
        known = rows.select_for_update().filter(pseudonym=pseudonym).first()
        if known is None:
            known = KnownPatient(pseudonym=pseudonym, first_seen_on=seen_on, last_seen_on=seen_on)
        if seen_on >= known.last_seen_on:
            known.patient_id = patient.patient_id
            known.facts = write_document(patient)
            known.finished = finished
            known.last_seen_on = seen_on
        known.first_seen_on = min(known.first_seen_on, seen_on)
        known.save(using=alias)
        return _patient_row(known)


def find_patient(alias: str, pseudonym: str) -> PatientRow | None:
    """Return the patient with that pseudonym; None when unknown."""
    known = KnownPatient.objects.using(alias).filter(pseudonym=pseudonym).first()
    return None if known is None else _patient_row(known)


def patients(alias: str, patient_id: str | None = None) -> tuple[PatientRow, ...]:
    """Return every patient, or those with that Patient ID, by pseudonym."""
    rows = KnownPatient.objects.using(alias).order_by("pseudonym")
    if patient_id is not None:
        rows = rows.filter(patient_id=patient_id)
    return tuple(_patient_row(known) for known in rows.iterator())


def kept_objects(alias: str, pseudonym: str) -> tuple[StoredObject, ...]:
    """Return every version kept of a patient's objects, by UID and then by age."""
    rows = Kept.objects.using(alias).filter(pseudonym=pseudonym)
    ordered = rows.order_by("sop_instance_uid", "first_seen_on", "sha256").values_list(*_FIELDS)
    return tuple(map(_kept_object, ordered.iterator(chunk_size=OBJECTS_AT_A_TIME)))


def record_objects(alias: str, pseudonym: str, objects: Iterable[StoredObject]) -> int:
    """Keep versions of objects in one transaction, and return how many; a known version is updated."""
    rows = [_kept_row(pseudonym, kept) for kept in objects]
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.executemany(_UPSERT, rows)
    return len(rows)


def held_by_others(alias: str, pseudonym: str, sop_instance_uids: Collection[str]) -> dict[str, str]:
    """Return by UID the other patient under whom an object is kept and was there last."""
    asked = sorted(sop_instance_uids)
    standing = Kept.objects.using(alias).filter(present=True, superseded=False).exclude(pseudonym=pseudonym)
    found: dict[str, str] = {}
    for first in range(0, len(asked), UIDS_AT_A_TIME):
        some = standing.filter(sop_instance_uid__in=asked[first : first + UIDS_AT_A_TIME])
        found.update(some.values_list("sop_instance_uid", "pseudonym"))
    return found


def known_uids(alias: str, sop_instance_uids: Collection[str]) -> frozenset[str]:
    """Return which of these SOP Instance UIDs any version is kept of, whoever it is of."""
    asked = sorted(sop_instance_uids)
    found: set[str] = set()
    for first in range(0, len(asked), UIDS_AT_A_TIME):
        some = Kept.objects.using(alias).filter(sop_instance_uid__in=asked[first : first + UIDS_AT_A_TIME])
        found.update(some.values_list("sop_instance_uid", flat=True))
    return frozenset(found)


def series_counts(alias: str, pseudonym: str, modality: str) -> dict[str, int]:
    """Return by Series Instance UID how many of a patient's objects of a modality are kept."""
    rows = Kept.objects.using(alias).filter(pseudonym=pseudonym, modality=modality)
    counted = rows.values("series_instance_uid").annotate(count=Count("sop_instance_uid", distinct=True))
    return dict(counted.values_list("series_instance_uid", "count"))


def with_digests(alias: str, sha256s: Collection[str]) -> dict[str, StoredObject]:
    """Return by digest one kept object with these bytes, whoever it is of."""
    asked = sorted(map(bytes.fromhex, sha256s))
    found: dict[str, StoredObject] = {}
    for first in range(0, len(asked), UIDS_AT_A_TIME):
        rows = Kept.objects.using(alias).filter(sha256__in=asked[first : first + UIDS_AT_A_TIME])
        kept = map(_kept_object, rows.values_list(*_FIELDS).iterator())
        found.update((item.sha256, item) for item in kept)
    return found


def known_digests(alias: str) -> Iterator[bytes]:
    """Yield the SHA-256 of every kept version, 32 bytes each, ascending, in bounded memory."""
    digests = Kept.objects.using(alias).order_by("sha256").values_list("sha256", flat=True)
    for digest in digests.iterator(chunk_size=DIGESTS_AT_A_TIME):
        yield bytes(digest)


def _patient_row(known: KnownPatient) -> PatientRow:
    return PatientRow(
        pseudonym=known.pseudonym,
        patient=read_document(Patient, known.facts),
        first_seen_on=known.first_seen_on,
        last_seen_on=known.last_seen_on,
        finished=known.finished,
    )


def _kept_object(row: tuple[Any, ...]) -> StoredObject:
    """Return an object from its columns in the order of `_FIELDS`; a model instance costs 1.4 times that."""
    values = dict(zip(_FIELDS, row, strict=True))
    values["sha256"] = bytes(values["sha256"]).hex()
    return StoredObject(**values)


def _kept_row(pseudonym: str, kept: StoredObject) -> tuple[Any, ...]:
    digest = bytes.fromhex(kept.sha256)
    if len(digest) != SHA256_BYTES:
        raise ValueError(f"a SHA-256 has {SHA256_BYTES} bytes, not {len(digest)}")
    values = (digest if name == "sha256" else getattr(kept, name) for name in _FIELDS)
    return (pseudonym, *values)
