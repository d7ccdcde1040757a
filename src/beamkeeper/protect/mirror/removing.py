"""Removing named objects from a destination, and proving that they are gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import StorageFull
from beamkeeper.protect.mirror.outcome import RemovedThere
from beamkeeper.vault.hold import HOLD_BYTES_MAX, HOLD_NAME, read_hold
from beamkeeper.vault.removing import stored_entry
from beamkeeper.wire.destination import is_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from beamkeeper.protect.mirror.plan import Proofs
    from beamkeeper.vault.hold import Hold
    from beamkeeper.vault.publication import Publication
    from beamkeeper.wire.destination import Destination


REMOVED_AT_ONCE_MAX: Final = 10_000
"""Parcels removed in one run; a hostile list could name more, and the next run goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a removal list came to at one destination.

    Attributes
    ----------
    gone
        Neither listed nor readable any more.
    still_there
        Listed, or readable: an Object Lock, a missing right, a destination that lies.
    """

    gone: tuple[str, ...]
    still_there: tuple[str, ...]


def find_notice(destination: Destination) -> Hold | None:
    """Return the notice of an open incident that lies at a destination; None when it answered: none."""
    source = destination.open(HOLD_NAME)
    if source is None:
        return None
    with source:
        return read_hold(source.read(HOLD_BYTES_MAX + 1))


def remove_proved(destination: Destination, names: Collection[str], proofs: Proofs) -> Removal:
    """Remove exactly these objects, then ask twice, by listing and by reading, whether they are gone.

    Raises
    ------
    SourceUnavailable, StorageFull
        No answer, or no right: what was removed before stays removed; repeating is harmless.
    ValueError
        Not names of a vault: our own mistake.
    """
    if not all(is_name(name) for name in names):
        raise ValueError("a removal list names objects of a vault")
    for name in names:
        destination.remove(name)
    wanted = set(names)
    folders = sorted({name.rpartition("/")[0] + "/" for name in names})
    listed = {item.name for folder in folders for item in destination.list(folder) if item.name in wanted}
    there = listed | {name for name in names if _is_readable(destination, name)}
    for name in wanted - there:
        proofs.forget(name)
    return Removal(gone=tuple(sorted(wanted - there)), still_there=tuple(sorted(there)))


def _is_readable(destination: Destination, name: str) -> bool:
    source = destination.open(name)
    if source is None:
        return False
    source.close()
    return True


@dataclass(slots=True)
class DueRemovals:
    """What a destination lists that signed metadata say was removed: the only things a run removes.

    Parameters
    ----------
    publication
        Whose statements count.
    """

    publication: Publication
    names: dict[str, list[str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many objects are to go."""
        return sum(map(len, self.names.values()))

    def note(self, name: str) -> bool:
        """Take note of a name that no metadata hold; return whether a statement covers it."""
        entry = stored_entry(name)
        if entry is None:
            return False
        for statement in self.publication.removed:
            if statement.pseudonym == entry.pseudonym and statement.covers(entry.path):
                if self.count < REMOVED_AT_ONCE_MAX:
                    self.names.setdefault(entry.pseudonym, []).append(name)
                return True
        return False

    def carry_out(self, destination: Destination, proofs: Proofs) -> tuple[RemovedThere, ...]:
        """Remove them, patient by patient, and prove it; what may not be removed is counted as kept."""
        done = []
        for pseudonym, names in sorted(self.names.items()):
            try:
                removal = remove_proved(destination, names, proofs)
                gone, kept = len(removal.gone), len(removal.still_there)
            except StorageFull:  # no right to delete, which is how we advise to set buckets up
                gone, kept = 0, len(names)
            done.append(RemovedThere(pseudonym=pseudonym, gone_count=gone, kept_count=kept))
        return tuple(done)
