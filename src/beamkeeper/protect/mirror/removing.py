"""Removing named objects from a destination, and proving that they are gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.wire.destination import is_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from beamkeeper.protect.mirror.plan import Proofs
    from beamkeeper.wire.destination import Destination


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
