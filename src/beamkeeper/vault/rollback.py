"""A vault that was turned back by its owner: what it says now, and how a person lets it go on from there.

Going on never lowers a version number: the metadata of then are signed again under versions above all that
this computer has seen, so whoever watches from outside still sees them rise (decision 0042).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.vault.memory import TrustedMemory
from beamkeeper.vault.publishing import verify_online_keys, write_metadata
from beamkeeper.vault.reading import StoreReader
from beamkeeper.vault.removed import without_removed
from beamkeeper.vault.trust import Seen, TrustedVault, verify_chain

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from beamkeeper.vault.keys import SiteKeys
    from beamkeeper.vault.store import ParcelStore


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """A genuine vault that is older than what this computer has seen of it.

    Attributes
    ----------
    trusted
        What its signatures vouch for.
    seen
        The newest versions this computer has seen.
    """

    trusted: TrustedVault
    seen: Seen


def find_rollback(store: ParcelStore, *, trusted_dir: Path) -> TurnedBack | None:
    """Return the older vault that lies in `store`; None when it is not older, or was never seen here.

    Raises
    ------
    IntegrityError
        It is not merely older: something was changed, mixed or cut short. That is never accepted.
    SourceUnavailable
        The store does not answer.
    """
    memory = TrustedMemory(trusted_dir)
    root, seen = memory.root(), memory.seen()
    if root is None:
        return None
    trusted = verify_chain(StoreReader(store), root_bytes=root, seen=Seen())
    is_older = (
        trusted.timestamp_version < seen.timestamp
        or trusted.snapshot_version < seen.snapshot
        or trusted.targets_version < seen.targets
    )
    return TurnedBack(trusted, seen) if is_older else None


def accept_rollback(
    store: ParcelStore,
    found: TurnedBack,
    *,
    trusted_dir: Path,
    keys: SiteKeys,
    believed: Iterable[str],
) -> int:
    """Sign the older list of parcels anew, above every version seen; return the timestamp's version.

    The expiry stays what it was: accepting feeds nobody, and the vault is stale until a night runs. Whom
    this computer has seen removed since stays removed.

    Parameters
    ----------
    believed
        Paths of parcels that the ledger believes in. Those the older list does not name are noted, so
        that the next night takes their objects from the sources again and no new parcel bears their names.

    Raises
    ------
    KeyUnavailable
        `keys` may not sign this vault.
    StorageFull, SourceUnavailable
        Nothing was accepted.
    """
    memory = TrustedMemory(trusted_dir)
    trusted = found.trusted
    with memory.only_writer():
        verify_online_keys(trusted.root, keys)
        removed = memory.removed()
        entries = without_removed(trusted.entries, removed)
        named = {entry.path for entry in entries}
        memory.note_forgotten({*memory.forgotten(), *believed} - named)
        version = write_metadata(
            store,
            previous=trusted,
            above=found.seen,
            entries=entries,
            nights=trusted.nights,
            expires_at=trusted.expires_at,
            keys=keys,
            removed=removed,
        )
        fresh = verify_chain(StoreReader(store), root_bytes=trusted.root_bytes, seen=found.seen)
        memory.remember(fresh.root_bytes, fresh.seen)
    return version
