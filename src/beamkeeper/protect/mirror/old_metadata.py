"""Old versions of signed metadata at a destination: they go when they have long been replaced there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.errors import StorageFull
from beamkeeper.protect.mirror.removing import REMOVED_AT_ONCE_MAX
from beamkeeper.vault.metadata import METADATA
from beamkeeper.vault.pruning import is_old_metadata

if TYPE_CHECKING:
    from beamkeeper.vault.publication import Publication
    from beamkeeper.wire.destination import Destination


def remove_old_there(destination: Destination, publication: Publication) -> int:
    """Remove what the newest metadata, which are proved there, have long replaced; return how many files.

    A lock, or a missing right, keeps them: they harm nobody, and the next run tries again.

    Raises
    ------
    SourceUnavailable
        No answer.
    """
    old = [
        item.name
        for item in destination.list(METADATA)
        if is_old_metadata(
            item.name, targets_name=publication.targets.name, snapshot_name=publication.snapshot.name
        )
    ]
    removed = 0
    for name in old[:REMOVED_AT_ONCE_MAX]:
        try:
            destination.remove(name)
        except StorageFull:
            break
        removed += 1
    return removed
