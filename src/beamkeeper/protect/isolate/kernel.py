"""The kernel's side of the window: rules through `nft`, links and addresses through netlink, drivers.

Everything here is bounded in time, may be called twice, and raises `WindowUnavailable` in a plain
sentence. Nothing here decides.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

from pyroute2 import IPRoute, NetlinkError, NFCTSocket  # type: ignore[import-untyped]

from beamkeeper.errors import WindowUnavailable
from beamkeeper.protect.isolate.facts import LinkFacts, RuleFacts, read_rules
from beamkeeper.protect.isolate.kernel_settings import silence_autoconfiguration
from beamkeeper.protect.isolate.rules import FAMILY, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beamkeeper.protect.isolate.plan import Address, OwnAddress

PROGRAM_S_MAX = 10.0
APPEAR_S_MAX = 10.0
"""A driver's card is there within this time, or the driver is the wrong one."""
CARRIER_S_MAX = 10.0
"""Ethernet negotiates for some seconds after it was switched on."""
POLL_S = 0.05
LISTING_BYTES_MAX = 1 << 20
SYSTEM_PATH = "/usr/sbin:/usr/local/sbin:/sbin:/usr/bin:/bin"

_IFF_UP = 0x1
_IFF_LOWER_UP = 0x10000
_IFA_F_NODAD = 0x02


class Kernel:
    """The running kernel, in the network namespace of this process."""

    # Rules ---------------------------------------------------------------------------------------

    def load_rules(self, text: str) -> None:
        """Hand a rule set to the kernel, which takes all of it or nothing."""
        _run(["nft", "-f", "-"], text)

    def rules(self) -> RuleFacts | None:
        """Return our table as the kernel holds it; None when it is not there."""
        tables = _run(["nft", "list", "tables"])
        if f"table {FAMILY} {TABLE}" not in tables.splitlines():
            return None
        return read_rules(_run(["nft", "-j", "list", "table", FAMILY, TABLE]))

    def forget_connections(self) -> None:
        """Empty the table of known connections: what went on before is not taken up again."""
        try:
            with NFCTSocket() as connections:
                connections.flush()
        except (NetlinkError, OSError) as error:
            raise WindowUnavailable(f"The kernel does not forget connections: {error}.") from error

    # Link ----------------------------------------------------------------------------------------

    def link(self, interface: str) -> LinkFacts | None:
        """Return the card; None when it is not there."""
        with IPRoute() as route:
            index = _index(route, interface)
            if index is None:
                return None
            (link,) = route.get_links(index)
            flags = int(link["flags"])
        return LinkFacts(is_up=bool(flags & _IFF_UP), has_carrier=bool(flags & _IFF_LOWER_UP))

    def set_link_down(self, interface: str) -> None:
        """Switch the card off; nothing to do when it is not there."""
        with IPRoute() as route:
            index = _index(route, interface)
            if index is not None:
                _obeyed(
                    partial(route.link, "set", index=index, state="down"), f"{interface} does not go down"
                )

    def set_link_up(
        self, interface: str, addresses: Iterable[OwnAddress], gateways: Iterable[Address]
    ) -> None:
        """Switch the card on with these addresses and no others, wait for its carrier, then set the ways."""
        wanted = tuple(addresses)
        with IPRoute() as route:
            index = _index(route, interface)
            if index is None:
                raise WindowUnavailable(
                    f"There is no network card {interface}.",
                    do_next="Name one that `ip link` shows, or the driver that brings it, in [window].",
                )
            silence_autoconfiguration(interface, with_ipv6=any(item.version == 6 for item in wanted))  # noqa: PLR2004 - the version of IP
            _obeyed(partial(route.flush_addr, index=index), f"{interface} keeps its old addresses")
            _obeyed(partial(route.link, "set", index=index, state="up"), f"{interface} does not come up")
            for address in wanted:
                _obeyed(partial(_add_address, route, index, address), f"{interface}: {address}")
        if not _within(CARRIER_S_MAX, lambda: self._has_carrier(interface)):
            raise WindowUnavailable(
                f"{interface} is up and has no carrier.",
                do_next="Look at the cable and at the switch's port; the window was shut again.",
            )
        with IPRoute() as route:
            for gateway in gateways:
                _obeyed(partial(_set_way, route, index, gateway), f"{interface}: gateway {gateway}")

    def _has_carrier(self, interface: str) -> bool:
        link = self.link(interface)
        return link is not None and link.is_up and link.has_carrier

    # Driver --------------------------------------------------------------------------------------

    def load_driver(self, driver: str, interface: str) -> None:
        """Have the driver in the kernel, and wait for its card."""
        _run(["modprobe", "--", driver])
        if not _within(APPEAR_S_MAX, lambda: self.link(interface) is not None):
            raise WindowUnavailable(
                f"The driver {driver} is in the kernel, and there is no card {interface}.",
                do_next="See which driver it needs with `ethtool -i`, and mend [window] driver.",
            )

    def unload_driver(self, driver: str, interface: str) -> None:
        """Take the driver out of the kernel, and wait for its card to go."""
        _run(["modprobe", "-r", "--", driver])
        if not _within(APPEAR_S_MAX, lambda: self.link(interface) is None):
            raise WindowUnavailable(f"The driver {driver} was taken out, and {interface} is still there.")


def _add_address(route: IPRoute, index: int, address: OwnAddress) -> None:
    # Without duplicate address detection an IPv6 address speaks at once; addresses are given by the site.
    more = {"flags": _IFA_F_NODAD} if address.version == 6 else {}  # noqa: PLR2004 - the version of IP
    route.addr("replace", index=index, address=str(address.ip), prefixlen=address.network.prefixlen, **more)


def _set_way(route: IPRoute, index: int, gateway: Address) -> None:
    family = socket.AF_INET if gateway.version == 4 else socket.AF_INET6  # noqa: PLR2004 - the version of IP
    route.route("replace", dst="default", gateway=str(gateway), oif=index, family=family)


def _index(route: IPRoute, interface: str) -> int | None:
    found = route.link_lookup(ifname=interface)
    return int(found[0]) if found else None


def _obeyed(act: Callable[[], object], otherwise: str) -> None:
    try:
        act()
    except (NetlinkError, OSError) as error:
        raise WindowUnavailable(f"{otherwise}: {error}.") from error


def _within(limit_s: float, holds: Callable[[], bool]) -> bool:
    ends = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(POLL_S)
    return True


def _run(command: list[str], text: str = "") -> str:
    """Return what a program of the system says; WindowUnavailable when it fails, is absent, or hangs."""
    program = shutil.which(command[0]) or shutil.which(command[0], path=SYSTEM_PATH)
    if program is None:
        raise WindowUnavailable(
            f"There is no program {command[0]} on this computer.",
            do_next="On Debian: apt install nftables kmod",
        )
    try:
        done = subprocess.run(
            [program, *command[1:]],
            input=text,
            capture_output=True,
            text=True,
            timeout=PROGRAM_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WindowUnavailable(f"{command[0]} gave no answer in {PROGRAM_S_MAX:.0f} s.") from error
    if done.returncode != 0 or len(done.stdout) > LISTING_BYTES_MAX:
        said = " ".join(done.stderr.split())[:300]
        raise WindowUnavailable(
            f"{' '.join(command)} was refused by the kernel (status {done.returncode}): {said}",
            do_next="The window needs root and nftables; see `nft list ruleset`.",
        )
    return done.stdout
