"""Is the vault what was signed? Every parcel, and with a key every member of every parcel."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.errors import BeamkeeperError
from beamkeeper.vault.metadata import SITE, held_in
from beamkeeper.vault.reading import BLOCK_BYTES, OpenParcel, in_parallel, matching_state, verify_stored
from beamkeeper.vault.site import SITE_NAME, read_site
from beamkeeper.vault.state import STATE_BYTES_MAX, STATE_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from beamkeeper.vault.metadata import LostParcel, ParcelEntry
    from beamkeeper.vault.reading import Progress
    from beamkeeper.vault.state import PatientState
    from beamkeeper.vault.store import ParcelStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is not as it should be, in words."""

    path: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultReport:
    """The result of reading a whole vault.

    Attributes
    ----------
    opened_count, file_count
        Parcels opened with a key and files inside that were compared with the states; 0 without a key.
    lost
        What signed metadata state about parcels that are gone and whose objects stand in others: a note.
    stale
        Whether the signed metadata have expired.
    """

    parcel_count: int
    size_bytes: int
    problems: tuple[Problem, ...] = ()
    opened_count: int = 0
    file_count: int = 0
    lost: tuple[LostParcel, ...] = ()
    stale: bool = False
    expires_at: datetime | None = None

    @property
    def is_sound(self) -> bool:
        """Whether every byte is what was signed; staleness is a matter of its own."""
        return not self.problems


def verify_parcels(
    store: ParcelStore, entries: Sequence[ParcelEntry], *, progress: Progress | None = None
) -> VaultReport:
    """Read every parcel, two at a time, and compare size and SHA-256 with what was signed."""
    ticker = Ticker(sum(entry.size_bytes for entry in entries), progress)

    def check(entry: ParcelEntry) -> tuple[Problem, ...]:
        try:
            verify_stored(store, entry, tick=ticker)
        except BeamkeeperError as error:
            return (Problem(path=entry.path, what=error.message),)
        return ()

    problems = tuple(problem for found in in_parallel(check, entries) for problem in found)
    size = sum(entry.size_bytes for entry in entries)
    return VaultReport(parcel_count=len(entries), size_bytes=size, problems=problems)


def empty_statements(entries: Sequence[ParcelEntry], lost: Sequence[LostParcel]) -> tuple[Problem, ...]:
    """Return a problem for every statement that sends to a parcel which signed metadata do not name."""
    by_path = {one.entry.path: one for one in lost}
    named = {entry.path for entry in entries}
    return tuple(
        Problem(path=path, what="It is stated lost, and what should hold its objects is not in the vault.")
        for path in by_path
        if not held_in(path, by_path) <= named
    )


def verify_patient(
    store: ParcelStore,
    entries: Sequence[ParcelEntry],
    identities: Sequence[str],
    *,
    moved: Mapping[str, Collection[str]] | None = None,
) -> VaultReport:
    """Open one patient's parcels; then every state must find its files in them.

    Parameters
    ----------
    moved
        Paths of lost parcels, and where their objects stand now: a state of an earlier night is kept there.
    """
    digests: dict[tuple[str, str], tuple[str, int]] = {}
    states: list[tuple[ParcelEntry, PatientState]] = []
    problems: list[Problem] = []
    for entry in entries:
        try:
            with OpenParcel(store, entry, identities) as parcel:
                for name, size, reader in parcel.members():
                    if name == STATE_NAME:
                        states.append((entry, matching_state(reader.read(STATE_BYTES_MAX + 1), entry)))
                    elif name == SITE_NAME and entry.kind == SITE:
                        read_site(reader.read(STATE_BYTES_MAX + 1))
                    else:
                        digest = hashlib.sha256()
                        while block := reader.read(BLOCK_BYTES):
                            digest.update(block)
                        digests[entry.path, name] = (digest.hexdigest(), size)
                parcel.verify_whole()
        except BeamkeeperError as error:
            problems.append(Problem(path=entry.path, what=error.message))
    for entry, state in states:
        problems += _unkept_promises(entry, state, digests, moved or {})
    return VaultReport(
        parcel_count=len(entries),
        size_bytes=0,
        problems=tuple(problems),
        opened_count=len(entries),
        file_count=len(digests),
    )


def _unkept_promises(
    entry: ParcelEntry,
    state: PatientState,
    digests: Mapping[tuple[str, str], tuple[str, int]],
    moved: Mapping[str, Collection[str]],
) -> list[Problem]:
    elsewhere = {(parcel, *found) for (parcel, _), found in digests.items()}
    broken = [
        item
        for item in state.items()
        if digests.get((item.parcel, item.member)) != (item.sha256, item.size_bytes)
        and not any((path, item.sha256, item.size_bytes) in elsewhere for path in moved.get(item.parcel, ()))
    ]
    if not broken:
        return []
    first = broken[0]
    what = (
        f"{len(broken)} of {len(state.objects) + len(state.documents)} files are not where its state says,"
        f" or not as it says; the first lies in {first.parcel}."
    )
    return [Problem(path=entry.path, what=what)]


class Ticker:
    """Adds up what several threads have read, and passes it on one at a time."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress = total, progress
        self._done = 0
        self._lock = threading.Lock()

    def __call__(self, count: int) -> None:
        """Add `count` bytes."""
        if self._progress is not None:
            with self._lock:
                self._done += count
                self._progress(self._done, self._total)
