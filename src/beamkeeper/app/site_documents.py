r"""`[[documents]]` of the site file: shares with what the OIS holds of a patient besides DICOM."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from beamkeeper.app.site_values import Name
from beamkeeper.clock import zone
from beamkeeper.errors import ConfigError

_Root = Annotated[str, Field(min_length=3, max_length=500, pattern=r"^([\\/]{1,2}|[A-Za-z]:[\\/])(.*\S)?$")]
_Word = Annotated[str, Field(min_length=2, max_length=60)]
MIB = 1 << 20
PHOTO_WORDS = ("photo", "foto", "portrait")
SETUP_WORDS = ("setup", "set-up", "opstel", "position", "lagerung", "field")
"""By which photographs are known, and those of the setup among them."""


class _Documents(BaseModel):
    """What every share with documents has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    source: Annotated[str, Field(max_length=40)] = ""
    ois_roots: Annotated[tuple[_Root, ...], Field(max_length=20)] = ()
    quarters_since: date | None = None
    time_zone: str = ""
    find: Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(max_length=20)] = ()
    look_at: Annotated[tuple[str, ...], Field(max_length=50)] = ("setup", "prescription")
    photos: Annotated[tuple[_Word, ...], Field(max_length=50)] = PHOTO_WORDS
    setup_photos: Annotated[tuple[_Word, ...], Field(max_length=50)] = SETUP_WORDS
    size_mib_max: Annotated[int, Field(ge=1, le=1024)] = 100
    count_max: Annotated[int, Field(ge=1, le=10_000)] = 500
    reread_days: Annotated[int, Field(ge=1, le=365)] = 7

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return value and zone(value).key
        except ConfigError as error:
            raise ValueError(error.message) from error

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom it speaks with: (host, port); nobody for a folder."""
        return ()

    @field_validator("find")
    @classmethod
    def _sound_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from beamkeeper.protect.documents import (  # noqa: PLC0415 - brings the vault; few sites have patterns
            pattern_problem,
        )

        for pattern in value:
            if problem := pattern_problem(pattern):
                raise ValueError(f"{pattern!r}: {problem}")
        return value

    @property
    def size_bytes_max(self) -> int:
        """The largest document that is taken, bytes."""
        return self.size_mib_max * MIB


class FolderDocuments(_Documents):
    """A share that the system has mounted, or a folder that something fills."""

    kind: Literal["folder"]
    path: Path


class SmbDocuments(_Documents):
    """A folder of a Windows share."""

    kind: Literal["smb"]
    server: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 445
    share: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f/\\:*?\"<>|]+$")]
    folder: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\\:*?\"<>|]*$")] = ""
    user: Annotated[str, Field(min_length=1, max_length=1000)]
    password: Annotated[str, Field(min_length=1, max_length=1000)]
    silence_seconds: Annotated[int, Field(ge=5, le=3600)] = 60
    unsafe_unencrypted: bool = False

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom it speaks with."""
        return ((self.server, self.port),)


class OisDocuments(_Documents):
    """Photographs in the database of an OIS, which `source` names: each patient's by the Patient ID."""

    kind: Literal["ois"]
    source: Annotated[str, Field(min_length=1, max_length=40)]
    ois_roots: tuple[()] = ()
    quarters_since: None = None
    find: tuple[Literal["{patient_id}/**"]] = ("{patient_id}/**",)
    size_mib_max: Annotated[int, Field(ge=1, le=8)] = 8
    count_max: Annotated[int, Field(ge=1, le=8)] = 8


DocumentsSection = Annotated[FolderDocuments | SmbDocuments | OisDocuments, Field(discriminator="kind")]
