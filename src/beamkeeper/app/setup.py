"""Making a site: its keys, its empty vault, its ledger, its commented site file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import write_whole
from beamkeeper.app.jobs.runtime import open_ledger, trusted_dir
from beamkeeper.app.opening_data import keep_for_cards, made_and_open, new_passphrase
from beamkeeper.app.sealed_data import enter
from beamkeeper.app.site import load_site
from beamkeeper.app.site_template import site_text
from beamkeeper.app.web.certificates import console_dir, make_certificates
from beamkeeper.errors import ConfigError
from beamkeeper.vault import LocalStore, RecoveryKeys, SiteKeys, Vault, join_words, split_words

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_template import SiteAnswers
    from beamkeeper.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSite:
    """A site that was just made.

    Attributes
    ----------
    cards
        Five cards of 33 words; any three of them are the recovery key. Shown once, kept nowhere.
    data_passphrase
        What opens the sealed data directory; "" when the site has none of its own. Shown once.
    recipient
        The public half of the recovery key.
    root_public_key
        Whose signature the vault's root carries, hexadecimal: written beside the words.
    """

    site: Site
    site_file: Path
    cards: tuple[tuple[str, ...], ...]
    recipient: str
    root_public_key: str
    data_passphrase: str = ""


def make_site(site_file: Path, answers: SiteAnswers, clock: Clock) -> NewSite:
    """Write the site file, make the keys and the empty vault.

    Raises
    ------
    ConfigError
        There is a site file or a vault already: nothing is replaced.
    StorageFull
        A directory cannot be written.
    """
    if site_file.exists():
        raise ConfigError(
            f"{site_file} is there already.", do_next="Edit it, or name another file for a new site."
        )
    write_whole(site_file, site_text(answers).encode())
    if answers.encrypt_only and not answers.on_sealed_disk:
        return make_sealed_site(site_file, clock)
    return make_keys_and_vault(site_file, clock)


def make_sealed_site(site_file: Path, clock: Clock) -> NewSite:
    """Make what a site file names, in a sealed data directory made for it, and leave that open.

    Raises
    ------
    ConfigError
        gocryptfs is not installed, or something lies there already; nothing is left of the new site.
    """
    passphrase = new_passphrase()
    try:
        with made_and_open(load_site(site_file), passphrase):
            made = make_keys_and_vault(site_file, clock)
            keep_for_cards(made.site, passphrase, RecoveryKeys(secret=join_words(made.cards)))
    except BaseException:
        site_file.unlink(missing_ok=True)
        raise
    return replace(made, data_passphrase=passphrase)


def make_keys_and_vault(site_file: Path, clock: Clock) -> NewSite:
    """Make what a site file names: keys, ledger, an empty vault; on failure the site file goes again."""
    try:
        site = load_site(site_file)
        enter(site)
        keys = SiteKeys.create(site.vault.keys_dir, encrypt_only=site.vault.encrypt_only)
        assert keys.recovery is not None  # noqa: S101 - `create` always returns it
        store = LocalStore(site.vault.directory, create=True)
        open_ledger(site)
        make_certificates(console_dir(site), site.console.hosts, site_name=site.site.name, now=clock.now())
        Vault.create(
            store, keys=keys, now=clock.now(), trusted_dir=trusted_dir(site), site_name=site.site.name
        )
    except BaseException:
        # A half-made site must not look like one: the keys that were made open nothing yet.
        site_file.unlink(missing_ok=True)
        raise
    return NewSite(
        site=site,
        site_file=site_file,
        cards=split_words(keys.recovery.secret),
        recipient=keys.recovery.recipient,
        root_public_key=keys.root_public_key,
    )
