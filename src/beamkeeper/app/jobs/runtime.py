"""Everything a job needs, opened once: ledger, vault, keys, clock, the site's lock."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.sealed_data import verify_sealed
from beamkeeper.errors import AlreadyRunning, ConfigError, StorageFull
from beamkeeper.ledger import Ledger
from beamkeeper.vault import LocalStore, SiteKeys, Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock


@dataclass(frozen=True, slots=True)
class Runtime:
    """What is open while a command works on a site."""

    site: Site
    clock: Clock
    ledger: Ledger
    vault: Vault
    keys: SiteKeys

    def facts_path(self, pseudonym: str) -> Path:
        """Return where the facts of one patient are remembered between nights."""
        return self.site.data_dir / "facts" / f"{pseudonym}.json"


def trusted_dir(site: Site) -> Path:
    """Return where this computer remembers the vault it trusts: apart from the vault itself."""
    return site.data_dir / "trusted"


def open_ledger(site: Site) -> Ledger:
    """Return the site's ledger with its tables up to date."""
    _make_data_dir(site)
    ledger = Ledger.open(site.ledger_url)
    ledger.migrate()
    return ledger


def open_vault(site: Site, clock: Clock, keys: SiteKeys | None = None) -> Vault:
    """Return the site's vault after verifying its metadata."""
    if not site.vault.directory.is_dir():
        raise ConfigError(
            f"There is no vault in {site.vault.directory}.",
            do_next="Make one with `beamkeeper init`, or mount the disk it lies on.",
        )
    return Vault.open(
        LocalStore(site.vault.directory),
        trusted_dir=trusted_dir(site),
        now=clock.now(),
        root_public_key=keys.root_public_key if keys else None,
    )


def open_runtime(site: Site, clock: Clock) -> Runtime:
    """Return the whole of a site, open.

    Raises
    ------
    KeyUnavailable, IntegrityError, LedgerUnavailable, ConfigError
        Whatever keeps the site from being opened, in a plain sentence.
    """
    verify_sealed(site)
    keys = SiteKeys.load(site.vault.keys_dir)
    if site.vault.encrypt_only and keys.identities:
        raise ConfigError(
            "The site file says encrypt_only, and the keys directory holds a key that opens parcels.",
            do_next="Take collector.age out of it to where your cards are, or write encrypt_only = false.",
        )
    vault = open_vault(site, clock, keys)
    # Foreign keys would give every patient another folder before the metadata refuse them.
    vault.verify_keys(keys)
    return Runtime(site=site, clock=clock, ledger=open_ledger(site), vault=vault, keys=keys)


@contextmanager
def only_one(site: Site) -> Iterator[None]:
    """Hold the site's lock, so that two nights never run at once; freed by the kernel if we die.

    Raises
    ------
    AlreadyRunning
        Another process works on this site.
    """
    _make_data_dir(site)
    lock = os.open(site.data_dir / "site.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(
                "Another Beamkeeper process works on this site.",
                do_next="Wait for it, or see `beamkeeper status`; it may be the scheduled night.",
            ) from error
        yield
    finally:
        os.close(lock)


def _make_data_dir(site: Site) -> None:
    verify_sealed(site)
    data_dir = site.data_dir
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFull(
            f"The data directory {data_dir} cannot be made: {error.strerror}.",
            do_next="Give the collector's user the right to write there, or name another in the site file.",
        ) from error
