"""A connection read in whole pieces and within time: bytes go from the kernel straight to their place.

Two findings of our measurements live here. A fragment and the header after it are read by one system call
into the object's buffer, without a copy in Python. And before each read that will have to wait we ask for
immediate TCP acknowledgement: a sender that leaves Nagle's algorithm on and writes a PDU in two pieces
(DCMTK, Orthanc) otherwise waits 40 ms for our delayed acknowledgement, once an object.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.dicom.pdu import PDU_HEADER, PduType

if TYPE_CHECKING:
    import ssl

TICK_S = 1.0
"""How long one read may wait before time limits and the order to stop are looked at."""

SEND_LIMIT_S = 30.0
"""A peer that takes no answer for so long is gone."""

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)  # Linux
_TIMEVAL = struct.Struct("@ll")


class ConnectionLost(SourceUnavailable):
    """The peer closed or broke the connection."""


class PeerTooSlow(SourceUnavailable):
    """A time limit passed."""


class ReceiverStopped(SourceUnavailable):
    """The receiver was told to stop, or its parent is gone."""


class Transport:
    """A TCP connection, blocking, with a tick.

    Attributes
    ----------
    deadline
        `time.monotonic()` by which what is being read must be complete.
    silence_limit_s
        Longest time without a single byte.

    Parameters
    ----------
    connection
        Open, plain or TLS with the handshake done. Owned from now on.
    stop_handle
        A pipe whose other end only the listener holds: readable (closed) means stop. None: nothing stops us.
    """

    def __init__(self, connection: socket.socket, stop_handle: int | None = None) -> None:
        self._socket = connection
        self._stop_handle = stop_handle
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        if stop_handle is not None:
            self._poll.register(stop_handle, select.POLLIN)
        self._silent_s = 0.0
        self.deadline = time.monotonic()
        self.silence_limit_s = 0.0
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._prepare()

    def _prepare(self) -> None:
        """Let the kernel keep the tick: MSG_WAITALL works on blocking sockets only."""
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(TICK_S))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_LIMIT_S))

    def wait(self, timeout_s: float) -> bool:
        """Return whether bytes (or the end) came within `timeout_s`.

        Raises
        ------
        ReceiverStopped
            The order to stop came first.
        """
        self.acknowledge_at_once()
        ready = self._poll.poll(timeout_s * 1000)
        if any(handle == self._stop_handle for handle, _ in ready):
            raise ReceiverStopped("The receiver stops.")
        return bool(ready)

    def acknowledge_at_once(self) -> None:
        """Send the TCP acknowledgement now, and do not delay the next ones."""
        if _QUICKACK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def read(self, view: memoryview) -> None:
        """Fill `view`.

        Raises
        ------
        ConnectionLost, PeerTooSlow, ReceiverStopped
        """
        filled = 0
        while filled < len(view):
            filled += self._receive(view[filled:])

    def read_at_least(self, view: memoryview, least: int) -> int:
        """Fill `view` with what is there, at least `least` bytes; return how many."""
        filled = 0
        while filled < least:
            self.acknowledge_at_once()
            filled += self._receive(view[filled:], wait_for_all=False)
        return filled

    def read_with_header(self, view: memoryview, header: memoryview) -> int:
        """Fill `view`, then `header`; return how many bytes of the header were filled.

        Less than all of it only when it turns out to be a PDU header of another type than P-DATA-TF, which
        may be the last bytes for a long time.
        """
        count = self._receive_two(view, header)
        if count < len(view):
            self.read(view[count:])
            count = len(view)
        filled = count - len(view)
        while filled < len(header):
            if filled >= PDU_HEADER.size and header[0] != PduType.P_DATA_TF:
                break
            self.acknowledge_at_once()
            filled += self._receive(header[filled:])
        return filled

    def _receive_two(self, view: memoryview, header: memoryview) -> int:
        try:
            count = self._socket.recvmsg_into([view, header], 0, socket.MSG_WAITALL)[0]
        except BlockingIOError:
            return self._tick()
        except OSError as error:
            raise _lost(error) from error
        return self._received(count)

    def _receive(self, view: memoryview, *, wait_for_all: bool = True) -> int:
        flags = socket.MSG_WAITALL if wait_for_all else 0
        try:
            count = self._socket.recv_into(view, len(view), flags)
        except BlockingIOError:
            return self._tick()
        except OSError as error:
            raise _lost(error) from error
        return self._received(count)

    def _received(self, count: int) -> int:
        if not count:
            raise ConnectionLost("The peer closed the connection.")
        self._silent_s = 0.0
        self.check_time()
        return count

    def _tick(self) -> int:
        self._silent_s += TICK_S
        self.check_time()
        if self._silent_s >= self.silence_limit_s:
            raise PeerTooSlow(f"The peer sent nothing for {self._silent_s:.0f} s.")
        self.wait(0)
        return 0

    def check_time(self) -> None:
        """Raise PeerTooSlow when the deadline has passed."""
        if time.monotonic() > self.deadline:
            raise PeerTooSlow("The peer did not finish within its time limit.")

    def send(self, data: bytes | memoryview) -> None:
        """Send all of it.

        Raises
        ------
        ConnectionLost
        """
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise _lost(error) from error

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


class TlsTransport(Transport):
    """The same over TLS, where Python keeps the tick and reads piece by piece."""

    _socket: ssl.SSLSocket

    def _prepare(self) -> None:
        self._socket.settimeout(TICK_S)

    def wait(self, timeout_s: float) -> bool:
        """Look first at what TLS has already decrypted."""
        return super().wait(0 if self._socket.pending() else timeout_s) or bool(self._socket.pending())

    def _receive_two(self, view: memoryview, header: memoryview) -> int:
        return self._receive(view or header)

    def _receive(self, view: memoryview, *, wait_for_all: bool = True) -> int:  # noqa: ARG002
        try:
            count = self._socket.recv_into(view)
        except TimeoutError:
            return self._tick()
        except OSError as error:
            raise _lost(error) from error
        return self._received(count)

    def send(self, data: bytes | memoryview) -> None:
        """Send all of it, within the limit for sending."""
        self._socket.settimeout(SEND_LIMIT_S)
        super().send(data)
        self._socket.settimeout(TICK_S)


def _timeval(seconds: float) -> bytes:
    return _TIMEVAL.pack(int(seconds), int(seconds % 1 * 1_000_000))


def _lost(error: OSError) -> ConnectionLost:
    return ConnectionLost(f"The connection broke: {error.strerror or error}.")
