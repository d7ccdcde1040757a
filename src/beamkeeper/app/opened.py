"""A vault opened for reading: by the collector's site file, or anywhere with a copy and a key."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.folders import pseudonyms_of
from beamkeeper.app.jobs.runtime import open_vault
from beamkeeper.errors import ConfigError, KeyUnavailable
from beamkeeper.vault import DEPARTMENT, LocalStore, RecoveryKeys, SiteKeys, Vault, join_words
from beamkeeper.vault.state import is_pseudonym

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock

IDENTITY_FILE_BYTES_MAX = 64 << 10


@dataclass(frozen=True, slots=True)
class OpenedVault:
    """A verified vault and the identities that open its parcels."""

    vault: Vault
    identities: tuple[str, ...]

    @property
    def department(self) -> tuple[str, ...]:
        """The folder with the lists of the department; none where no night has made them."""
        return (DEPARTMENT,) if self.vault.latest(DEPARTMENT) is not None else ()

    def find_pseudonyms(self, patient: str, *, issuer: str | None = None) -> tuple[str, ...]:
        """Return every folder of a Patient ID, or the one folder whose pseudonym begins so.

        Parameters
        ----------
        issuer
            Only folders whose last state names this Issuer of Patient ID; None for all.

        Raises
        ------
        ConfigError
            The vault holds no such patient, or the letters fit several.
        KeyUnavailable
            A Patient ID can be looked up only with a key.
        """
        if self.identities:
            key = self.vault.site_facts(self.identities).pseudonym_key
            by_id = pseudonyms_of(key, patient, lambda name: self.vault.latest(name) is not None)
            if issuer is not None:
                by_id = tuple(name for name in by_id if self._issuer(name) == issuer)
            if by_id:
                return by_id
        folders = (*self.vault.pseudonyms(), *self.department)
        fitting = tuple(name for name in folders if name.startswith(patient.lower()))
        if len(fitting) == 1 and issuer is None:
            return fitting
        if is_pseudonym(patient) or not fitting or issuer is not None:
            raise ConfigError(
                "The vault holds no such patient.",
                do_next="`beamkeeper vault list` names all; a Patient ID must be written exactly.",
            )
        raise ConfigError(
            f"{len(fitting)} patients begin with these letters.", do_next="Write more of the pseudonym."
        )

    def find_pseudonym(self, patient: str) -> str:
        """Return the one folder of a patient; ConfigError also where several persons share the ID."""
        found = self.find_pseudonyms(patient)
        if len(found) > 1:
            raise ConfigError(
                f"{len(found)} persons are kept under this Patient ID: {', '.join(found)}.",
                do_next="Give the first letters of the pseudonym instead.",
            )
        return found[0]

    def _issuer(self, name: str) -> object:
        entry = self.vault.latest(name)
        if entry is None:
            return None
        state = self.vault.read_state(entry, identities=self.identities)
        return state.patient.get("issuer_of_patient_id")


def open_by_site(site: Site, clock: Clock) -> OpenedVault:
    """Return the site's vault with the collector's own key."""
    keys = SiteKeys.load(site.vault.keys_dir)
    return OpenedVault(open_vault(site, clock, keys), keys.identities)


def open_elsewhere(
    directory: Path, recovery: RecoveryKeys, clock: Clock, *, memory_dir: Path | None = None
) -> OpenedVault:
    """Return a copy of a vault on a computer that never saw it, trusted through the recovery key.

    Parameters
    ----------
    memory_dir
        Where this computer remembers what it saw of that vault, so that an older copy is refused later; None
        for the account's own place.
    """
    if not directory.is_dir():
        raise ConfigError(f"{directory} is not a folder.", do_next="Name the folder of the vault's copy.")
    if memory_dir is None:
        state_home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        memory_dir = (
            state_home / "beamkeeper" / hashlib.sha256(recovery.root_public_key.encode()).hexdigest()[:16]
        )
    vault = Vault.open(
        LocalStore(directory),
        trusted_dir=memory_dir,
        now=clock.now(),
        root_public_key=recovery.root_public_key,
    )
    return OpenedVault(vault, (recovery.identity,))


def recovery_from_file(path: Path) -> RecoveryKeys:
    """Return the recovery keys in an age identity file.

    Raises
    ------
    KeyUnavailable
        The file cannot be read or holds no identity.
    """
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(IDENTITY_FILE_BYTES_MAX)
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnavailable(
            f"The identity file {path} cannot be read.", do_next="Name the file with AGE-SECRET-KEY-1…"
        ) from error
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != 1:
        raise KeyUnavailable(
            f"The identity file {path} holds {len(lines)} identities, one is expected.",
            do_next="Keep the recovery identity in a file of its own.",
        )
    return RecoveryKeys.from_identity(lines[0])


def recovery_from_cards(cards: Sequence[str]) -> RecoveryKeys:
    """Return the recovery keys that three cards of words make.

    Raises
    ------
    KeyUnavailable
        Too few cards, a mistyped word, or cards of different sites.
    """
    return RecoveryKeys(secret=join_words([card.split() for card in cards]))
