"""One look at a vault or a mirror from outside: signatures, age, and the bytes of parcels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime  # noqa: TC003 - the codec reads these hints when it runs
from typing import TYPE_CHECKING

from beamkeeper.clock import local_date, utc
from beamkeeper.errors import BeamkeeperError, IntegrityError, SourceUnavailable, VaultRolledBack
from beamkeeper.protect.watch.findings import DayCount, Finding, FindingKind, in_time, shrunk, with_today
from beamkeeper.vault import Vault
from beamkeeper.vault.reading import verify_stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from beamkeeper.protect.watch.findings import WatchRule
    from beamkeeper.vault import ParcelEntry, ParcelStore

_FROM_ELSEWHERE = "Keep this copy as evidence, restore from another one, and find out who wrote here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A parcel whose bytes were read whole and were what was signed, at that instant."""

    sha256: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look saw.

    Attributes
    ----------
    last_night
        The newest night that signed metadata name; None when there is none or they cannot be believed.
    parcel_count, read_count, read_bytes
        Parcels named, and those read whole this time.
    proved
        Every parcel still named whose bytes were right when last read.
    counts
        How many parcels were named on each of the last days.
    """

    at: datetime
    findings: tuple[Finding, ...] = ()
    last_night: date | None = None
    expires_at: datetime | None = None
    parcel_count: int = 0
    read_count: int = 0
    read_bytes: int = 0
    proved: tuple[Proved, ...] = ()
    counts: tuple[DayCount, ...] = ()


def look(
    open_store: Callable[[], ParcelStore],
    *,
    root_public_key: str,
    memory_dir: Path,
    rule: WatchRule,
    now: datetime,
    before: Look | None = None,
    metadata_only: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> Look:
    """Return what is wrong with a vault, and what was proved.

    Parameters
    ----------
    open_store
        Returns where the vault lies; that it is not there is a finding too.
    root_public_key
        The site's root key, hexadecimal, written down at `beamkeeper init`.
    memory_dir
        What this computer remembers of the vault: it is what tells a rollback.
    before
        The look before this one.
    metadata_only
        The store holds signed metadata without parcels (a heartbeat).
    tick
        Called whenever the store gave an answer.

    Raises
    ------
    KeyUnavailable, ConfigError
        The watcher itself is set up wrongly.
    """
    try:
        store = open_store()
        vault = Vault.open(store, trusted_dir=memory_dir, now=now, root_public_key=root_public_key)
    except (IntegrityError, SourceUnavailable) as error:
        return replace(before or Look(at=utc(now)), at=utc(now), findings=(_as_finding(error),))
    seen = DayCount(
        on=local_date(now, rule.zone), parcels=len(vault.entries()), patients=len(vault.pseudonyms())
    )
    counts = with_today(before.counts if before else (), seen, rule)
    found = in_time(rule, vault.nights(), vault.expires_at, now) + shrunk(counts, seen, vault.removed())
    entries = () if metadata_only else vault.entries()
    known = {item.sha256: item.at for item in before.proved} if before else {}
    absent = _absent(store, entries, tick)
    to_read = _to_read([entry for entry in entries if entry not in absent], known, rule, now)
    wrong = absent | _altered(store, to_read, tick)
    if wrong:  # a purge between the two readings is no loss
        named = Vault.open(store, trusted_dir=memory_dir, now=now).entries()
        wrong = {entry: finding for entry, finding in wrong.items() if entry in named}
    read_well = {entry.sha256: utc(now) for entry in to_read if entry not in wrong}
    known = {entry.sha256: known[entry.sha256] for entry in entries if entry.sha256 in known} | read_well
    for entry in wrong:
        known.pop(entry.sha256, None)
    return Look(
        at=utc(now),
        findings=tuple(found) + tuple(wrong.values()),
        last_night=max(vault.nights(), default=None),
        expires_at=vault.expires_at,
        counts=tuple(counts),
        parcel_count=len(vault.entries()),
        read_count=len(to_read),
        read_bytes=sum(entry.size_bytes for entry in to_read),
        proved=tuple(Proved(sha256=sha256, at=at) for sha256, at in sorted(known.items())),
    )


def _as_finding(error: BeamkeeperError) -> Finding:
    if isinstance(error, VaultRolledBack):
        kind = FindingKind.ROLLED_BACK
    elif isinstance(error, SourceUnavailable):
        kind = FindingKind.UNREACHABLE
    else:
        kind = FindingKind.NOT_AS_SIGNED
    return Finding(kind=kind, key=kind.value, what=error.message, do_next=error.do_next or _FROM_ELSEWHERE)


def _absent(
    store: ParcelStore, entries: Sequence[ParcelEntry], tick: Callable[[], None]
) -> dict[ParcelEntry, Finding]:
    """Return the parcels that are not there, or not of their size; one question each, nothing read."""
    wrong = {}
    for entry in entries:
        tick()
        try:
            size = store.head(entry.storage_name)
        except BeamkeeperError as error:
            wrong[entry] = _of_parcel(entry, error)
            continue
        if size is None:
            wrong[entry] = Finding(
                kind=FindingKind.PARCEL_MISSING,
                key=entry.path,
                what=f"The parcel {entry.path} is signed for and is not here.",
                do_next="Is somebody deleting? Send it again from the vault or another mirror.",
            )
        elif size != entry.size_bytes:
            wrong[entry] = Finding(
                kind=FindingKind.PARCEL_ALTERED,
                key=entry.path,
                what=f"The parcel {entry.path} has {size} bytes; {entry.size_bytes} were signed.",
                do_next=_FROM_ELSEWHERE,
            )
    return wrong


def _to_read(
    entries: Sequence[ParcelEntry], known: Mapping[str, datetime], rule: WatchRule, now: datetime
) -> tuple[ParcelEntry, ...]:
    """Return the parcels to read whole now: those never read, then the oldest proof first; as many as fit."""
    never = [entry for entry in entries if entry.sha256 not in known]
    again = sorted((entry for entry in entries if entry.sha256 in known), key=lambda e: known[e.sha256])
    due = [entry for entry in again if utc(now) - known[entry.sha256] >= rule.read_again_every]
    chosen: list[ParcelEntry] = []
    room = rule.bytes_max
    for entry in (*never, *due):
        room -= entry.size_bytes
        if room < 0 and chosen:
            break
        chosen.append(entry)
    return tuple(chosen)


def _altered(
    store: ParcelStore, entries: Sequence[ParcelEntry], tick: Callable[[], None]
) -> dict[ParcelEntry, Finding]:
    wrong = {}
    for entry in entries:
        try:
            verify_stored(store, entry, tick=lambda _size: tick())
        except BeamkeeperError as error:
            wrong[entry] = _of_parcel(entry, error)
    return wrong


def _of_parcel(entry: ParcelEntry, error: BeamkeeperError) -> Finding:
    unreachable = isinstance(error, SourceUnavailable)
    return Finding(
        kind=FindingKind.UNREACHABLE if unreachable else FindingKind.PARCEL_ALTERED,
        key=entry.path,
        what=f"{entry.path}: {error.message}",
        do_next=error.do_next if unreachable else _FROM_ELSEWHERE,
    )
