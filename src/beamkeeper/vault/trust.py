"""Which metadata to believe: the client workflow of the TUF specification, as rules without I/O.

`verify_chain` asks for files through one function and returns what may be trusted, or raises. It
differs from the specification in one point, on purpose: metadata past their expiry are *stale*,
not refused, because a vault is opened on exactly the day nobody feeds it any more.

References
----------
The Update Framework specification 1.0.31, section 5 "Detailed client workflow"; the numbers below
"""

from __future__ import annotations

import hashlib
import json
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from tuf.api.exceptions import LengthOrHashMismatchError, RepositoryError, UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

from beamkeeper.errors import IntegrityError, VaultRolledBack
from beamkeeper.vault.metadata import (
    TIMESTAMP_NAME,
    audit_head_of,
    entries_of,
    lost_of,
    nights_of,
    recipients_of,
    removed_of,
    root_name,
    snapshot_name,
    targets_name,
    votes_of,
)

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.domain.audit import AuditHead
    from beamkeeper.vault.metadata import LostParcel, ParcelEntry
    from beamkeeper.vault.removed import RemovedPatient
    from beamkeeper.vault.votes import NightVotes

ROOT_ROTATIONS_MAX: Final = 64
"""Root versions followed in one go."""
ROOT_BYTES_MAX: Final = 512 << 10
TIMESTAMP_BYTES_MAX: Final = 16 << 10
SNAPSHOT_BYTES_MAX: Final = 1 << 20
TARGETS_BYTES_MAX: Final = 256 << 20
"""About 700,000 parcels."""

_SEEN_FORMAT: Final = "beamkeeper-seen"
_SEEN_KEYS: Final = {"format", "version", "timestamp", "snapshot", "targets", "timestamp_sha256"}
_Role = TypeVar("_Role", Root, Timestamp, Snapshot, Targets)


