"""Settings of a network card under /proc/sys: no address by itself, no way from a stranger."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from beamkeeper.errors import WindowUnavailable

ROOT: Final = Path("/proc/sys/net")


def silence_autoconfiguration(interface: str, *, with_ipv6: bool, root: Path = ROOT) -> None:
    """Have the card take no address, route or redirect from the network; IPv6 only where the plan has it.

    Parameters
    ----------
    interface
        A name the plan has checked: it is part of a path.

    Raises
    ------
    WindowUnavailable
        A setting could not be made.
    """
    wanted = {
        f"ipv4/conf/{interface}/accept_redirects": "0",
        f"ipv4/conf/{interface}/accept_source_route": "0",
        f"ipv4/conf/{interface}/rp_filter": "1",
        f"ipv4/conf/{interface}/arp_ignore": "2",
        f"ipv6/conf/{interface}/accept_ra": "0",
        f"ipv6/conf/{interface}/autoconf": "0",
        f"ipv6/conf/{interface}/accept_redirects": "0",
        f"ipv6/conf/{interface}/disable_ipv6": "0" if with_ipv6 else "1",
    }
    if not (root / "ipv6").is_dir():  # a kernel without IPv6 has nothing to silence
        wanted = {name: value for name, value in wanted.items() if name.startswith("ipv4/")}
    for name, value in wanted.items():
        try:
            (root / name).write_text(value, encoding="ascii")
        except OSError as error:
            raise WindowUnavailable(f"The setting net/{name} cannot be made: {error.strerror}.") from error
