"""Asking the name server, once, for whom the window will let through."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.window_plan import named_peers
from beamkeeper.protect.isolate.pins import pin_lines

if TYPE_CHECKING:
    from beamkeeper.app.site import Site
    from beamkeeper.protect.isolate.plan import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What the name server said.

    Attributes
    ----------
    lines
        For the hosts file.
    unknown
        Names without an address.
    """

    lines: tuple[str, ...]
    unknown: tuple[str, ...]


def resolve_named(site: Site) -> Resolved:
    """Return the addresses of every name in the site file, as the system's resolver gives them now."""
    found: list[tuple[str, tuple[Address, ...]]] = []
    unknown: list[str] = []
    for host in sorted({named[2] for named in named_peers(site)}):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            addresses = _resolve(host)
            if addresses:
                found.append((host, addresses))
            else:
                unknown.append(host)
    return Resolved(lines=pin_lines(found), unknown=tuple(unknown))


def _resolve(host: str) -> tuple[Address, ...]:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(sorted({ipaddress.ip_address(answer[4][0]) for answer in answers}, key=str))
