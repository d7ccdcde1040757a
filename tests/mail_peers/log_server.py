"""A real log server on loopback: it takes syslog over TCP (RFC 6587) and is read when somebody looks."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack, closing

READ_S_MAX = 10.0
_FRAME = re.compile(rb"(\d+) ")


class LogServer:
    """The kernel takes the connections; `taken` reads what they brought, in their order.

    Attributes
    ----------
    port
        Where it listens, every time it is started.
    """

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self._listening = ExitStack()
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Listen."""
        self._socket = self._listening.enter_context(socket.create_server(("127.0.0.1", self.port)))
        self._socket.setblocking(False)

    def stop(self) -> None:
        """Let nothing listen there."""
        self._listening.close()
        self._socket = None

    def taken(self) -> list[str]:
        """Return the messages of connections that were made since the last time."""
        messages = []
        while self._socket is not None:
            try:
                peer, _ = self._socket.accept()
            except BlockingIOError:
                break
            with closing(peer):
                peer.settimeout(READ_S_MAX)
                messages.append(_unframed(b"".join(iter(lambda: peer.recv(1 << 16), b""))))  # noqa: B023 - read at once
        return messages


def _unframed(data: bytes) -> str:
    frame = _FRAME.match(data)
    assert frame, data
    message = data[frame.end() :]
    assert len(message) == int(frame[1]), data
    return message.decode()
