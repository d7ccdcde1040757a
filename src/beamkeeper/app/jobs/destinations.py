"""From a section of the site file to an open destination, its secrets resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.site_mirrors import AzureMirror, DirectoryMirror, S3Mirror, SftpMirror, SmbMirror
from beamkeeper.errors import ConfigError
from beamkeeper.vault import resolve_secret
from beamkeeper.wire.share.directory import DirectoryDestination

if TYPE_CHECKING:
    from beamkeeper.app.site import Site
    from beamkeeper.app.site_mirrors import GcsMirror, MirrorSection, RemoteMirror
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
    return connect_remote(section)


def connect_remote(section: RemoteMirror) -> Destination:
    """Return a destination that is on no disk of ours; raises as `connect`."""
    if isinstance(section, SftpMirror):
        return _sftp(section)
    if isinstance(section, SmbMirror):
        return _smb(section)
    return _bucket(section)


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


def _smb(section: SmbMirror) -> Destination:
    # Loaded when asked for: a site without a share starts faster.
    from beamkeeper.wire.share.smb import SmbDestination  # noqa: PLC0415
    from beamkeeper.wire.share.smb_line import SmbPeer  # noqa: PLC0415

    return SmbDestination(
        SmbPeer(
            server=section.server,
            port=section.port,
            share=section.share,
            folder=section.folder,
            user=section.user,
            password=resolve_secret(section.password),
            silence_s=section.silence_seconds,
        )
    )


def _bucket(section: S3Mirror | AzureMirror | GcsMirror) -> Destination:
    from beamkeeper.wire import objectstore  # noqa: PLC0415 - as above

    if isinstance(section, S3Mirror):
        return objectstore.s3_destination(
            objectstore.S3Peer(
                bucket=section.bucket,
                prefix=section.prefix,
                region=section.region,
                endpoint=section.endpoint,
                access_key=resolve_secret(section.access_key),
                secret_key=resolve_secret(section.secret_key),
                silence_s=section.silence_seconds,
            )
        )
    if isinstance(section, AzureMirror):
        return objectstore.azure_destination(
            objectstore.AzurePeer(
                account=section.account,
                container=section.container,
                prefix=section.prefix,
                endpoint=section.endpoint,
                key=resolve_secret(section.key),
                silence_s=section.silence_seconds,
            )
        )
    return objectstore.gcs_destination(
        objectstore.GcsPeer(
            bucket=section.bucket,
            prefix=section.prefix,
            endpoint=section.endpoint,
            service_account=resolve_secret(section.service_account),
            silence_s=section.silence_seconds,
        )
    )
