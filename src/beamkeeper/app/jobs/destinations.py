"""From a section of the site file to an open destination, its secrets resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.site_mirrors import DirectoryMirror, SftpMirror
from beamkeeper.errors import ConfigError
from beamkeeper.vault import resolve_secret
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from beamkeeper.app.site import Site
    from beamkeeper.app.site_mirrors import MirrorSection
    from beamkeeper.wire.destination import Destination


def connect(section: MirrorSection, site: Site) -> Destination:
    """Return the destination a section of the site file names.

    Raises
    ------
    SourceUnavailable
        It gives no answer.
    KeyUnavailable
        A secret it needs cannot be read.
    """
    if isinstance(section, DirectoryMirror):
        other = None if section.unsafe_same_disk else site.vault.directory
        return DirectoryDestination(section.path, other_disk_than=other)
    return _sftp(section)


def find_section(site: Site, name: str) -> MirrorSection:
    """Return the section of that name.

    Raises
    ------
    ConfigError
        The site file has none.
    """
    for section in site.mirrors:
        if section.name == name:
            return section
    known = ", ".join(section.name for section in site.mirrors) or "none"
    raise ConfigError(f"The site file names no mirror {name!r}.", do_next=f"It names: {known}.")


def _sftp(section: SftpMirror) -> Destination:
    # asyncssh is an extra: a site without SFTP does without it.
    from beamkeeper.wire.share.sftp import SftpDestination, SftpPeer  # noqa: PLC0415

    return SftpDestination(
        SftpPeer(
            host=section.host,
            port=section.port,
            user=section.user,
            path=section.folder,
            host_keys=section.host_keys,
            private_key=resolve_secret(section.key) if section.key else "",
            password=resolve_secret(section.password) if section.password else "",
            silence_s=section.silence_seconds,
        )
    )
