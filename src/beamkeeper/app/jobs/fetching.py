"""A vault brought back from a mirror into a folder, verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.destinations import connect, find_section
from beamkeeper.app.jobs.runtime import trusted_dir
from beamkeeper.errors import KeyUnavailable
from beamkeeper.protect.mirror import DestinationReader, Pace, fetch
from beamkeeper.vault import LocalStore, SiteKeys
from beamkeeper.vault.publication import read_publication, timestamp_seen

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.app.site import Site

LASTS_S = 7 * 24 * 3600.0
"""A fetch may take a week over a slow line; it is repeated, not begun anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a fetch brought.

    Attributes
    ----------
    failures
        What did not come, in words.
    is_older
        The mirror shows a state older than what this computer has seen of the vault.
    """

    parcel_count: int
    failures: tuple[str, ...]
    is_older: bool


def _own_root_key(site: Site) -> str | None:
    """Return whose root the site's keys belong to; None when they are lost too."""
    try:
        return SiteKeys.load(site.vault.keys_dir).root_public_key
    except KeyUnavailable:
        return None


def fetch_vault(site: Site, name: str, to: Path, *, root_public_key: str | None = None) -> Fetched:
    """Bring the vault that a mirror holds into `to`.

    Raises
    ------
    SourceUnavailable, IntegrityError, KeyUnavailable
        The mirror gives no answer, or its signed metadata are not genuine.
    StorageFull
        No room in `to`.
    """
    destination = connect(find_section(site, name), site)
    try:
        pace = Pace(bytes_per_s=None, lasts_s=LASTS_S)
        publication = read_publication(
            DestinationReader(destination, pace),
            trusted_dir=trusted_dir(site),
            root_public_key=root_public_key or _own_root_key(site),
            older_too=True,
        )
        failures = fetch(destination, publication, LocalStore(to, create=True), pace)
    finally:
        destination.close()
    return Fetched(
        parcel_count=len(publication.entries),
        failures=failures,
        is_older=publication.timestamp_version < timestamp_seen(trusted_dir(site)),
    )
