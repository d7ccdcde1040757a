"""MLLP as a client: one connection, one message, one answer, each within bounds.

References
----------
HL7 Minimal Lower Layer Protocol, release 1; IHE ITI TF-2 3.19 for TLS
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.wire.tls import TlsClient

START: Final = b"\x0b"
END: Final = b"\x1c\x0d"
ANSWER_BYTES_MAX: Final = 64 << 10
BLOCK_BYTES: Final = 8 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Peer:
    """A receiver of HL7 messages.

    Attributes
    ----------
    answer_s
        How long connecting, sending and the whole answer may take together.
    """

    host: str
    port: int
    tls: TlsClient | None = None
    answer_s: float = 30.0

    def __str__(self) -> str:
        return f"the HL7 receiver at {self.host}:{self.port}"


def deliver(message: bytes, peer: Hl7Peer) -> bytes:
    """Send one message and return the answer's bytes, without the frame.

    Raises
    ------
    SourceUnavailable
        No connection or no whole answer in time. The message may have been taken all the same: send it
        again with the same control id.
    SourceAnswerInvalid
        What came is not framed as MLLP, or is too long.
    ValueError
        `message` holds a frame character: a mistake of ours.
    """
    if START in message or b"\x1c" in message:
        raise ValueError("a message may not hold the characters that frame it")
    ends_at = time.monotonic() + peer.answer_s
    with _connected(peer) as connection:
        return _exchanged(connection, message, ends_at, peer)


def reach(peer: Hl7Peer) -> None:
    """Connect, with TLS where it is set, and hang up: no message is sent.

    Raises
    ------
    SourceUnavailable
        Nobody listens there, or the two do not trust each other.
    """
    with _connected(peer):
        pass


@contextlib.contextmanager
def _connected(peer: Hl7Peer) -> Iterator[socket.socket]:
    """Give a connection; what breaks on it is told as no answer."""
    context = peer.tls.context() if peer.tls else None
    try:
        with socket.create_connection((peer.host, peer.port), timeout=peer.answer_s) as plain:
            if context is None or peer.tls is None:
                yield plain
                return
            name = peer.tls.server_name or peer.host
            with context.wrap_socket(plain, server_hostname=name) as secured:
                yield secured
    except (OSError, ssl.SSLError) as error:
        raise SourceUnavailable(
            f"{peer} gave no whole answer: {_reason(error)}.",
            do_next="Is it running, may we reach it, and is TLS set on both sides or on neither?",
        ) from error


def _exchanged(connection: socket.socket, message: bytes, ends_at: float, peer: Hl7Peer) -> bytes:
    connection.settimeout(_left(ends_at))
    connection.sendall(START + message + END)
    received = bytearray()
    while END not in received:
        connection.settimeout(_left(ends_at))
        block = connection.recv(BLOCK_BYTES)
        if not block:
            raise ConnectionError("it closed the connection before its answer was whole")
        received += block
        if not received.startswith(START):
            raise SourceAnswerInvalid(
                f"{peer} answers something that is not framed as MLLP.",
                do_next="Is it the right port? Is TLS set on both sides or on neither?",
            )
        if len(received) > ANSWER_BYTES_MAX:
            raise SourceAnswerInvalid(f"{peer} answers more than {ANSWER_BYTES_MAX} bytes.")
    return bytes(received[len(START) : received.index(END)])


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for the whole answer is over")
    return left


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