class ReadFile(Protocol):
    """Reads a whole small object of the store."""

    def __call__(self, name: str, *, bytes_max: int) -> bytes | None:
        """Return the bytes of `name`, None when the store has none; IntegrityError beyond `bytes_max`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The newest versions this computer has seen of a vault: what later ones may not fall behind.

    Attributes
    ----------
    timestamp_sha256
        Of the timestamp file itself: two different ones of one version are a fork.
    """

    timestamp: int = 0
    snapshot: int = 0
    targets: int = 0
    timestamp_sha256: str = ""

    def to_bytes(self) -> bytes:
        """Return this as the bytes of a `seen.json`."""
        pairs = {"timestamp": self.timestamp, "snapshot": self.snapshot, "targets": self.targets}
        head = {"format": _SEEN_FORMAT, "version": 1, "timestamp_sha256": self.timestamp_sha256}
        return json.dumps(head | pairs, indent=1).encode()

    @staticmethod
    def from_bytes(data: bytes) -> Seen:
        """Return what a `seen.json` says.

        Raises
        ------
        IntegrityError
            It is damaged: rollback could no longer be told.
        """
        try:
            document = json.loads(data)
            if document.keys() != _SEEN_KEYS or (document["format"], document["version"]) != (
                _SEEN_FORMAT,
                1,
            ):
                document = {}
            return Seen(
                timestamp=operator.index(document["timestamp"]),
                snapshot=operator.index(document["snapshot"]),
                targets=operator.index(document["targets"]),
                timestamp_sha256=str(document["timestamp_sha256"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(
                "This computer's own note of the vault's versions (seen.json) is damaged.",
                do_next="Delete it only after `beamkeeper vault verify` on another computer agrees.",
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedVault:
    """Everything the signatures vouch for.

    Attributes
    ----------
    root_bytes
        The newest root file, to be remembered by this computer.
    expires_at
        When the vault turns stale unless it is fed.
    audit_head
        Where the collector's audit log ended then; None when the vault does not say.
    """

    root: Root
    root_bytes: bytes
    timestamp_version: int
    snapshot_version: int
    targets_version: int
    recipients: tuple[str, ...]
    entries: tuple[ParcelEntry, ...]
    nights: tuple[date, ...]
    audit_head: AuditHead | None
    lost: tuple[LostParcel, ...]
    votes: tuple[NightVotes, ...]
    removed: tuple[RemovedPatient, ...]
    expires_at: datetime
    seen: Seen


def verify_first_root(data: bytes, *, public_hex: str) -> Root:
    """Return a first root, believed because the key that follows from the recovery words signed it.

    Raises
    ------
    IntegrityError
        Another key did, or none.
    """
    root = _parse(data, Root, "1.root.json")
    keys = [root.signed.keys[keyid] for keyid in root.signed.roles[Root.type].keyids]
    if [key.keyval.get("public") for key in keys] != [public_hex]:
        raise IntegrityError(
            "This vault's root is signed by another key than the one given.",
            do_next="Either this is another site's vault, or the recovery words are another site's.",
        )
    _verify_signatures(root.signed, root, Root.type)
    return root.signed


def verify_chain(read: ReadFile, *, root_bytes: bytes, seen: Seen) -> TrustedVault:
    """Return what may be believed of a vault, starting from a root already trusted.

    Raises
    ------
    IntegrityError
        A file is missing, damaged, not signed by the right key, or not the one another file names.
    VaultRolledBack
        Everything is genuine, but older than what this computer has seen.
    SourceUnavailable
        From `read`.
    """
    root, root_bytes = _newest_root(read, root_bytes)
    recipients = recipients_of(root)
    # 5.4.1-5.4.3: the timestamp, its signature, its version, its snapshot's version.
    data = _required(read, TIMESTAMP_NAME, TIMESTAMP_BYTES_MAX)
    timestamp = _verified(root, data, Timestamp, TIMESTAMP_NAME)
    _verify_not_older("timestamp", timestamp.version, seen.timestamp)
    digest = hashlib.sha256(data).hexdigest()
    if timestamp.version == seen.timestamp and seen.timestamp_sha256 not in {"", digest}:
        raise IntegrityError(
            f"There are two different signed versions {timestamp.version} of this vault: it was forked.",
            do_next="Find out who else holds this site's signing keys before you trust either.",
            version=timestamp.version,
        )
    snapshot_meta = timestamp.snapshot_meta
    _verify_not_older("snapshot", snapshot_meta.version, seen.snapshot)
    # 5.5.1-5.5.5: the snapshot, its digest in the timestamp, signature, version, versions inside.
    name = snapshot_name(snapshot_meta.version)
    data = _required(read, name, SNAPSHOT_BYTES_MAX)
    _verify_named(snapshot_meta, data, name)
    snapshot = _verified(root, data, Snapshot, name)
    _verify_version(name, snapshot.version, snapshot_meta.version)
    targets_meta = snapshot.meta.get("targets.json")
    if targets_meta is None:
        raise _damaged(name)
    _verify_not_older("targets", targets_meta.version, seen.targets)
    # 5.6.2-5.6.4: the targets, their digest in the snapshot, signature, version.
    name = targets_name(targets_meta.version)
    data = _required(read, name, TARGETS_BYTES_MAX)
    _verify_named(targets_meta, data, name)
    targets = _verified(root, data, Targets, name)
    _verify_version(name, targets.version, targets_meta.version)
    return TrustedVault(
        root=root,
        root_bytes=root_bytes,
        timestamp_version=timestamp.version,
        snapshot_version=snapshot.version,
        targets_version=targets.version,
        recipients=recipients,
        entries=entries_of(targets),
        nights=nights_of(targets),
        lost=lost_of(targets),
        votes=votes_of(targets),
        removed=removed_of(targets),
        audit_head=audit_head_of(targets),
        expires_at=min(item.expires for item in (root, timestamp, snapshot, targets)),
        seen=Seen(
            timestamp=timestamp.version,
            snapshot=snapshot.version,
            targets=targets.version,
            timestamp_sha256=digest,
        ),
    )


def _newest_root(read: ReadFile, data: bytes) -> tuple[Root, bytes]:
    """Follow root versions one by one, each signed by the keys of the one before and its own (5.3)."""
    root = _parse(data, Root, "root.json").signed
    _verify_signatures(root, _parse(data, Root, "root.json"), Root.type)
    for _ in range(ROOT_ROTATIONS_MAX):
        name = root_name(root.version + 1)
        newer_data = read(name, bytes_max=ROOT_BYTES_MAX)
        if newer_data is None:
            break
        newer = _parse(newer_data, Root, name)
        _verify_signatures(root, newer, Root.type)
        _verify_signatures(newer.signed, newer, Root.type)
        _verify_version(name, newer.signed.version, root.version + 1)
        root, data = newer.signed, newer_data
    return root, data


def _required(read: ReadFile, name: str, bytes_max: int) -> bytes:
    data = read(name, bytes_max=bytes_max)
    if data is None:
        raise IntegrityError(
            f"The vault lacks {name}: its metadata are not whole.",
            do_next="Check the path and the mount; otherwise use another copy of the vault.",
            name=name,
        )
    return data


def _verified(root: Root, data: bytes, kind: type[_Role], name: str) -> _Role:
    document = _parse(data, kind, name)
    _verify_signatures(root, document, kind.type)
    return document.signed


def _parse(data: bytes, kind: type[_Role], name: str) -> Metadata[_Role]:
    try:
        document: Metadata[Any] = Metadata.from_bytes(data)
    except (RepositoryError, ValueError, RecursionError) as error:
        raise _damaged(name) from error
    if not isinstance(document.signed, kind):
        raise _damaged(name)
    return document


def _damaged(name: str) -> IntegrityError:
    return IntegrityError(
        f"{name} is damaged: it is not signed metadata of that kind.",
        do_next="Use another copy of the vault.",
        name=name,
    )


def _verify_signatures(delegator: Root, document: Metadata[Any], role: str) -> None:
    try:
        delegator.verify_delegate(role, document.signed_bytes, document.signatures)
    except (UnsignedMetadataError, ValueError) as error:
        raise IntegrityError(
            f"The vault's {role} metadata are not signed by the key that may sign them.",
            do_next="Somebody changed this vault. Use another copy, and keep this one as evidence.",
            role=role,
        ) from error


def _verify_named(meta: Any, data: bytes, name: str) -> None:
    try:
        meta.verify_length_and_hashes(data)
    except LengthOrHashMismatchError as error:
        raise IntegrityError(
            f"{name} is not the file that the signed metadata name: files of different nights were mixed.",
            do_next="Use another copy of the vault, and keep this one as evidence.",
            name=name,
        ) from error


def _verify_version(name: str, found: int, expected: int) -> None:
    if found != expected:
        raise IntegrityError(
            f"{name} says it is version {found}; version {expected} was expected.",
            do_next="Use another copy of the vault, and keep this one as evidence.",
            name=name,
        )


def _verify_not_older(role: str, found: int, seen: int) -> None:
    if found < seen:
        raise VaultRolledBack(
            f"This vault was turned back: its {role} is version {found}, this computer has seen {seen}.",
            do_next="Use another copy of the vault, and keep this one as evidence of who changed it.",
            role=role,
            version_found=found,
            version_seen=seen,
        )
