"""Bringing a vault back from a destination: nothing appears before its signed digest was seen."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO

from beamkeeper.errors import IntegrityError, SourceUnavailable
from beamkeeper.protect.mirror.reading import paced, read_small
from beamkeeper.vault.trust import TARGETS_BYTES_MAX
from beamkeeper.wire.destination import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.protect.mirror.pace import Pace
    from beamkeeper.vault import ParcelEntry, ParcelStore
    from beamkeeper.vault.publication import Publication
    from beamkeeper.wire.destination import Destination


class DestinationReader:
    """A destination as a store that is only read: what verifies a vault can look at a mirror."""

    def __init__(self, destination: Destination, pace: Pace) -> None:
        self._destination = destination
        self._pace = pace

    def get(self, name: str) -> BinaryIO | None:
        """Return a small object, whole; None when the destination answered that it has none."""
        data = read_small(self._destination, name, bytes_max=TARGETS_BYTES_MAX, pace=self._pace)
        return None if data is None else io.BytesIO(data)


def fetch(
    destination: Destination,
    publication: Publication,
    store: ParcelStore,
    pace: Pace,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[str, ...]:
    """Bring a whole vault from a destination into `store`; return in words what could not be brought.

    Parameters
    ----------
    publication
        As it was read from the destination and verified. What `store` has already is not fetched again.

    Raises
    ------
    StorageFull
        No room here.
    """
    failures = []
    entries = publication.entries
    for number, entry in enumerate(entries, start=1):
        if store.head(entry.storage_name) != entry.size_bytes:
            try:
                _fetch_one(destination, entry, store, pace)
            except (IntegrityError, SourceUnavailable) as error:
                failures.append(f"{entry.path}: {error.message}")
        progress(number, len(entries))
    for file in publication.versioned:
        store.put(file.name, io.BytesIO(file.data))
    store.replace(publication.timestamp.name, publication.timestamp.data)
    return tuple(failures)


def _fetch_one(destination: Destination, entry: ParcelEntry, store: ParcelStore, pace: Pace) -> None:
    source = destination.open(entry.storage_name)
    if source is None:
        raise IntegrityError("The destination does not have it.", do_next="Try another mirror.")
    digest, count = hashlib.sha256(), 0
    staged = store.stage()
    try:
        with paced(source, pace) as counted:
            while count <= entry.size_bytes and (block := counted.read(BLOCK_BYTES)):
                digest.update(block)
                count += len(block)
                staged.write(block)
        if (count, digest.hexdigest()) != (entry.size_bytes, entry.sha256):
            raise IntegrityError(
                "The destination gives other bytes than the ones that were sealed.",
                do_next="Try another mirror, and keep this one as evidence.",
            )
        staged.commit(entry.storage_name)
    finally:
        staged.discard()
