"""What a vault has published, as files: what a copy elsewhere must hold, and in which order it gets them.

A TUF client that looks at a copy in the making must find it whole at every moment: first the roots up to
the one that trusts the new signatures, then the parcels, targets, snapshot, and last the timestamp,
the one file that is replaced. Roots that only came after those signatures follow the timestamp.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, cast

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Timestamp

from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.vault.memory import TrustedMemory
from beamkeeper.vault.metadata import TIMESTAMP_NAME, root_name, snapshot_name, targets_name
from beamkeeper.vault.reading import StoreReader
from beamkeeper.vault.trust import (
    ROOT_BYTES_MAX,
    TIMESTAMP_BYTES_MAX,
    Seen,
    verify_chain,
    verify_first_root,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.vault.metadata import ParcelEntry
    from beamkeeper.vault.removed import RemovedPatient
    from beamkeeper.vault.store import ParcelStore
    from beamkeeper.vault.trust import TrustedVault

_ROLES: Final = ("timestamp", "snapshot", "targets")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFile:
    """One file of signed metadata, whole."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Digest of the file, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Everything one published state of a vault consists of; every signature was verified.

    Attributes
    ----------
    roots_before, roots_after
        Root versions that a copy must have before its timestamp is replaced, and those that follow.
    removed
        Signed statements about patients whose parcels went, and must go from every copy.
    timestamp_version
        Counts up with every publication: what was published later has the higher one.
    """

    roots_before: tuple[SignedFile, ...]
    entries: tuple[ParcelEntry, ...]
    targets: SignedFile
    snapshot: SignedFile
    timestamp: SignedFile
    roots_after: tuple[SignedFile, ...]
    timestamp_version: int
    expires_at: datetime
    removed: tuple[RemovedPatient, ...] = ()

    @property
    def versioned(self) -> tuple[SignedFile, ...]:
        """Every signed file that is never replaced, in the order they are put before the timestamp."""
        return (*self.roots_before, self.targets, self.snapshot, *self.roots_after)


class Readable(Protocol):
    """A store of which only reading is asked."""

    def get(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None only when the store answered that it has none."""


def read_publication(
    store: Readable, *, trusted_dir: Path, root_public_key: str | None = None, older_too: bool = False
) -> Publication:
    """Return what the vault in `store` has published now, verified from its first root on.

    Parameters
    ----------
    trusted_dir
        What this computer remembers of the vault.
    root_public_key
        Whose root to believe on a computer that never opened the vault.
    older_too
        Take a state that is older than what this computer has seen: a copy that is behind.

    Raises
    ------
    IntegrityError, VaultRolledBack, SourceUnavailable
        As `Vault.open`.
    KeyUnavailable
        This computer never opened the vault, and no key was given.
    """
    memory = TrustedMemory(trusted_dir)
    pinned = memory.root()
    read = _Recorder(StoreReader(cast("ParcelStore", store)))
    first = read(root_name(1), bytes_max=ROOT_BYTES_MAX)
    if first is None:
        raise IntegrityError("There is no vault here: its first root is missing.", do_next="Check the place.")
    if root_public_key is None and pinned is None:
        raise KeyUnavailable(
            "This computer has never opened this vault.",
            do_next="Open it first, or give the root key that was written beside the recovery words.",
        )
    # Every root is signed by the one recovery key, so the pinned one says whose the first must be.
    verify_first_root(first, public_hex=root_public_key or _root_key(pinned or b""))
    trusted = verify_chain(read, root_bytes=first, seen=Seen() if older_too else memory.seen())
    roots = [
        SignedFile(name=name, data=data) for name, data in read.files.items() if name.endswith(".root.json")
    ]
    if pinned is not None and pinned not in {root.data for root in roots} and not older_too:
        raise IntegrityError(
            "The root this computer trusts is not among those of the vault: roots were replaced.",
            do_next="Use another copy of the vault, and keep this one as evidence.",
        )
    return _publication(trusted, roots, read.files)


def timestamp_seen(trusted_dir: Path) -> int:
    """Return the newest timestamp version that this computer has seen of the vault; 0 for none."""
    return TrustedMemory(trusted_dir).seen().timestamp


def signed_timestamp_version(data: bytes, publication: Publication) -> int | None:
    """Return the version of a timestamp file, if a root of this vault vouches for it; else None."""
    if len(data) > TIMESTAMP_BYTES_MAX:
        return None
    try:
        found: Metadata[Any] = Metadata.from_bytes(data)
    except (RepositoryError, ValueError, RecursionError):
        return None
    if not isinstance(found.signed, Timestamp):
        return None
    roots = [*publication.roots_before, *publication.roots_after]
    return found.signed.version if any(_accepts(root, "timestamp", found) for root in roots) else None


def _root_key(pinned: bytes) -> str:
    root: Root = Metadata.from_bytes(pinned).signed
    key = root.keys[root.roles[Root.type].keyids[0]]
    return str(key.keyval["public"])


def _publication(trusted: TrustedVault, roots: list[SignedFile], files: dict[str, bytes]) -> Publication:
    def signed(name: str) -> SignedFile:
        return SignedFile(name=name, data=files[name])

    three = {
        "timestamp": signed(TIMESTAMP_NAME),
        "snapshot": signed(snapshot_name(trusted.snapshot_version)),
        "targets": signed(targets_name(trusted.targets_version)),
    }
    documents: dict[str, Metadata[Any]] = {role: Metadata.from_bytes(three[role].data) for role in _ROLES}
    needed = next(
        number
        for number, root in enumerate(roots, start=1)
        if all(_accepts(root, role, documents[role]) for role in _ROLES)
    )
    return Publication(
        roots_before=tuple(roots[:needed]),
        entries=trusted.entries,
        targets=three["targets"],
        snapshot=three["snapshot"],
        timestamp=three["timestamp"],
        roots_after=tuple(roots[needed:]),
        timestamp_version=trusted.timestamp_version,
        expires_at=trusted.expires_at,
        removed=trusted.removed,
    )


def _accepts(root: SignedFile, role: str, document: Metadata[Any]) -> bool:
    delegator: Metadata[Root] = Metadata.from_bytes(root.data)
    try:
        delegator.signed.verify_delegate(role, document.signed_bytes, document.signatures)
    except (RepositoryError, ValueError):
        return False
    return True


class _Recorder:
    """Reads files and keeps what was read: the very bytes that were verified are what is copied."""

    def __init__(self, read: StoreReader) -> None:
        self._read = read
        self.files: dict[str, bytes] = {}

    def __call__(self, name: str, *, bytes_max: int) -> bytes | None:
        data = self._read(name, bytes_max=bytes_max)
        if data is not None:
            self.files[name] = data
        return data
