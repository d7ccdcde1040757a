"""Old versions of signed metadata: every publication writes the whole list of parcels anew.

Sixty publications a day would fill a vault with lists nobody asks for. What goes are targets and snapshots
far below the ones that the timestamp names; never a root, because a client goes from root to root.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beamkeeper.vault.metadata import snapshot_name, targets_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.vault.repository import Vault

VERSIONS_KEPT: Final = 20
"""So many versions below the newest stay, for a client that is still reading what the timestamp named."""
GAP_VERSIONS_MAX: Final = 8
"""Numbers that a crash or an accepted rollback left out, one after the other."""
AT_ONCE_MAX: Final = 1_000
_VERSIONED = re.compile(r"metadata/([1-9]\d{0,8})\.(targets|snapshot)\.json")


def remove_old_metadata(vault: Vault) -> int:
    """Remove from an open vault what its newest metadata have long replaced; return how many files.

    Raises
    ------
    StorageFull, SourceUnavailable
        Some could not be removed: they harm nobody, and the next publication tries again.
    """
    targets_version, snapshot_version = vault.metadata_versions
    return sum(
        _remove_below(vault, name_of, newest - VERSIONS_KEPT)
        for name_of, newest in ((targets_name, targets_version), (snapshot_name, snapshot_version))
    )


def is_old_metadata(name: str, *, targets_name: str, snapshot_name: str) -> bool:
    """Return whether a name is that of metadata which the two given, the newest, have long replaced."""
    found = _VERSIONED.fullmatch(name)
    newest = {"targets": targets_name, "snapshot": snapshot_name}
    named = _VERSIONED.fullmatch(newest[found[2]]) if found else None
    return found is not None and named is not None and int(found[1]) <= int(named[1]) - VERSIONS_KEPT


def _remove_below(vault: Vault, name_of: Callable[[int], str], highest: int) -> int:
    """Remove version `highest` and those below it, until so many numbers in a row are nobody's."""
    removed = absent = 0
    for version in range(highest, max(0, highest - AT_ONCE_MAX), -1):
        if vault.store.head(name_of(version)) is None:
            absent += 1
            if absent > GAP_VERSIONS_MAX:
                break
        else:
            vault.store.delete(name_of(version))
            absent = 0
            removed += 1
    return removed
