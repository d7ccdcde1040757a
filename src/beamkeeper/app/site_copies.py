"""`[[copies]]` of the site file: stores that hold plain DICOM of some patients, and by which rule."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from beamkeeper.app.site_values import AeTitle, Host, Line, Name, PortNumber

_Modality = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[A-Z0-9]+$")]
_Share = Literal[
    "plan",
    "structures",
    "dose",
    "records",
    "planning images",
    "other images",
    "rt images",
    "registrations",
    "other",
    "dossier",
    "lists",
]
_Group = Literal["on treatment", "plan ready", "listed"]
HTTP, HTTPS = 80, 443
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _address(value: str) -> str:
    """Return the address of a service; without TLS it may only be on this computer."""
    parts = urlsplit(value)
    if not parts.hostname or parts.username or parts.query or parts.fragment or value.endswith("/"):
        raise ValueError("an address is https://host/path, and ends before /studies")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError("an address begins with https://")
    return value


def _server(address: str) -> tuple[str, int]:
    """Return the (host, port) of a service."""
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or (HTTP if parts.scheme == "http" else HTTPS)


_Keyword = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9]+$")]


class _Copies(BaseModel, ABC):
    """What every destination of plain copies has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    what: Annotated[tuple[_Share, ...], Field(min_length=1)] = (
        "plan",
        "structures",
        "dose",
        "records",
        "planning images",
    )
    patients: Annotated[tuple[_Group, ...], Field(min_length=1)] = ("on treatment", "plan ready")
    modalities: Annotated[tuple[_Modality, ...], Field(max_length=32)] = ()
    any_plan: bool = False
    listed_days: Annotated[int, Field(ge=1, le=365)] = 7
    when: Literal["approval", "hourly", "nightly"] = "approval"
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 60
    reread_days: Annotated[int, Field(ge=1, le=365)] = 30
    may_change: Annotated[tuple[_Keyword, ...], Field(max_length=64)] = ()

    @property
    @abstractmethod
    def where(self) -> str:
        """Where it is, in words for people."""

    @property
    def place(self) -> str:
        """Fingerprint of where it is: what was proved at another place does not count."""
        return hashlib.sha256(f"{type(self).__name__} {self.where}".encode()).hexdigest()


class DicomCopies(_Copies):
    """A DICOM store: any AE title that takes C-STORE."""

    kind: Literal["dicom"]
    ae_title: AeTitle
    host: Host
    port: PortNumber
    own_ae_title: AeTitle | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_name: str = ""
    read_back: Literal["get", "move", "query", "none"] = "get"
    asked_ae_title: AeTitle | None = None
    asked_host: Host | None = None
    asked_port: PortNumber | None = None
    back_ae_title: AeTitle | None = None
    back_bind: str = "127.0.0.1"
    back_port: PortNumber | None = None
    back_networks: tuple[str, ...] = ("127.0.0.0/8",)
    answer_seconds: Annotated[int, Field(ge=1, le=3600)] = 60
    silence_seconds: Annotated[int, Field(ge=1, le=7200)] = 300

    @model_validator(mode="after")
    def _has_a_receiver(self) -> Self:
        if self.read_back == "move" and (self.back_ae_title is None or self.back_port is None):
            raise ValueError('read_back = "move" needs back_ae_title and back_port: where objects come back')
        return self

    @property
    def where(self) -> str:
        """AE title, host and port."""
        return f"{self.ae_title}@{self.host}:{self.port}"

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom the network window must let us reach: (host, port)."""
        asked = (self.asked_host or self.host, self.asked_port or self.port)
        return tuple(dict.fromkeys(((self.host, self.port), asked)))


class WebCopies(_Copies):
    """A DICOMweb service: a PACS, or a store in a cloud."""

    kind: Literal["dicomweb"]
    url: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_address)]
    token: Line | None = None
    user: Line | None = None
    password: Line | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    read_back: Literal["web", "query", "none"] = "web"
    remove: Literal["none", "dicomweb", "orthanc"] = "none"
    remove_token: Line | None = None
    remove_user: Line | None = None
    remove_password: Line | None = None
    orthanc_url: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_address)] | None = None
    request_megabytes: Annotated[int, Field(ge=1, le=4000)] = 100
    silence_seconds: Annotated[int, Field(ge=1, le=7200)] = 300

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = (
            (self.token, self.user, self.password),
            (self.remove_token, self.remove_user, self.remove_password),
        )
        if any((user is None) != (password is None) or (user and token) for token, user, password in ways):
            raise ValueError("give token, or user and password, or none of them")
        if self.remove == "orthanc" and self.orthanc_url is None:
            raise ValueError('remove = "orthanc" needs orthanc_url, such as https://host:8042')
        if self.tls_certificate is not None and self.tls_ca is None:
            raise ValueError("tls_certificate needs tls_ca: whom do we trust?")
        return self

    @property
    def where(self) -> str:
        """The service's address."""
        return self.url

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Whom the network window must let us reach: (host, port)."""
        addresses = (self.url, self.orthanc_url) if self.remove == "orthanc" else (self.url,)
        return tuple(dict.fromkeys(_server(address) for address in addresses if address))


CopiesSection = Annotated[DicomCopies | WebCopies, Field(discriminator="kind")]
