"""Writing into the vault: a parcel that was read back, and signed metadata that name it."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.clock import utc
from beamkeeper.errors import ConfigError, IntegrityError, KeyUnavailable
from beamkeeper.vault import metadata
from beamkeeper.vault.keys import ONLINE_ROLES
from beamkeeper.vault.metadata import METADATA, LostParcel, ParcelEntry
from beamkeeper.vault.parcel import seal_parcel
from beamkeeper.vault.reading import StoreReader, verify_stored
from beamkeeper.vault.removed import with_removed, without_removed
from beamkeeper.vault.site import SITE_NAME, SiteFacts, site_bytes
from beamkeeper.vault.tarstream import Member
from beamkeeper.vault.trust import ROOT_BYTES_MAX, verify_first_root
from beamkeeper.vault.votes import with_votes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, datetime

    from securesystemslib.signer import Key
    from tuf.api.metadata import Root

    from beamkeeper.domain.audit import AuditHead
    from beamkeeper.vault.keys import SiteKeys
    from beamkeeper.vault.removed import RemovedPatient
    from beamkeeper.vault.store import ParcelStore
    from beamkeeper.vault.trust import Seen, TrustedVault
    from beamkeeper.vault.votes import NightVotes

FIRST_LIFETIME: Final = timedelta(days=2)
"""A new vault turns stale unless a first night follows."""
ROOT_LIFETIME: Final = timedelta(days=3650)
"""The root is renewed with the recovery words, out of their envelopes: rarely."""
VERSIONS_SKIPPED_MAX: Final = 10_000
"""Metadata files of coming versions, left by crashes or put there by others, that are stepped over."""


def store_parcel(
    store: ParcelStore,
    *,
    path: str,
    members: Sequence[Member],
    recipients: Sequence[str],
    night: date,
    threads: int = 2,
) -> ParcelEntry:
    """Seal `members` into the store under their digest, read them back, and return their entry.

    Raises
    ------
    IntegrityError
        A member changed meanwhile, or what was read back is not what was written.
    StorageFull, SourceUnavailable
        Nothing was stored.
    """
    staged = store.stage()
    try:
        sealed = seal_parcel(members, recipients=recipients, sink=staged, night=night, threads=threads)
        entry = ParcelEntry(path=path, sha256=sealed.sha256, size_bytes=sealed.size_bytes)
        staged.commit(entry.storage_name)
    finally:
        staged.discard()
    verify_stored(store, entry)
    return entry


def small_member(name: str, data: bytes) -> Member:
    """Return a member whose bytes are at hand."""
    digest = hashlib.sha256(data).hexdigest()
    return Member(name=name, size_bytes=len(data), open=lambda: io.BytesIO(data), sha256=digest)


def first_root(store: ParcelStore, public_hex: str | None) -> bytes:
    """Return the first root of a vault this computer never saw.

    Raises
    ------
    KeyUnavailable
        Nobody said whose signature to trust.
    IntegrityError
        There is no vault, or another key signed it.
    """
    if public_hex is None:
        raise KeyUnavailable(
            "This computer has never seen this vault and was not told whose signature to trust.",
            do_next="Give the recovery words or identity, or the site's root key from the keys directory.",
        )
    data = StoreReader(store)(metadata.root_name(1), bytes_max=ROOT_BYTES_MAX)
    if data is None:
        raise IntegrityError(
            "There is no vault here: its first root is missing.",
            do_next="Check the path, and that the share is mounted.",
        )
    verify_first_root(data, public_hex=public_hex)
    return data


def write_first(store: ParcelStore, keys: SiteKeys, *, now: datetime, site_name: str) -> bytes:
    """Write an empty vault: a root, the site's sealed facts, and metadata that name them; return the root.

    Raises
    ------
    ConfigError
        There is a vault already.
    KeyUnavailable
        `keys` were loaded, not created: the root cannot be signed.
    """
    if store.head(metadata.TIMESTAMP_NAME) is not None:
        raise ConfigError("There is a vault here already.", do_next="Open it, or choose an empty place.")
    root_bytes, root = put_root(store, keys, now)
    night = utc(now).date()
    entry = store_parcel(
        store,
        path=metadata.parcel_path(metadata.SITE, night, 1),
        members=[small_member(SITE_NAME, site_bytes(SiteFacts.of(keys, site_name=site_name)))],
        recipients=metadata.recipients_of(root),
        night=night,
    )
    write_metadata(
        store, previous=None, entries=[entry], nights=[], expires_at=now + FIRST_LIFETIME, keys=keys
    )
    return root_bytes


def put_root(store: ParcelStore, keys: SiteKeys, now: datetime) -> tuple[bytes, Root]:
    """Write the first root, or return the one that a crashed creation with these keys left.

    Raises
    ------
    KeyUnavailable
        `keys` hold no recovery secret, or the root that is there belongs to others.
    IntegrityError
        A root signed by another key is there.
    """
    if keys.recovery is None:
        raise KeyUnavailable(
            "A vault is created with its recovery secret, which these keys do not hold.",
            do_next="Create the vault in the same step that makes the keys.",
        )
    name = metadata.root_name(1)
    data = StoreReader(store)(name, bytes_max=ROOT_BYTES_MAX)
    if data is None:
        signer = keys.recovery.root_signer
        root = metadata.make_root(
            version=1,
            root=signer.public_key,
            online={role: [signer.public_key] for role, signer in keys.signers.items()},
            recipients=keys.recipients,
            expires_at=now + ROOT_LIFETIME,
        )
        data = metadata.sign(root, signer)
        store.put(name, io.BytesIO(data))
    trusted = verify_first_root(data, public_hex=keys.root_public_key)
    verify_online_keys(trusted, keys)
    return data, trusted


def put_next_root(
    store: ParcelStore, trusted: TrustedVault, *, keys: SiteKeys, now: datetime, also_old: bool
) -> None:
    """Write the root after the trusted one: it trusts the online keys and recipients of `keys`.

    Parameters
    ----------
    also_old
        Trust the keys of the present root beside them, until the metadata are signed anew.

    Raises
    ------
    KeyUnavailable
        `keys` hold no recovery secret, or another vault's.
    IntegrityError
        Another next root is there already.
    """
    if (
        keys.recovery is None
        or [keys.recovery.root_signer.public_key.keyid] != trusted.root.roles["root"].keyids
    ):
        raise KeyUnavailable(
            "The root of this vault can only be renewed with its recovery words.",
            do_next="Join three of the five word lists of this site.",
        )
    online: dict[str, list[Key]] = {role: [signer.public_key] for role, signer in keys.signers.items()}
    if also_old:
        for role in ONLINE_ROLES:
            online[role] += [trusted.root.keys[keyid] for keyid in trusted.root.roles[role].keyids]
    signer = keys.recovery.root_signer
    root = metadata.make_root(
        version=trusted.root.version + 1,
        root=signer.public_key,
        online=online,
        recipients=keys.recipients,
        expires_at=now + ROOT_LIFETIME,
    )
    store.put(metadata.root_name(root.version), io.BytesIO(metadata.sign(root, signer)))


def verify_online_keys(root: Root, keys: SiteKeys) -> None:
    """Refuse keys whose signatures the root would not accept.

    Raises
    ------
    KeyUnavailable
        At least one is another.
    """
    wrong = [
        role for role in ONLINE_ROLES if keys.signers[role].public_key.keyid not in root.roles[role].keyids
    ]
    if wrong:
        raise KeyUnavailable(
            f"The keys at hand may not sign this vault's {', '.join(wrong)}: its root trusts others.",
            do_next="Use the keys made with this vault, or let it trust these with the recovery words.",
        )


def merged(there: Iterable[ParcelEntry], added: Iterable[ParcelEntry]) -> tuple[ParcelEntry, ...]:
    """Return all entries by path; the same one twice is one.

    Raises
    ------
    IntegrityError
        Two different parcels bear one path.
    """
    entries = {entry.path: entry for entry in there}
    for entry in added:
        if entries.setdefault(entry.path, entry) != entry:
            raise IntegrityError(
                f"The vault already names another parcel {entry.path}; it was left as it is.",
                do_next="Run the night again: the parcel is then sealed under the next number.",
                path=entry.path,
            )
    return tuple(entries[path] for path in sorted(entries))


def without_lost(
    store: ParcelStore, entries: Sequence[ParcelEntry], lost: Sequence[LostParcel]
) -> tuple[ParcelEntry, ...]:
    """Return the entries that metadata still name beside statements about lost parcels.

    Raises
    ------
    IntegrityError
        A parcel called lost is there, or one that shall hold its objects is not named.
    """
    gone = {one.entry.path: one for one in lost}
    named = {entry.path: entry for entry in entries if entry.path not in gone}
    for one in lost:
        if store.head(one.entry.storage_name) == one.entry.size_bytes:
            raise IntegrityError(
                f"The parcel {one.entry.path} is there: it cannot be called lost.",
                do_next="Run `beamkeeper vault verify`.",
                path=one.entry.path,
            )
        if missing := metadata.held_in(one.entry.path, gone) - named.keys():
            raise IntegrityError(
                f"The parcel {one.entry.path} cannot be called lost: {min(missing)}, which shall hold its"
                " objects, is not in the vault.",
                do_next="Run the night again.",
                path=one.entry.path,
            )
    return tuple(named.values())


def verify_there(store: ParcelStore, entries: Iterable[ParcelEntry]) -> None:
    """Refuse to name a parcel that the store does not hold at its size.

    Raises
    ------
    IntegrityError
        One is missing or of another size.
    """
    for entry in entries:
        size = store.head(entry.storage_name)
        if size != entry.size_bytes:
            found = "it is not there" if size is None else f"{size} bytes are there"
            raise IntegrityError(
                f"The parcel {entry.path} of {entry.size_bytes} bytes cannot be published: {found}.",
                do_next="Run the night again: the patient is then sealed anew.",
                path=entry.path,
            )


def write_metadata(
    store: ParcelStore,
    *,
    previous: TrustedVault | None,
    above: Seen | None = None,
    entries: Sequence[ParcelEntry],
    nights: Iterable[date],
    audit_head: AuditHead | None = None,
    lost: Sequence[LostParcel] = (),
    votes: Iterable[NightVotes] = (),
    removed: Iterable[RemovedPatient] = (),
    expires_at: datetime,
    keys: SiteKeys,
) -> int:
    """Write new targets and snapshot beside the old ones, then swap the timestamp; return its version.

    Every version is above the previous one, and `above`. Without an `audit_head` the previous one stays;
    so do votes, and what was stated about lost parcels and removed patients before.

    Raises
    ------
    IntegrityError
        A parcel to be named was removed by rule: nothing was written.
    """
    after = (0, 0, 0)
    if previous is not None:
        removed = with_removed(previous.removed, removed)
        gone = {one.entry.path for one in previous.lost} - _paths(
            without_removed((one.entry for one in previous.lost), removed)
        )
        lost = (*(one for one in previous.lost if one.entry.path not in gone), *lost)
        votes = with_votes(previous.votes, votes)
        audit_head = audit_head or previous.audit_head
        after = (previous.targets_version, previous.snapshot_version, previous.timestamp_version)
    if above is not None:
        floor = (above.targets, above.snapshot, above.timestamp)
        after = (max(after[0], floor[0]), max(after[1], floor[1]), max(after[2], floor[2]))
    _verify_none_removed(entries, removed := tuple(removed))
    version = _free_version(store, metadata.targets_name, after[0])
    made = metadata.make_targets(
        version=version,
        entries=entries,
        nights=nights,
        audit_head=audit_head,
        lost=lost,
        votes=votes,
        removed=removed,
        expires_at=expires_at,
    )
    targets = metadata.sign(made, keys.signers["targets"])
    store.put(metadata.targets_name(version), io.BytesIO(targets))

    snapshot_version = _free_version(store, metadata.snapshot_name, after[1])
    snapshot = metadata.sign(
        metadata.make_snapshot(
            version=snapshot_version, targets=targets, targets_version=version, expires_at=expires_at
        ),
        keys.signers["snapshot"],
    )
    store.put(metadata.snapshot_name(snapshot_version), io.BytesIO(snapshot))

    timestamp = metadata.make_timestamp(
        version=after[2] + 1, snapshot=snapshot, snapshot_version=snapshot_version, expires_at=expires_at
    )
    store.replace(metadata.TIMESTAMP_NAME, metadata.sign(timestamp, keys.signers["timestamp"]))
    return timestamp.version


def _verify_none_removed(entries: Sequence[ParcelEntry], removed: Sequence[RemovedPatient]) -> None:
    """Refuse to name a parcel that was removed: nothing old brings a removed patient back."""
    back = _paths(entries) - _paths(without_removed(entries, removed))
    if back:
        raise IntegrityError(
            f"The parcel {min(back)} cannot be named: its patient was removed from this vault by rule.",
            do_next="Run the night again: what the sources hold of the patient is then sealed anew.",
            path=min(back),
        )


def _paths(entries: Iterable[ParcelEntry]) -> set[str]:
    return {entry.path for entry in entries}


def _free_version(store: ParcelStore, name_of: Callable[[int], str], after: int) -> int:
    """Return the first version after `after` that no file bears yet."""
    for version in range(after + 1, after + 1 + VERSIONS_SKIPPED_MAX):
        if store.head(name_of(version)) is None:
            return version
    raise IntegrityError(
        f"{VERSIONS_SKIPPED_MAX} metadata files of versions to come lie there: somebody put them there.",
        do_next="Keep them as evidence, remove them from the vault, and run the night again.",
        folder=METADATA,
    )
