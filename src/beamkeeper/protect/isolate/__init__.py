"""The air gap: the collector has a network only while it fetches or delivers, and only to named hosts.

A `WindowPlan` says who may be spoken with; `render_closed` and `render_open` turn it into nftables rules
(pure text). `Window` opens and closes by them, and believes only what the kernel says. Nobody opens it
but the watchdog (`Guard`), a small root process of its own that shuts it when its time is over, when
whoever asked is gone, and when it is stopped; were it killed, the kernel shuts it by the rules' own
timeout. The worker, without privileges, asks through the port `NetworkWindow`: `GuardedWindow`, or
`NoWindow` where the site has none.
"""

from beamkeeper.protect.isolate.facts import WindowReading, WindowState
from beamkeeper.protect.isolate.guarded import GuardedWindow
from beamkeeper.protect.isolate.interfaces import NetworkWindow, NoWindow
from beamkeeper.protect.isolate.plan import AllowedPeer, Direction, OpenTime, Transport, WindowPlan
from beamkeeper.protect.isolate.rules import render_closed, render_open

__all__ = [
    "AllowedPeer",
    "Direction",
    "GuardedWindow",
    "NetworkWindow",
    "NoWindow",
    "OpenTime",
    "Transport",
    "WindowPlan",
    "WindowReading",
    "WindowState",
    "render_closed",
    "render_open",
]
