"""The plan of the network window: who may speak with the collector, over which card, when, for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from beamkeeper.clock import local_instant, utc

if TYPE_CHECKING:
    import ipaddress
    from zoneinfo import ZoneInfo

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    OwnAddress = ipaddress.IPv4Interface | ipaddress.IPv6Interface

INTERFACE_NAME = re.compile(r"(?!lo$|\.{1,2}$)[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
"""What Linux takes (at most 15 characters), without what would need quoting; never loopback."""
DRIVER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
PORT_MAX = 65535
PEERS_MAX = 64
ADDRESSES_MAX = 16
OPEN_TIMES_MAX = 16
LONGEST_OPEN = timedelta(hours=24)
USER_ID_MAX = 2**32 - 2


class Transport(StrEnum):
    """The protocols that have ports."""

    TCP = "tcp"
    UDP = "udp"


class Direction(StrEnum):
    """Who begins to speak."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedPeer:
    """One host that may be spoken with, at one port.

    Attributes
    ----------
    purpose
        What for, as a person reads it ("archive, C-STORE"). Never written into the rules.
    addresses
        Every address of the host, resolved once and pinned; names never reach the kernel.
    direction
        INBOUND: the peer begins, and `port` is ours. OUTBOUND: we begin, and `port` is the peer's.
    """

    purpose: str
    direction: Direction
    addresses: tuple[Address, ...]
    port: int
    transport: Transport = Transport.TCP

    def __post_init__(self) -> None:
        if not 0 < self.port <= PORT_MAX:
            raise ValueError(f"{self.port=}")
        if not 0 < len(self.addresses) <= ADDRESSES_MAX:
            raise ValueError(f"{len(self.addresses)=}, 1 to {ADDRESSES_MAX}")
        if self.direction is Direction.INBOUND and self.transport is not Transport.TCP:
            raise ValueError("only TCP may come in")
        for address in self.addresses:
            if address.is_unspecified or address.is_loopback or address.is_multicast:
                raise ValueError(f"{address} is no host's own address")


@dataclass(frozen=True, slots=True)
class OpenTime:
    """Hours of every day, by the clock on the site's wall, in which the window may be open.

    `ends_at` before `begins_at` is past midnight; both the same is the whole day.
    """

    begins_at: time
    ends_at: time


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPlan:
    """Everything the window's rules are made of; nothing else is ever let through.

    Attributes
    ----------
    interface
        The network card towards the hospital. Every other one stays shut for good.
    driver
        The kernel module that is taken out while the window is closed; None leaves it in.
    own_addresses
        Ours on that card, with the prefix; given to it each time it comes up, for no DHCP client runs.
    gateways
        The way to peers on other networks, at most one for IPv4 and one for IPv6.
    worker_uids
        Users who may begin connections; () lets every local user.
    longest_open
        No opening lasts longer, whoever asks.
    open_times
        When the worker may have it open; () is any time.
    zone
        Of `open_times`.
    """

    interface: str
    own_addresses: tuple[OwnAddress, ...]
    peers: tuple[AllowedPeer, ...]
    zone: ZoneInfo
    driver: str | None = None
    gateways: tuple[Address, ...] = ()
    worker_uids: tuple[int, ...] = ()
    longest_open: timedelta = timedelta(hours=4)
    open_times: tuple[OpenTime, ...] = ()

    def __post_init__(self) -> None:
        if not INTERFACE_NAME.fullmatch(self.interface):
            raise ValueError(f"{self.interface=} is no name of a network card")
        if self.driver is not None and not DRIVER_NAME.fullmatch(self.driver):
            raise ValueError(f"{self.driver=} is no name of a driver")
        if not 0 < len(self.own_addresses) <= ADDRESSES_MAX:
            raise ValueError(f"{len(self.own_addresses)=}, 1 to {ADDRESSES_MAX}")
        if not 0 < len(self.peers) <= PEERS_MAX:
            raise ValueError(f"{len(self.peers)=}, 1 to {PEERS_MAX}")
        if len({gateway.version for gateway in self.gateways}) != len(self.gateways):
            raise ValueError("more than one gateway for one version of IP")
        if any(not 0 <= uid <= USER_ID_MAX for uid in self.worker_uids):
            raise ValueError(f"{self.worker_uids=}")
        if not timedelta(seconds=1) <= self.longest_open <= LONGEST_OPEN:
            raise ValueError(f"{self.longest_open=}, at most {LONGEST_OPEN}")
        if len(self.open_times) > OPEN_TIMES_MAX:
            raise ValueError(f"{len(self.open_times)=}, at most {OPEN_TIMES_MAX}")

    def openable_until(self, asked: datetime, *, now: datetime) -> datetime | None:
        """Return how long an opening asked for until `asked` may last; None when it may not begin now."""
        latest = min(utc(asked), utc(now) + self.longest_open)
        if latest <= now:
            return None
        if not self.open_times:
            return latest
        ends = [end for item in self.open_times if (end := self._end_of(item, now)) is not None]
        return min(latest, max(ends)) if ends else None

    def _end_of(self, item: OpenTime, now: datetime) -> datetime | None:
        """Return when the hours that hold `now` end; None when they do not hold it."""
        today = utc(now).astimezone(self.zone).date()
        for day in (today, today - timedelta(days=1)):
            begins, ends = self._span(item, day)
            if begins <= now < ends:
                return ends
        return None

    def _span(self, item: OpenTime, day: date) -> tuple[datetime, datetime]:
        last_day = day if item.begins_at < item.ends_at else day + timedelta(days=1)
        return (
            local_instant(day, item.begins_at, self.zone),
            local_instant(last_day, item.ends_at, self.zone),
        )
