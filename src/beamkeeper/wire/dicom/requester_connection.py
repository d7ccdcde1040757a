"""The way to a peer: a TCP connection, with TLS where the site file says so, or one plain sentence."""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.dicom.transport import TlsTransport, Transport

if TYPE_CHECKING:
    from beamkeeper.wire.dicom.peers import Peer


def connect(peer: Peer, *, limit_s: float) -> Transport:
    """Return an open connection to a peer, which has proved who it is where TLS is asked for.

    Parameters
    ----------
    limit_s
        For each address of the host, and again for the TLS handshake.

    Raises
    ------
    SourceUnavailable
        Nothing answers, or one side does not accept the other's certificate.
    ConfigError
        A TLS file is missing or is no certificate or key.
    """
    context = None if peer.tls is None else peer.tls.context()
    try:
        connection = socket.create_connection((peer.host, peer.port), timeout=limit_s)
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "the host is unknown"
        raise SourceUnavailable(
            f"There is no way to {peer}: {reason}.",
            do_next="Check host and port in the site file, and that the network is up.",
        ) from error
    except OSError as error:
        raise SourceUnavailable(
            f"Nothing answers as {peer}.",
            do_next="Check host and port in the site file, that the peer runs, and the firewall.",
        ) from error
    try:
        if peer.tls is None or context is None:
            return Transport(connection)
        name = peer.tls.server_name or peer.host
        secured = context.wrap_socket(connection, server_hostname=name, do_handshake_on_connect=False)
        connection = secured
        _shake_hands(secured, time.monotonic() + limit_s)
        return TlsTransport(secured)
    except OSError as error:
        connection.close()
        raise no_tls(peer) from error


def no_tls(peer: Peer) -> SourceUnavailable:
    """Return the error for a peer with which no TLS connection comes about."""
    return SourceUnavailable(
        f"There is no TLS connection to {peer}: what answers there speaks none, or one side does not "
        "accept the other's certificate.",
        do_next="Check host, port, certificate and authority files in the site file.",
    )


def _shake_hands(secured: ssl.SSLSocket, deadline: float) -> None:
    """Do the TLS handshake as a whole by `deadline`: a peer may send it byte by byte."""
    secured.setblocking(False)
    poll = select.poll()
    poll.register(secured, 0)
    while True:
        try:
            secured.do_handshake()
        except ssl.SSLWantReadError:
            poll.modify(secured, select.POLLIN)
        except ssl.SSLWantWriteError:
            poll.modify(secured, select.POLLOUT)
        else:
            return
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError("the TLS handshake was not done in time")
