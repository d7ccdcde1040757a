"""`[[mirrors]]` of the site file: the places that hold copies of the vault."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9-]*$")]
_Port = Annotated[int, Field(ge=1, le=65535)]
_Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")]
_Line = Annotated[str, Field(min_length=1, max_length=1000)]
_Folder = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\\:*?\"<>|]*$")]


class _Mirror(BaseModel):
    """What every destination has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    megabits_per_second: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 360
    silence_seconds: Annotated[int, Field(ge=5, le=3600)] = 120
    reread_days: Annotated[int, Field(ge=1, le=365)] = 7

    @property
    def bytes_per_s(self) -> float | None:
        """The bandwidth limit, bytes per second; None without one."""
        return None if self.megabits_per_second is None else self.megabits_per_second * 1e6 / 8

    @property
    def where(self) -> str:
        """Where it is, in words for people."""
        raise NotImplementedError

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
    host: _Host
    port: _Port = 22
    user: _Line
    folder: Annotated[_Folder, Field(min_length=1)] = "beamkeeper"
    host_keys: Annotated[tuple[_Line, ...], Field(min_length=1, max_length=16)]
    key: _Line | None = None
    password: _Line | None = None

    @property
    def where(self) -> str:
        """User, host and folder."""
        return f"sftp://{self.user}@{self.host}:{self.port}/{self.folder}"


MirrorSection = Annotated[DirectoryMirror | SftpMirror, Field(discriminator="kind")]
