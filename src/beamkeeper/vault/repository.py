"""The vault itself: create, open, seal, publish, and everything that is read back from it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from beamkeeper.clock import utc
from beamkeeper.errors import IntegrityError, VaultStale
from beamkeeper.vault import everybody, restoring
from beamkeeper.vault.memory import TrustedMemory
from beamkeeper.vault.metadata import SITE, ParcelEntry, parcel_path
from beamkeeper.vault.publishing import (
    first_root,
    merged,
    put_next_root,
    small_member,
    store_parcel,
    verify_online_keys,
    verify_there,
    without_lost,
    write_first,
    write_metadata,
)
from beamkeeper.vault.reading import StoreReader, read_first, read_parcel_state, verify_stored
from beamkeeper.vault.removed import without_removed
from beamkeeper.vault.removing import delete_removed, statements
from beamkeeper.vault.sealing import announced, content_key, placed_in, verify_parcels_named
from beamkeeper.vault.signed import SignedFacts
from beamkeeper.vault.site import SITE_NAME, SiteFacts, read_site
from beamkeeper.vault.state import STATE_NAME, PatientState, is_pseudonym, state_bytes
from beamkeeper.vault.trust import Seen, TrustedVault, verify_chain
from beamkeeper.vault.votes import with_votes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from beamkeeper.domain.audit import AuditHead
    from beamkeeper.vault.keys import SiteKeys
    from beamkeeper.vault.metadata import LostParcel
    from beamkeeper.vault.reading import Progress
    from beamkeeper.vault.removed import RemovedPatient
    from beamkeeper.vault.removing import RemovedFiles
    from beamkeeper.vault.restoring import RestoreReport
    from beamkeeper.vault.store import ParcelStore
    from beamkeeper.vault.tarstream import Member
    from beamkeeper.vault.verifying import VaultReport
    from beamkeeper.vault.votes import NightVotes


class Vault(SignedFacts):
    """A vault whose signed metadata were verified when this object was made.

    Use `Vault.create` once and `Vault.open` ever after. Sealing may be done by several threads or
    processes at once; publishing by one.
    """

    def __init__(self, store: ParcelStore, memory: TrustedMemory, trusted: TrustedVault) -> None:
        super().__init__(memory, trusted)
        self.store = store
        self._reserved: set[str] = set()
        self._lock = threading.Lock()

    @staticmethod
    def create(
        store: ParcelStore,
        *,
        keys: SiteKeys,
        now: datetime,
        trusted_dir: Path | None = None,
        site_name: str = "",
    ) -> None:
        """Make an empty vault: a root signed by the recovery key, and the site's sealed facts.

        A creation that crashed may be repeated with the same keys.

        Parameters
        ----------
        keys
            As `SiteKeys.create` returned them: with the recovery secret.
        trusted_dir
            This computer's memory of the vault; None when it will be opened by `root_public_key`.

        Raises
        ------
        ConfigError
            There is a vault already.
        KeyUnavailable
            `keys` were loaded, not created: the root cannot be signed.
        """
        root_bytes = write_first(store, keys, now=now, site_name=site_name)
        if trusted_dir is not None:
            TrustedMemory(trusted_dir).remember(root_bytes, Seen())

    @staticmethod
    def open(
        store: ParcelStore,
        *,
        trusted_dir: Path,
        now: datetime,
        require_fresh: bool = False,
        root_public_key: str | None = None,
    ) -> Vault:
        """Return the vault in `store` after verifying every signature of its metadata.

        Parameters
        ----------
        trusted_dir
            What this computer remembers: the root it trusts and the newest versions it saw.
        root_public_key
            Whose root to believe on a computer that never saw this vault (`SiteKeys.root_public_key`,
            `RecoveryKeys.root_public_key`), hexadecimal.
        require_fresh
            Refuse a vault past its expiry; by default it opens, and `is_stale` tells.

        Raises
        ------
        IntegrityError
            Something was changed, mixed or cut short.
        VaultRolledBack
            It is older than what this computer has seen.
        VaultStale
            Past its expiry, and `require_fresh`.
        KeyUnavailable
            This computer never saw the vault, and no `root_public_key` was given.
        SourceUnavailable
            The store does not answer.
        """
        memory = TrustedMemory(trusted_dir)
        root_bytes = memory.root()
        if root_bytes is None:
            root_bytes = first_root(store, root_public_key)
        trusted = verify_chain(StoreReader(store), root_bytes=root_bytes, seen=memory.seen())
        memory.remember(trusted.root_bytes, trusted.seen)
        vault = Vault(store, memory, trusted)
        if require_fresh and vault.is_stale(now):
            raise VaultStale(
                f"Nobody has fed this vault since {vault.expires_at:%Y-%m-%d %H:%M} UTC, when it expired.",
                do_next="Find out why the nights stopped; if you must, open it without `require_fresh`.",
                expires_at=vault.expires_at.isoformat(),
            )
        return vault

    def seal(
        self, *, pseudonym: str, night: date, members: Sequence[Member], state: PatientState, threads: int = 2
    ) -> ParcelEntry:
        """Store one parcel and return how signed metadata will name it, once its bytes were read back.

        What an interrupted night already sealed of the very same content is read back and used again.
        The parcel does not count as stored before `publish` names it.

        Parameters
        ----------
        members
            Everything new of this patient, without `state.json`, which is made from `state`.
        state
            The complete set after tonight. Entries with `parcel=THIS_PARCEL` lie in `members`; their
            digests are verified while sealing. All others name parcels of earlier nights.

        Raises
        ------
        IntegrityError
            A member is not what `state` says, or what was read back is not what was written.
        StorageFull, SourceUnavailable
            The parcel was not stored.
        """
        if not is_pseudonym(pseudonym) or (state.pseudonym, state.night) != (pseudonym, night):
            raise ValueError("a state is sealed for its own patient and night")
        key = content_key(members, state)
        known = self._memory.sealed(night, key)
        if known is not None and self._is_reusable(known, pseudonym, night):
            return known
        path = self._reserve(pseudonym, night)
        placed = placed_in(state, path)
        verify_parcels_named(placed, {path, *self._by_path})
        entry = store_parcel(
            self.store,
            path=path,
            members=[small_member(STATE_NAME, state_bytes(placed)), *announced(members, placed, path)],
            recipients=self.recipients,
            night=night,
            threads=threads,
        )
        self._memory.note_sealed(night, key, entry)
        return entry

    def verify_keys(self, keys: SiteKeys) -> None:
        """Refuse keys that may not sign this vault, before anything is written by them.

        Raises
        ------
        KeyUnavailable
            They belong to another vault.
        """
        verify_online_keys(self._trusted.root, keys)

    def publish(
        self,
        entries: Sequence[ParcelEntry],
        *,
        night: date,
        now: datetime,
        expires_at: datetime | None,
        keys: SiteKeys,
        audit_head: AuditHead | None = None,
        lost: Sequence[LostParcel] = (),
    ) -> int:
        """Name `entries` in new signed metadata; from then on they are stored.

        Order: targets, snapshot, and last the timestamp, in one swap. A crash before that leaves the
        vault as it was; after it, the new one. Naming a parcel again changes nothing.

        Parameters
        ----------
        expires_at
            When the vault turns stale unless a later night follows; after `now`. None between two nights:
            neither the night nor the expiry is renewed, so that whoever watches still misses a night.
        audit_head
            Where the collector's audit log ends now; by default the metadata say of it what they said.
        lost
            Parcels that are gone and whose objects all stand in others: stated so, and named no more.

        Returns
        -------
        int
            The version of the new timestamp.

        Raises
        ------
        IntegrityError
            A parcel to be named is not in the store as it was sealed.
        KeyUnavailable
            `keys` are not the ones that the root trusts.
        StorageFull, SourceUnavailable, VaultRolledBack
            Nothing was published.
        """
        if expires_at is not None and utc(expires_at) <= utc(now):
            raise ValueError("metadata that have expired already would make a stale vault")
        with self._memory.only_writer():
            self._refresh()
            verify_online_keys(self._trusted.root, keys)
            verify_there(self.store, entries)
            named = merged(self.entries(), entries)
            version = write_metadata(
                self.store,
                previous=self._trusted,
                entries=without_lost(self.store, named, lost) if lost else named,
                nights=self.nights() if expires_at is None else [*self.nights(), night],
                lost=lost,
                audit_head=audit_head,
                expires_at=expires_at or self.expires_at,
                keys=keys,
            )
            self._take_over()
            self._memory.forget_sealed(night)
        return version

    def publish_votes(self, votes: Sequence[NightVotes], *, keys: SiteKeys) -> bool:
        """Sign votes into the metadata; return False when they stood there already.

        The vault is not fed by it: it turns stale when it would have.

        Raises
        ------
        KeyUnavailable
            `keys` are not the ones that the root trusts.
        """
        with self._memory.only_writer():
            self._refresh()
            if with_votes(self.votes(), votes) == self.votes():
                return False
            self._sign_anew(self.entries(), keys=keys, votes=votes)
        return True

    def remove(self, pseudonyms: Collection[str], *, on: date, keys: SiteKeys) -> tuple[RemovedFiles, ...]:
        """Name these patients no more, delete their files, and prove by listing that they are gone.

        Metadata first: what a crash leaves is covered by a signed statement and named by nothing;
        `sweep_removed` goes on with it. Nothing may be sealed meanwhile.

        Raises
        ------
        KeyUnavailable, IntegrityError, StorageFull, SourceUnavailable
            Nothing was done, or some files are still there.
        """
        with self._memory.only_writer():
            self._refresh()
            if stated := statements(self.store, self.entries(), pseudonyms, on=on):
                entries = without_removed(self.entries(), stated)
                self._sign_anew(entries, keys=keys, removed=stated)
        return self.sweep_removed(pseudonyms)

    def sweep_removed(self, pseudonyms: Collection[str]) -> tuple[RemovedFiles, ...]:
        """Delete what signed statements cover of these patients, and nothing else; raises as `remove`."""
        self._memory.note_removed(self.removed())
        going = (one for one in self.removed() if one.pseudonym in pseudonyms)
        return tuple(delete_removed(self.store, self.entries(), one) for one in going)

    def renew(self, *, keys: SiteKeys, now: datetime, expires_at: datetime) -> None:
        """Let the vault trust the online keys, and seal to the recipients, of `keys` from now on.

        For a rebuilt collector, a stolen online key, a recipient more or less. A middle root trusts
        old and new keys, everything is signed anew, then a last root trusts the new ones alone: the
        vault opens at every moment, and a renewal that crashed is simply repeated. Parcels sealed
        before stay open to whom they were sealed for.

        Raises
        ------
        KeyUnavailable
            `keys` hold no recovery secret, or another vault's.
        """
        with self._memory.only_writer():
            self._refresh()
            put_next_root(self.store, self._trusted, keys=keys, now=now, also_old=True)
            self._refresh()
            self._sign_anew(self.entries(), keys=keys, expires_at=expires_at)
            put_next_root(self.store, self._trusted, keys=keys, now=now, also_old=False)
            self._take_over()

    def site_facts(self, identities: Sequence[str]) -> SiteFacts:
        """Return the site's sealed facts: its name and its pseudonym key.

        Raises
        ------
        KeyUnavailable
            `identities` do not open it.
        IntegrityError
            The parcel is missing or damaged.
        """
        entry = self.latest(SITE)
        if entry is None:
            raise IntegrityError("This vault names no parcel about its site.", do_next="Use another copy.")
        return read_site(read_first(self.store, entry, identities, SITE_NAME))

    def read_state(self, entry: ParcelEntry, *, identities: Sequence[str]) -> PatientState:
        """Return the state inside `entry`, after its whole parcel was found genuine."""
        return read_parcel_state(self.store, entry, identities)

    def iter_states(self, identities: Sequence[str]) -> Iterator[tuple[ParcelEntry, PatientState]]:
        """Yield the newest state of every patient: enough to rebuild the ledger."""
        for pseudonym in self.pseudonyms():
            entry = self.latest(pseudonym)
            if entry is not None:
                yield entry, self.read_state(entry, identities=identities)

    def verify(
        self, *, now: datetime, identities: Sequence[str] | None = None, progress: Progress | None = None
    ) -> VaultReport:
        """Return the result of reading the whole vault: every parcel's size and SHA-256.

        With `identities`, every parcel is opened too and its members compared with the states.
        """
        self._refresh()
        return everybody.verify_vault(self.store, self, identities, now=now, progress=progress)

    def restore_patient(
        self,
        pseudonym: str,
        *,
        identities: Sequence[str],
        out_dir: Path,
        night: date | None = None,
        everything: bool = False,
        progress: Progress | None = None,
    ) -> RestoreReport:
        """Write one patient's files under `out_dir`, each verified before it appears.

        Parameters
        ----------
        night
            As of this night; None for the newest.
        everything
            Also what is gone at the source and older versions, under names of their own.

        Raises
        ------
        ConfigError
            The vault holds no such patient (as of that night).
        KeyUnavailable, IntegrityError
            The state itself could not be read; failures of single files are in the report.
        """
        entry = self.latest(pseudonym, night=night)
        if entry is None:
            raise restoring.no_such_patient(pseudonym, night, self.removed())
        return restoring.restore_patient(
            self.store,
            entry,
            self._by_path,
            identities=identities,
            out_dir=out_dir,
            everything=everything,
            progress=progress,
        )

    def restore_all(
        self,
        *,
        identities: Sequence[str],
        out_dir: Path,
        copies: Sequence[ParcelEntry] | None = None,
        everything: bool = False,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> tuple[RestoreReport, ...]:
        """Write every patient's files, each patient in a folder of its pseudonym.

        What fails for one patient stands in the report of that patient and stops no other.

        Parameters
        ----------
        copies, everything
            The parcel of each patient whose state is wanted, None for all newest; as `restore_patient`.
        workers
            Processes that open parcels, 0 for none; None to choose by size and processor.
        progress
            Told patients, not bytes.

        Raises
        ------
        StorageFull
            `out_dir` takes no more.
        KeyUnavailable
            `identities` open nobody's parcels.
        """
        found = map(self.latest, self.pseudonyms()) if copies is None else copies
        return everybody.restore_all(
            self.store,
            [entry for entry in found if entry is not None],
            self._by_path,
            identities=identities,
            out_dir=out_dir,
            everything=everything,
            workers=workers,
            progress=progress,
        )

    def _refresh(self) -> None:
        """Take over what another publisher wrote meanwhile."""
        root_bytes = self._memory.root() or self._trusted.root_bytes
        seen = self._trusted.seen
        self._trust(verify_chain(StoreReader(self.store), root_bytes=root_bytes, seen=seen))

    def _sign_anew(
        self,
        entries: Sequence[ParcelEntry],
        *,
        keys: SiteKeys,
        expires_at: datetime | None = None,
        votes: Sequence[NightVotes] = (),
        removed: Sequence[RemovedPatient] = (),
    ) -> None:
        """Sign metadata without a new night; without `expires_at` they feed nobody."""
        verify_online_keys(self._trusted.root, keys)
        write_metadata(
            self.store,
            previous=self._trusted,
            entries=entries,
            nights=self.nights(),
            expires_at=expires_at or self.expires_at,
            keys=keys,
            votes=votes,
            removed=removed,
        )
        self._take_over()

    def _take_over(self) -> None:
        """Take over what we wrote ourselves, and remember it."""
        self._refresh()
        self._memory.remember(self._trusted.root_bytes, self._trusted.seen)

    def _reserve(self, pseudonym: str, night: date) -> str:
        """Return a path that no parcel of this vault or of this session bears."""
        with self._lock:
            number = 1
            lost = {one.entry.path for one in self.lost()}
            taken = self._reserved | self._by_path.keys() | lost | self.forgotten()
            gone = next((one for one in self.removed() if one.pseudonym == pseudonym), None)
            if gone is not None and gone.night > night:
                raise ValueError(f"{pseudonym} was removed up to the night of {gone.night}")
            path = parcel_path(pseudonym, night, number)
            while path in taken or (gone is not None and gone.covers(path)):
                number += 1
                path = parcel_path(pseudonym, night, number)
            self._reserved.add(path)
        return path

    def _is_reusable(self, known: ParcelEntry, pseudonym: str, night: date) -> bool:
        """Return whether a parcel of an interrupted night is whole and its path still free for it."""
        named = self._by_path.get(known.path, known)
        if (known.pseudonym, known.night) != (pseudonym, night) or named != known:
            return False
        with self._lock:
            self._reserved.add(known.path)
        try:
            verify_stored(self.store, known)
        except IntegrityError:
            return False
        return True
