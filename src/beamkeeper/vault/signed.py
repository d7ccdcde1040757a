"""What the signed metadata of an open vault say: who may open it, what it holds, until when it is fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.clock import utc
from beamkeeper.vault.metadata import DEPARTMENT, SITE

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.domain.audit import AuditHead
    from beamkeeper.vault.memory import TrustedMemory
    from beamkeeper.vault.metadata import LostParcel, ParcelEntry
    from beamkeeper.vault.removed import RemovedPatient
    from beamkeeper.vault.trust import TrustedVault
    from beamkeeper.vault.votes import NightVotes


class SignedFacts:
    """The answers of verified metadata; nothing here reads the store.

    Parameters
    ----------
    memory
        What this computer remembers of the vault.
    """

    def __init__(self, memory: TrustedMemory, trusted: TrustedVault) -> None:
        self._memory = memory
        self._trust(trusted)

    @property
    def expires_at(self) -> datetime:
        """When this vault turns stale unless it is fed; aware UTC."""
        return self._trusted.expires_at

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who can open new parcels, as the offline root signs it."""
        return self._trusted.recipients

    def is_stale(self, now: datetime) -> bool:
        """Return whether nobody fed this vault in time."""
        return utc(now) >= self.expires_at

    def entries(self) -> tuple[ParcelEntry, ...]:
        """Return every parcel that signed metadata name, by path."""
        return self._trusted.entries

    def lost(self) -> tuple[LostParcel, ...]:
        """Return what signed metadata state about parcels that are gone and whose objects stand in others."""
        return self._trusted.lost

    def removed(self) -> tuple[RemovedPatient, ...]:
        """Return whom signed metadata state to have been removed, by rule; by pseudonym."""
        return self._trusted.removed

    def forgotten(self) -> frozenset[str]:
        """Return the parcels that a rollback took out of the metadata, when a person accepted it."""
        return self._memory.forgotten() - self._by_path.keys()

    def nights(self) -> tuple[date, ...]:
        """Return the nights that were published, oldest first."""
        return self._trusted.nights

    def votes(self) -> tuple[NightVotes, ...]:
        """Return what people said of the nights, oldest first."""
        return self._trusted.votes

    @property
    def metadata_versions(self) -> tuple[int, int]:
        """The versions of targets and of snapshot that the timestamp names."""
        return self._trusted.targets_version, self._trusted.snapshot_version

    @property
    def audit_head(self) -> AuditHead | None:
        """Where the collector's audit log ended when the vault was fed; None when it does not say."""
        return self._trusted.audit_head

    def pseudonyms(self) -> tuple[str, ...]:
        """Return the keyed names of all patients, in order."""
        return tuple(sorted(self._by_pseudonym.keys() - {SITE, DEPARTMENT}))

    def latest(self, pseudonym: str, *, night: date | None = None) -> ParcelEntry | None:
        """Return the newest parcel of a patient, at the latest of `night`; None when there is none."""
        mine = [
            entry for entry in self._by_pseudonym.get(pseudonym, ()) if night is None or entry.night <= night
        ]
        return max(mine, key=lambda entry: (entry.night, entry.number), default=None)

    def newest_night(self, pseudonym: str) -> date | None:
        """Return the night of a patient's newest parcel, named now or removed; None when there was none."""
        latest = self.latest(pseudonym)
        nights = [one.night for one in self.removed() if one.pseudonym == pseudonym]
        return max([*nights, *([latest.night] if latest else [])], default=None)

    def _trust(self, trusted: TrustedVault) -> None:
        self._trusted = trusted
        self._by_path = {entry.path: entry for entry in trusted.entries}
        self._by_pseudonym: dict[str, list[ParcelEntry]] = {}
        for entry in trusted.entries:
            self._by_pseudonym.setdefault(entry.pseudonym, []).append(entry)
