"""Removing patients: signed metadata stop naming them, then their files go, then a listing proves it.

A crash in between leaves files that a signed statement covers and nothing names: the same call again
deletes them. Nothing else is ever deleted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import IntegrityError
from beamkeeper.vault.metadata import TARGETS, ParcelEntry
from beamkeeper.vault.removed import RemovedPatient
from beamkeeper.vault.state import is_pseudonym

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from beamkeeper.vault.store import ParcelStore

_STORED: Final = re.compile(
    r"targets/(?P<who>[a-z2-7]{20,52})/(?P<sha256>[0-9a-f]{64})\.(?P<name>\d{4}-\d{2}-\d{2}-[1-9]\d{0,5}\.tar\.zst\.age)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedFiles:
    """What a removal came to in one store.

    Attributes
    ----------
    deleted
        Names that went now; none when an earlier try had deleted them.
    strange
        What else lies in the patient's folder: no parcel of ours, left alone.
    """

    statement: RemovedPatient
    deleted: tuple[str, ...]
    strange: tuple[str, ...] = ()


def stored_entry(name: str) -> ParcelEntry | None:
    """Return the parcel of a patient that a store's name says it is, size unknown; None for any other."""
    found = _STORED.fullmatch(name)
    if found is None:
        return None
    return ParcelEntry(path=f"{found['who']}/{found['name']}", sha256=found["sha256"], size_bytes=0)


def statements(
    store: ParcelStore, entries: Iterable[ParcelEntry], pseudonyms: Collection[str], *, on: date
) -> tuple[RemovedPatient, ...]:
    """Return a statement for each of these patients whom metadata still name.

    It covers what a night that crashed has sealed and nobody named, too.

    Raises
    ------
    ValueError
        Not patients: our own mistake.
    """
    if not all(map(is_pseudonym, pseudonyms)):
        raise ValueError("only a patient can be removed")
    named: dict[str, list[ParcelEntry]] = defaultdict(list)
    for entry in entries:
        if entry.pseudonym in pseudonyms:
            named[entry.pseudonym].append(entry)
    made = []
    for pseudonym, theirs in sorted(named.items()):
        there = [stored_entry(name) for name in store.list(f"{TARGETS}{pseudonym}/")]
        last = max(
            [*theirs, *(entry for entry in there if entry)], key=lambda entry: (entry.night, entry.number)
        )
        made.append(
            RemovedPatient(pseudonym=pseudonym, removed_on=on, through=last.path, parcels=len(theirs))
        )
    return tuple(made)


def covered_names(
    names: Iterable[str], statement: RemovedPatient, named: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which of some names a statement covers, and which are no parcels of ours.

    Parameters
    ----------
    named
        Names that signed metadata hold: never among the answer.
    """
    covered, strange = [], []
    for name in names:
        entry = stored_entry(name)
        if entry is None:
            strange.append(name)
        elif name not in named and statement.covers(entry.path):
            covered.append(name)
    return tuple(sorted(covered)), tuple(sorted(strange))


def delete_removed(
    store: ParcelStore, entries: Iterable[ParcelEntry], statement: RemovedPatient
) -> RemovedFiles:
    """Delete every file that a statement covers, and prove by listing that it is gone.

    Raises
    ------
    IntegrityError
        It is still listed.
    StorageFull, SourceUnavailable
        No right, or no answer: what is deleted stays so; repeating goes on.
    """
    named = {entry.storage_name for entry in entries}
    folder = f"{TARGETS}{statement.pseudonym}/"
    going, _ = covered_names(store.list(folder), statement, named)
    for name in going:
        store.delete(name)
    left, strange = covered_names(store.list(folder), statement, named)
    if left:
        raise IntegrityError(
            f"{len(left)} parcels were deleted from the vault and are still listed there, first {left[0]}.",
            do_next="Look at the vault's disk and at who else writes there; removing is tried again.",
        )
    return RemovedFiles(statement=statement, deleted=going, strange=strange)
