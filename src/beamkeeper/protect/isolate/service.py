"""What the watchdog says to systemd: ready, still alive. The documented datagram, written by hand."""

from __future__ import annotations

import os
import socket


def tell_systemd(said: str) -> None:
    """Send `said` ("READY=1", "WATCHDOG=1") to systemd; nothing when it did not start us (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.sendall(said.encode())
