"""A real vault of a few small patients, and a memory of proofs, for tests of the mirrors."""

from __future__ import annotations

import copy
import hashlib
import io
import shutil
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.protect.mirror import Limits, Mirroring, Outcome, Pace, Proof
from beamkeeper.vault import (
    THIS_PARCEL,
    LocalStore,
    Member,
    PatientState,
    SiteKeys,
    StoredObject,
    Vault,
    object_member,
    pseudonym,
)
from beamkeeper.vault.publication import Publication, read_publication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beamkeeper.wire.destination import Destination

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
NIGHT = date(2026, 3, 2)
HOUR_S = 3600.0


class SmallVault:
    """A vault; every `night` adds one patient with one object."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = SiteKeys.create(folder / "keys")
        self.store = LocalStore(folder / "vault", create=True)
        self.trusted = folder / "trusted"
        self.nights = 0
        self.renewals = 0
        Vault.create(self.store, keys=self.keys, now=NOW, trusted_dir=self.trusted)

    def copied(self, folder: Path) -> SmallVault:
        """Return the same vault in another place, to be changed there."""
        shutil.copytree(self.folder, folder)
        made = copy.copy(self)
        made.folder, made.trusted = folder, folder / "trusted"
        made.store = LocalStore(folder / "vault")
        return made

    @property
    def root(self) -> Path:
        return self.store.root

    def open(self) -> Vault:
        return Vault.open(self.store, trusted_dir=self.trusted, now=NOW)

    def night(self, data: bytes = b"a plan") -> None:
        self.nights += 1
        vault = self.open()
        name = pseudonym(self.keys.pseudonym_key, "", f"P{self.nights}")
        night = NIGHT + timedelta(days=self.nights)
        kept = _object(data, self.nights, night)
        member = Member(
            name=kept.member, size_bytes=len(data), open=lambda: io.BytesIO(data), sha256=kept.sha256
        )
        state = PatientState(pseudonym=name, night=night, patient={}, objects=(kept,), documents=())
        entry = vault.seal(pseudonym=name, night=night, members=[member], state=state)
        vault.publish([entry], night=night, now=NOW, expires_at=NOW + timedelta(days=30), keys=self.keys)

    def renew_with_new_keys(self) -> None:
        """Let the vault trust other online keys, as after a theft."""
        self.renewals += 1
        new = SiteKeys.create(
            self.folder / f"keys{self.renewals}",
            recovery=self.keys.recovery,
            pseudonym_key=self.keys.pseudonym_key,
        )
        self.open().renew(keys=new, now=NOW, expires_at=NOW + timedelta(days=30))
        self.keys = new

    def publication(self) -> Publication:
        return read_publication(self.store, trusted_dir=self.trusted)

    def names(self) -> list[str]:
        return [entry.storage_name for entry in self.publication().entries]


class HeldProofs:
    """A memory of proofs that lives as long as the test."""

    def __init__(self) -> None:
        self.held: dict[str, Proof] = {}

    def all(self) -> Iterator[Proof]:
        yield from self.held.values()

    def keep(self, proof: Proof) -> None:
        self.held[proof.name] = proof

    def forget(self, name: str) -> None:
        self.held.pop(name, None)


class Mirror:
    """One destination of a small vault, run again and again with the same memory."""

    def __init__(self, vault: SmallVault, connect: Callable[[], Destination]) -> None:
        self.vault = vault
        self.connect = connect
        self.proofs = HeldProofs()
        self.now = NOW

    def mirroring(
        self, *, connect: Callable[[], Destination] | None = None, pace: Pace | None = None, **limits: object
    ) -> Mirroring:
        return Mirroring(
            "test",
            connect or self.connect,
            self.vault.publication(),
            open_here=self.vault.store.get,
            proofs=self.proofs,
            pace=pace or Pace(bytes_per_s=None, lasts_s=HOUR_S),
            limits=Limits(**limits),  # type: ignore[arg-type]
            now=lambda: self.now,
        )

    def run(
        self, *, connect: Callable[[], Destination] | None = None, pace: Pace | None = None, **limits: object
    ) -> Outcome:
        return self.mirroring(connect=connect, pace=pace, **limits).run()


def _object(data: bytes, number: int, night: date) -> StoredObject:
    digest = hashlib.sha256(data).hexdigest()
    uid = f"1.2.3.{number}"
    return StoredObject(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        sop_instance_uid=uid,
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        patient_id=f"P{number}",
        modality="RTPLAN",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        sha256=digest,
        size_bytes=len(data),
        parcel=THIS_PARCEL,
        member=object_member(modality="RTPLAN", sop_instance_uid=uid, sha256=digest),
        first_seen_on=night,
        last_seen_on=night,
        present=True,
        superseded=False,
    )
