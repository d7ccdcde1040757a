"""A small site with a vault: keys, nights, parcels; for tests of what lies in it and of who looks at it."""

from __future__ import annotations

import copy
import hashlib
import io
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from beamkeeper.vault import (
    THIS_PARCEL,
    LocalStore,
    Member,
    ParcelEntry,
    PatientState,
    SiteKeys,
    StoredObject,
    Vault,
    object_member,
)

if TYPE_CHECKING:
    from pathlib import Path


NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


def stored(uid: str, data: bytes, night: date, *, modality: str = "RTPLAN") -> StoredObject:
    digest = hashlib.sha256(data).hexdigest()
    return StoredObject(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        sop_instance_uid=uid,
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        patient_id="ID-4711",
        modality=modality,
        transfer_syntax_uid="1.2.840.10008.1.2",
        sha256=digest,
        size_bytes=len(data),
        parcel=THIS_PARCEL,
        member=object_member(modality=modality, sop_instance_uid=uid, sha256=digest),
        first_seen_on=night,
        last_seen_on=night,
    )


def member(name: str, data: bytes) -> Member:
    return Member(name=name, size_bytes=len(data), open=lambda: io.BytesIO(data))


class Site:
    """One hospital: keys, an empty vault, and a memory of what was sealed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.trusted_dir = folder / "trusted"
        made = SiteKeys.create(folder / "keys")
        assert made.recovery is not None
        self.recovery = made.recovery
        self.store = LocalStore(folder / "vault", create=True)
        Vault.create(self.store, keys=made, now=NOW, trusted_dir=self.trusted_dir, site_name="Clinique Zoë")
        self.keys = SiteKeys.load(folder / "keys")
        self.objects: dict[str, tuple[StoredObject, ...]] = {}

    def copied(self, folder: Path) -> Site:
        """Return the same hospital in another place, to be changed there."""
        shutil.copytree(self.folder, folder)
        made = copy.copy(self)
        made.folder, made.trusted_dir = folder, folder / "trusted"
        made.store, made.objects = LocalStore(folder / "vault"), dict(self.objects)
        return made

    def vault(self, *, store=None, trusted_dir: Path | None = None) -> Vault:
        return Vault.open(
            store or self.store,
            trusted_dir=trusted_dir or self.trusted_dir,
            now=self.now,
            root_public_key=self.keys.root_public_key,
        )

    def night(self, day: int) -> date:
        return date(2026, 3, 1) + timedelta(days=day)

    def seal(self, vault: Vault, patient: str, day: int, files: dict[str, bytes]) -> ParcelEntry:
        """Seal `files` (by UID); the same UID with other bytes supersedes what was there."""
        night, pseudonym = self.night(day), self.keys.pseudonym("", patient)
        fresh = tuple(stored(uid, data, night) for uid, data in files.items())
        older = tuple(
            replace(item, superseded=item.superseded or item.sop_instance_uid in files)
            for item in self.objects.get(patient, ())
        )
        state = PatientState(pseudonym=pseudonym, night=night, patient={"id": patient}, objects=older + fresh)
        members = [member(item.member, files[item.sop_instance_uid]) for item in fresh]
        entry = vault.seal(pseudonym=pseudonym, night=night, members=members, state=state)
        placed = tuple(replace(item, parcel=entry.path) for item in fresh)
        self.objects[patient] = older + placed
        return entry

    def publish(self, vault: Vault, entries: list[ParcelEntry], day: int) -> None:
        at = datetime.combine(self.night(day), time(2), tzinfo=UTC)
        vault.publish(
            entries, night=self.night(day), now=at, expires_at=at + timedelta(days=2), keys=self.keys
        )

    def play(self, patient: str, day: int, files: dict[str, bytes]) -> ParcelEntry:
        """Seal and publish one night of one patient."""
        vault = self.vault()
        entry = self.seal(vault, patient, day, files)
        self.publish(vault, [entry], day)
        return entry
