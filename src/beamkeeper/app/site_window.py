"""The `[window]` part of the site file: the air gap, off unless it is there."""

from __future__ import annotations

import ipaddress
import re
from datetime import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from beamkeeper.protect.isolate.pins import HOST_NAME
from beamkeeper.protect.isolate.plan import (
    ADDRESSES_MAX,
    DRIVER_NAME,
    INTERFACE_NAME,
    OPEN_TIMES_MAX,
    PEERS_MAX,
    OpenTime,
)

SOCKET = Path("/run/beamkeeper-window/socket")
UserName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]
Host = Annotated[str, Field(min_length=1, max_length=253)]
_OPEN_TIME = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class AllowSection(BaseModel):
    """One host more that may be spoken with, which no other section of the site file names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Annotated[str, Field(min_length=1, max_length=80)]
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)]
    transport: Literal["tcp", "udp"] = "tcp"

    @field_validator("host")
    @classmethod
    def _a_host(cls, value: str) -> str:
        return a_host(value)


class WindowSection(BaseModel):
    """The card, its addresses, and who may use the window when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interface: str
    addresses: Annotated[tuple[str, ...], Field(min_length=1, max_length=ADDRESSES_MAX)]
    gateways: Annotated[tuple[str, ...], Field(max_length=2)] = ()
    driver: str | None = None
    worker: UserName = "beamkeeper"
    other_users: Annotated[tuple[UserName, ...], Field(max_length=16)] = ()
    longest_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 240
    lease_seconds: Annotated[int, Field(ge=2, le=300)] = 30
    open_times: Annotated[tuple[str, ...], Field(max_length=OPEN_TIMES_MAX)] = ()
    inbound_from: Annotated[tuple[Host, ...], Field(max_length=PEERS_MAX)] = ()
    allow: Annotated[tuple[AllowSection, ...], Field(max_length=PEERS_MAX)] = ()
    hosts_file: Path = Path("/etc/hosts")
    socket: Path = SOCKET

    @field_validator("interface")
    @classmethod
    def _a_card(cls, value: str) -> str:
        if not INTERFACE_NAME.fullmatch(value):
            raise ValueError(f"{value!r} is no name of a network card; see `ip link`")
        return value

    @field_validator("driver")
    @classmethod
    def _a_driver(cls, value: str | None) -> str | None:
        if value is not None and not DRIVER_NAME.fullmatch(value):
            raise ValueError(f"{value!r} is no name of a driver; see `ethtool -i`")
        return value

    @field_validator("addresses")
    @classmethod
    def _own_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            if "/" not in text:
                raise ValueError(f"{text}: write the network's prefix too, as 192.0.2.20/24")
            ipaddress.ip_interface(text)
        return value

    @field_validator("gateways")
    @classmethod
    def _one_for_each_version(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len({ipaddress.ip_address(text).version for text in value}) != len(value):
            raise ValueError("at most one gateway for IPv4 and one for IPv6")
        return value

    @field_validator("inbound_from")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(a_host, value))

    @field_validator("open_times")
    @classmethod
    def _times(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            open_time(text)
        return value


def a_host(text: str) -> str:
    """Return a host's name or address as it was; ValueError when it is neither."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not HOST_NAME.fullmatch(text):
            raise ValueError(f"{text!r} is neither a host's name nor an address") from None
    return text


def open_time(text: str) -> OpenTime:
    """Return the hours in `01:55-06:30`; ValueError when it is not of that form."""
    match = _OPEN_TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not of the form 01:55-06:30")
    begins_h, begins_m, ends_h, ends_m = map(int, match.groups())
    return OpenTime(time(begins_h, begins_m), time(ends_h, ends_m))
