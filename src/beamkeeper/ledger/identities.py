"""Who stands behind each folder: what a Patient ID, an issuer, a name and a birth date were said to be."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from beamkeeper.domain.codec import canonical
from beamkeeper.domain.identity import KnownPerson, identity_of
from beamkeeper.domain.patient import Patient
from beamkeeper.ledger.documents import read_document, write_document
from beamkeeper.ledger.models import KnownIdentity, KnownPatient

if TYPE_CHECKING:
    from collections.abc import Iterable


def remember_identities(alias: str, pseudonym: str, stated: Iterable[Patient]) -> None:
    """Keep statements about the person behind a folder; the same one twice is one."""
    for patient in dict.fromkeys(map(identity_of, stated)):
        text = write_document(patient)
        KnownIdentity.objects.using(alias).get_or_create(
            key=hashlib.sha256(canonical([pseudonym, text]).encode()).hexdigest(),
            defaults={"pseudonym": pseudonym, "patient_id": patient.patient_id, "stated": text},
        )


def persons_with_id(alias: str, patient_id: str) -> tuple[KnownPerson, ...]:
    """Return everybody kept under a Patient ID, by pseudonym, with all that was stated of them."""
    found: dict[str, dict[Patient, None]] = {}
    for known in KnownPatient.objects.using(alias).filter(patient_id=patient_id):
        patient = identity_of(read_document(Patient, known.facts))
        found.setdefault(known.pseudonym, {})[patient] = None
    for row in KnownIdentity.objects.using(alias).filter(patient_id=patient_id).order_by("key"):
        found.setdefault(row.pseudonym, {})[read_document(Patient, row.stated)] = None
    return tuple(
        KnownPerson(pseudonym=pseudonym, known_as=tuple(found[pseudonym])) for pseudonym in sorted(found)
    )


def folders_by_id(alias: str) -> dict[str, frozenset[str]]:
    """Return every folder by each Patient ID that its person was ever stated with."""
    found: dict[str, set[str]] = {}
    for model in (KnownPatient, KnownIdentity):
        rows = model.objects.using(alias).values_list("patient_id", "pseudonym")
        for patient_id, pseudonym in rows.iterator():
            found.setdefault(patient_id, set()).add(pseudonym)
    return {patient_id: frozenset(names) for patient_id, names in found.items()}
