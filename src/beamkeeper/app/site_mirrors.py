"""`[[mirrors]]` of the site file: the places that hold copies of the vault."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from beamkeeper.app.site_values import Host, Line, Name, PortNumber

_Folder = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\\:*?\"<>|]*$")]
_Bucket = Annotated[str, Field(min_length=3, max_length=222, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
_Prefix = Annotated[
    str, Field(max_length=200, pattern=r"^([A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*)?$")
]
HTTP, HTTPS = 80, 443
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _https(value: str) -> str:
    """Return an endpoint; without TLS it may only be on this computer."""
    parts = urlsplit(value)
    if value and (not parts.hostname or parts.username or parts.query or parts.fragment):
        raise ValueError("an endpoint is https://host or https://host:port")
    if value and parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("an endpoint begins with https://")
    return value


def _server(endpoint: str, otherwise: str) -> tuple[str, int]:
    """Return the (host, port) of an endpoint, or those of the provider's own."""
    parts = urlsplit(endpoint)
    port = parts.port or (HTTP if parts.scheme == "http" else HTTPS)
    return parts.hostname or otherwise, port


_Endpoint = Annotated[str, Field(max_length=300), AfterValidator(_https)]


class _Mirror(BaseModel, ABC):
    """What every destination has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    megabits_per_second: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 360
    silence_seconds: Annotated[int, Field(ge=5, le=3600)] = 120
    reread_days: Annotated[int, Field(ge=1, le=365)] = 7

    @property
    def bytes_per_s(self) -> float | None:
        """The bandwidth limit, bytes per second; None without one."""
        return None if self.megabits_per_second is None else self.megabits_per_second * 1e6 / 8

    @property
    @abstractmethod
    def where(self) -> str:
        """Where it is, in words for people."""

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom it speaks with: (host, port); nobody for a disk."""
        return ()

    @property
    def place(self) -> str:
        """Fingerprint of where it is: what was proved at another place does not count."""
        return hashlib.sha256(f"{type(self).__name__} {self.where}".encode()).hexdigest()


class DirectoryMirror(_Mirror):
    """A second disk, a USB stick, a share that the system has mounted."""

    kind: Literal["directory"]
    path: Path
    unsafe_same_disk: bool = False

    @property
    def where(self) -> str:
        """The path."""
        return str(self.path)


class SftpMirror(_Mirror):
    """A folder of an SFTP server."""

    kind: Literal["sftp"]
    host: Host
    port: PortNumber = 22
    user: Line
    folder: Annotated[_Folder, Field(min_length=1)] = "beamkeeper"
    host_keys: Annotated[tuple[Line, ...], Field(min_length=1, max_length=16)]
    key: Line | None = None
    password: Line | None = None

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom it speaks with."""
        return ((self.host, self.port),)

    @property
    def where(self) -> str:
        """User, host and folder."""
        return f"sftp://{self.user}@{self.host}:{self.port}/{self.folder}"


class SmbMirror(_Mirror):
    """A folder of a Windows share, over SMB 3 with encryption."""

    kind: Literal["smb"]
    server: Host
    port: PortNumber = 445
    share: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f/\\:*?\"<>|]+$")]
    folder: _Folder = ""
    user: Line
    password: Line

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom it speaks with."""
        return ((self.server, self.port),)

    @property
    def where(self) -> str:
        """Server, share and folder."""
        return f"smb://{self.server}:{self.port}/{self.share}/{self.folder}".rstrip("/")


class S3Mirror(_Mirror):
    """A bucket of Amazon S3, or of a server that speaks its language."""

    kind: Literal["s3"]
    bucket: _Bucket
    prefix: _Prefix = ""
    region: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
    endpoint: _Endpoint = ""
    access_key: Line
    secret_key: Line

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom it speaks with."""
        return (_server(self.endpoint, f"s3.{self.region}.amazonaws.com"),)

    @property
    def where(self) -> str:
        """Endpoint, bucket and prefix."""
        return f"{self.endpoint or 's3:/'}/{self.bucket}/{self.prefix}".rstrip("/")


class AzureMirror(_Mirror):
    """A container of an Azure storage account."""

    kind: Literal["azure"]
    account: Annotated[str, Field(min_length=3, max_length=24, pattern=r"^[a-z0-9]+$")]
    container: _Bucket
    prefix: _Prefix = ""
    endpoint: _Endpoint = ""
    key: Line

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom it speaks with."""
        return (_server(self.endpoint, f"{self.account}.blob.core.windows.net"),)

    @property
    def where(self) -> str:
        """Account, container and prefix."""
        return f"azure://{self.account}/{self.container}/{self.prefix}".rstrip("/") + (
            f" at {self.endpoint}" if self.endpoint else ""
        )


class GcsMirror(_Mirror):
    """A bucket of Google Cloud Storage."""

    kind: Literal["gcs"]
    bucket: _Bucket
    prefix: _Prefix = ""
    endpoint: _Endpoint = ""
    service_account: Line

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom it speaks with."""
        return (_server(self.endpoint, "storage.googleapis.com"), ("oauth2.googleapis.com", HTTPS))

    @property
    def where(self) -> str:
        """Bucket and prefix."""
        return f"gs://{self.bucket}/{self.prefix}".rstrip("/")


RemoteMirror = SftpMirror | SmbMirror | S3Mirror | AzureMirror | GcsMirror
MirrorSection = Annotated[DirectoryMirror | RemoteMirror, Field(discriminator="kind")]
