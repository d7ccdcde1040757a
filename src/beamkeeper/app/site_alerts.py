"""The parts of the site file about mail and about other ways of calling people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from beamkeeper.app.site_quorum import Login, MailAddress
from beamkeeper.app.site_values import Name, PortNumber

Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9.:_-]+$")]
Reference = Annotated[str, Field(pattern=r"^(|(file|env|credential):.+)$")]
AlertKind = Literal[
    "stopped",
    "overdue",
    "escalated",
    "disputed",
    "all_clear",
    "channel_failed",
    "mirror",
    "copies",
    "removal",
]
Security = Literal["tls", "starttls", "unsafe-none"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RepliesSection(_Part):
    """The mailbox that answers to the report come to; it should be used for nothing else."""

    host: Host
    port: PortNumber = 993
    security: Security = "tls"
    user: Annotated[str, Field(min_length=1, max_length=254)]
    secret: Reference
    folder: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[\x20-\x7e]+$")] = "INBOX"
    ca_file: Path | None = None


class MailSection(_Part):
    """The server that takes our mail, and what the report mail holds."""

    host: Host
    port: PortNumber = 587
    security: Security = "starttls"
    user: Annotated[str, Field(max_length=254)] = ""
    secret: Reference = ""
    sender: MailAddress
    ca_file: Path | None = None
    report: Literal["counts", "text", "sealed"] = "counts"
    replies: RepliesSection | None = None

    @model_validator(mode="after")
    def _clear_only_at_home(self) -> MailSection:
        for part in (self, self.replies):
            if part is not None and part.security == "unsafe-none" and part.host not in LOOPBACK:
                raise ValueError(f"{part.host} is another machine: mail travels there by tls or starttls")
        if bool(self.user) != bool(self.secret):
            raise ValueError("user and secret belong together")
        return self


class _ChannelPart(_Part):
    name: Name
    when: tuple[AlertKind, ...] = get_args(AlertKind)


class MailAlertSection(_ChannelPart):
    """Mail to the people an alarm is for; `also_to` are written to every time."""

    kind: Literal["mail"]
    also_to: tuple[Login, ...] = ()


class HookAlertSection(_ChannelPart):
    """A gateway for text messages, pagers or calls."""

    kind: Literal["http"]
    url: Annotated[str, Field(max_length=500, pattern=r"^https?://[A-Za-z0-9.\[\]:_-]+(/[\x21-\x7e]*)?$")]
    fields: dict[Annotated[str, Field(max_length=60)], Annotated[str, Field(max_length=500)]] = {
        "text": "$text"
    }
    encoding: Literal["json", "form"] = "json"
    secret_header: Annotated[str, Field(max_length=60, pattern=r"^[A-Za-z0-9-]*$")] = ""
    secret: Reference = ""
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _clear_only_at_home(self) -> HookAlertSection:
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("a gateway on another machine is called by https://")
        if bool(self.secret_header) != bool(self.secret):
            raise ValueError("secret_header and secret belong together")
        return self


class SyslogAlertSection(_ChannelPart):
    """The hospital's log server."""

    kind: Literal["syslog"]
    host: Host
    port: PortNumber = 514
    transport: Literal["udp", "tcp", "tls"] = "udp"
    facility: Annotated[int, Field(ge=0, le=23)] = 16
    ca_file: Path | None = None


class CommandAlertSection(_ChannelPart):
    """A program on this machine, without a shell."""

    kind: Literal["command"]
    arguments: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    seconds_max: Annotated[int, Field(ge=1, le=60)] = 20


AlertSection = Annotated[
    MailAlertSection | HookAlertSection | SyslogAlertSection | CommandAlertSection,
    Field(discriminator="kind"),
]
