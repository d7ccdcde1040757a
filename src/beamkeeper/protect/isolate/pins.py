"""Names and their pinned addresses: from a hosts file, never from the network. Rules; no I/O.

The hosts file is the one every program of the collector looks into (`/etc/hosts`), so that what the
kernel lets through and what the programs speak to cannot differ. While the window is open no name server
can be reached; an answer that changes later ("rebinding") has no way in.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beamkeeper.protect.isolate.plan import Address

HOSTS_LINES_MAX = 10_000
HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?")


def read_hosts(text: str) -> dict[str, tuple[Address, ...]]:
    """Return what a hosts file says: names in lower case, addresses in the order of its lines.

    Raises
    ------
    ConfigError
        It is longer than any hosts file.
    """
    found: dict[str, list[Address]] = {}
    lines = text.splitlines()
    if len(lines) > HOSTS_LINES_MAX:
        raise ConfigError(f"The hosts file has {len(lines)} lines; at most {HOSTS_LINES_MAX} are read.")
    for line in lines:
        address_text, *names = line.partition("#")[0].split() or [""]
        try:
            address = ipaddress.ip_address(address_text)
        except ValueError:  # an empty line, or one for another program
            continue
        for name in names:
            addresses = found.setdefault(name.lower().rstrip("."), [])
            if address not in addresses:
                addresses.append(address)
    return {name: tuple(addresses) for name, addresses in found.items()}


def addresses_of(host: str, hosts: Mapping[str, tuple[Address, ...]]) -> tuple[Address, ...]:
    """Return the pinned addresses of a host; an address written as such is its own.

    Raises
    ------
    ConfigError
        The name has no pin.
    """
    try:
        return (ipaddress.ip_address(host.strip("[]")),)
    except ValueError:
        pass
    found = hosts.get(host.lower().rstrip("."), ())
    if not found:
        raise ConfigError(
            f"The host {host} has no address in the hosts file, and the window asks no name server.",
            do_next="Show the lines to add with `beamkeeper window pin`, check them, add them to /etc/hosts.",
        )
    return found


def pin_lines(resolved: Iterable[tuple[str, Iterable[Address]]]) -> tuple[str, ...]:
    """Return the lines of a hosts file that pin these names to these addresses."""
    return tuple(f"{address}\t{host}" for host, addresses in resolved for address in addresses)
