"""From what was looked at to a sealed parcel: the complete state of a patient, and the new bytes."""

from __future__ import annotations

import io
import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.standing import QUARANTINE, is_quarantined
from beamkeeper.domain.codec import to_json
from beamkeeper.vault import Member, PatientState, StoredObject
from beamkeeper.vault.state import THIS_PARCEL, object_member
from beamkeeper.wire.dicom.spool import SpooledObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from beamkeeper.app.jobs.looked import Arrived, Looked, PatientFacts
    from beamkeeper.ledger import DocumentRow
    from beamkeeper.vault import Vault
    from beamkeeper.wire.dicom.spool import SpoolReader

FACTS_NAME = "facts.json"
FACTS_FORMAT = {"format": "beamkeeper-facts", "version": 1}


def counted_on(vault: Vault, pseudonym: str, day: date) -> date:
    """Return the date under which a patient's state of a day is the newest one, which is restored.

    That is the day, unless a clock that ran ahead has left a parcel of a later night.
    """
    newest = vault.newest_night(pseudonym)
    return day if newest is None else max(day, newest)


def tonights_state(looked: Looked, kept: Sequence[StoredObject], *, night: date) -> tuple[StoredObject, ...]:
    """Return every version the vault will hold of the patient's objects after tonight.

    New ones carry the parcel `THIS_PARCEL`. An object gone at its source stays, marked; an older
    version under the same UID stays, marked. Bytes that cannot be read supersede nothing: the last good
    version stays the one that is restored.
    """
    unreadable = {item.sha256 for item in looked.arrived if not item.readable}
    unreadable |= {item.sha256 for item in kept if is_quarantined(item)}
    seen: dict[str, set[str]] = {}
    for uid, sha256 in looked.seen:
        if sha256 not in unreadable:
            seen.setdefault(uid, set()).add(sha256)
    gone = set(looked.gone)
    after = [_kept_after(item, seen.get(item.sop_instance_uid), gone, night) for item in kept]
    taken = {(item.sop_instance_uid, item.sha256) for item in kept}
    versions: dict[str, int] = {}
    for item in looked.arrived:
        if (item.sop_instance_uid, item.sha256) not in taken:
            taken.add((item.sop_instance_uid, item.sha256))
            versions[item.sop_instance_uid] = versions.get(item.sop_instance_uid, 0) + 1
            after.append(_new(item, night, versions[item.sop_instance_uid]))
    return tuple(after)


def _kept_after(item: StoredObject, seen: set[str] | None, gone: set[str], night: date) -> StoredObject:
    if item.sop_instance_uid in gone:
        return replace(item, present=False)
    if seen is None:
        return item
    if item.sha256 in seen:
        return replace(item, present=True, superseded=False, last_seen_on=night)
    return replace(item, superseded=True)


def _new(item: Arrived, night: date, version: int) -> StoredObject:
    member = (
        object_member(
            modality=item.modality,
            sop_instance_uid=item.sop_instance_uid,
            sha256=item.sha256,
            version=version,
        )
        if item.readable
        else f"{QUARANTINE}{item.sha256}.bin"
    )
    shared = {f.name: getattr(item, f.name) for f in fields(StoredObject) if hasattr(item, f.name)}
    return StoredObject(**shared, parcel=THIS_PARCEL, member=member, first_seen_on=night, last_seen_on=night)


def in_parcel(objects: Iterable[StoredObject], path: str) -> Iterator[StoredObject]:
    """Return the state as the ledger keeps it: new objects lie in tonight's parcel."""
    return (replace(item, parcel=path) if item.parcel == THIS_PARCEL else item for item in objects)


def is_worth_sealing(
    before: Sequence[StoredObject],
    after: Sequence[StoredObject],
    facts_before: PatientFacts | None,
    facts: PatientFacts,
) -> bool:
    """Return whether anything but "seen again" is new since the last parcel of this patient."""
    if len(before) != len(after):
        return True
    flags = {(o.sop_instance_uid, o.sha256): (o.present, o.superseded) for o in before}
    if any(flags.get((o.sop_instance_uid, o.sha256)) != (o.present, o.superseded) for o in after):
        return True
    return facts_before is None or _lasting(facts_before) != _lasting(facts)


def _lasting(facts: PatientFacts) -> tuple[object, ...]:
    """Return the facts without what changes by the mere passing of a night."""
    entry = facts.entry
    of_the_list = (
        entry.patient,
        entry.courses,
        entry.appointments,
        entry.counts,
        entry.finished,
        entry.charts,
    )
    return (*of_the_list, facts.objects, frozenset(facts.known_as), facts.namesakes or (), facts.night_phone)


def patient_state(
    pseudonym: str,
    facts: PatientFacts,
    objects: Sequence[StoredObject],
    *,
    night: date,
    documents: Iterable[DocumentRow] = (),
) -> PatientState:
    """Return the state to seal."""
    patient = to_json(facts.entry.patient)
    assert isinstance(patient, dict)  # noqa: S101 - what the codec makes of a dataclass
    return PatientState(
        pseudonym=pseudonym,
        night=night,
        patient=patient,
        objects=tuple(objects),
        documents=tuple(row.stored for row in documents),
    )


def members(looked: Looked, objects: Sequence[StoredObject], spool: SpoolReader) -> list[Member]:
    """Return everything new of a patient as members of a parcel, read only when it is sealed."""
    by_digest = {item.sha256: item for item in looked.arrived}
    files = [
        _spooled_member(item, by_digest[item.sha256], spool) for item in objects if item.parcel == THIS_PARCEL
    ]
    facts = facts_bytes(looked.facts)
    return [*files, Member(name=FACTS_NAME, size_bytes=len(facts), open=lambda: io.BytesIO(facts))]


def _spooled_member(kept: StoredObject, arrived: Arrived, spool: SpoolReader) -> Member:
    spooled = SpooledObject(
        sha256=arrived.sha256,
        size_bytes=arrived.size_bytes,
        sop_class_uid=arrived.sop_class_uid,
        sop_instance_uid=arrived.sop_instance_uid,
        transfer_syntax_uid=arrived.transfer_syntax_uid,
        calling_ae_title="",
        solicited=True,
        known=False,
        pack=arrived.pack,
        offset=arrived.offset,
        received_at="",
    )
    return Member(name=kept.member, size_bytes=arrived.size_bytes, open=lambda: spool.open(spooled))


def facts_bytes(facts: PatientFacts) -> bytes:
    """Return `facts.json`."""
    return json.dumps({**FACTS_FORMAT, "facts": to_json(facts)}, ensure_ascii=False).encode()
