"""Plans for the tests of the window."""

from __future__ import annotations

import ipaddress
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from beamkeeper.protect.isolate import AllowedPeer, Direction, Transport, WindowPlan

BRUSSELS = ZoneInfo("Europe/Brussels")


def a_host(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not (address.is_unspecified or address.is_loopback or address.is_multicast)


addresses = st.ip_addresses().filter(a_host)
directions = st.sampled_from(Direction)


@st.composite
def peers(draw: st.DrawFn) -> AllowedPeer:
    direction = draw(directions)
    return AllowedPeer(
        purpose='a "purpose" with; everything } in it',
        direction=direction,
        addresses=tuple(draw(st.lists(addresses, min_size=1, max_size=4))),
        port=draw(st.integers(1, 65535)),
        transport=Transport.TCP if direction is Direction.INBOUND else draw(st.sampled_from(Transport)),
    )


plans = st.builds(
    WindowPlan,
    interface=st.sampled_from(["eno1", "eth0", "enp0s31f6", "card.0"]),
    own_addresses=st.just((ipaddress.ip_interface("192.0.2.20/24"),)),
    peers=st.lists(peers(), min_size=1, max_size=6).map(tuple),
    zone=st.just(BRUSSELS),
    worker_uids=st.lists(st.integers(0, 70_000), max_size=3).map(tuple),
)


def plan(**changed: object) -> WindowPlan:
    values: dict[str, object] = {
        "interface": "eno1",
        "own_addresses": (ipaddress.ip_interface("192.0.2.20/24"),),
        "peers": (
            AllowedPeer(
                purpose="archive",
                direction=Direction.OUTBOUND,
                addresses=(ipaddress.ip_address("192.0.2.10"),),
                port=104,
            ),
        ),
        "zone": BRUSSELS,
    }
    return WindowPlan(**(values | changed))  # type: ignore[arg-type]
