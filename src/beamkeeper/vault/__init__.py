"""What we keep, so that it opens without us: sealed parcels, signed metadata, keys, reading back.

A parcel is a tar in zstd in age, one per patient and night; a TUF repository signs which parcels
there are; `state.json` in each parcel says where every file of the patient lies. Make keys with
`SiteKeys.create`, the vault with `Vault.create`; every night `Vault.open`, `Vault.seal` for each
patient and one `Vault.publish`; on the day, `RecoveryKeys` and `Vault.restore_patient`. Formats:
`docs/formats/vault.md`; choices: `docs/decisions/0020-vault.md`.
"""

from beamkeeper.vault.cards import CARDS_NEEDED, WORDS_ON_CARD, join_words, read_card, split_words
from beamkeeper.vault.keys import RecoveryKeys, SiteKeys, pseudonym
from beamkeeper.vault.local import LocalStore
from beamkeeper.vault.metadata import DEPARTMENT, LostParcel, ParcelEntry
from beamkeeper.vault.parcel import SealedParcel, read_parcel, seal_parcel
from beamkeeper.vault.references import resolve_secret
from beamkeeper.vault.removed import RemovedPatient
from beamkeeper.vault.removing import RemovedFiles
from beamkeeper.vault.repository import Vault
from beamkeeper.vault.restoring import RestoreFailure, RestoreReport
from beamkeeper.vault.site import SiteFacts
from beamkeeper.vault.state import (
    THIS_PARCEL,
    PatientState,
    StoredDocument,
    StoredObject,
    object_member,
    read_state,
    state_bytes,
)
from beamkeeper.vault.store import ParcelStore, Staged
from beamkeeper.vault.tarstream import Member, ParcelLimits
from beamkeeper.vault.verifying import Problem, VaultReport
from beamkeeper.vault.votes import NightVotes, voter_token

__all__ = [
    "CARDS_NEEDED",
    "DEPARTMENT",
    "THIS_PARCEL",
    "WORDS_ON_CARD",
    "LocalStore",
    "LostParcel",
    "Member",
    "NightVotes",
    "ParcelEntry",
    "ParcelLimits",
    "ParcelStore",
    "PatientState",
    "Problem",
    "RecoveryKeys",
    "RemovedFiles",
    "RemovedPatient",
    "RestoreFailure",
    "RestoreReport",
    "SealedParcel",
    "SiteFacts",
    "SiteKeys",
    "Staged",
    "StoredDocument",
    "StoredObject",
    "Vault",
    "VaultReport",
    "join_words",
    "object_member",
    "pseudonym",
    "read_card",
    "read_parcel",
    "read_state",
    "resolve_secret",
    "seal_parcel",
    "split_words",
    "state_bytes",
    "voter_token",
]
