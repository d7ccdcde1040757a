"""A mirror somewhere, as the watcher reads it: its files, and their sizes out of one listing a look."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from beamkeeper.vault.metadata import TARGETS

if TYPE_CHECKING:
    from beamkeeper.wire.destination import Destination


class SeenMirror:
    """A store of which only reading is asked, for the time of one look.

    Parameters
    ----------
    destination
        Opened with credentials of the watcher's own; those that only read are enough.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    def get(self, name: str) -> BinaryIO | None:
        """Return a reader of `name`; None when the destination answered that it has none."""
        return self._destination.open(name)

    def head(self, name: str) -> int | None:
        """Return the size of a parcel, bytes; None when the destination does not list it."""
        return self._sizes.get(name)

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {listed.name: listed.size_bytes for listed in self._destination.list(TARGETS)}
