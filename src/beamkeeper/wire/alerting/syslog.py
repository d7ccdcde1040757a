"""Syslog: one message to the hospital's log server, over UDP, TCP or TLS.

References
----------
RFC 5424 (format), RFC 5426 (UDP), RFC 6587 section 3.4.1 (octet counting over TCP), RFC 5425 (TLS)
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError, SourceUnavailable
from beamkeeper.wire.alerting.channel import SEND_S_MAX

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.wire.alerting.channel import Alert

FACILITY_LOCAL0: Final = 16
FACILITIES: Final = range(24)
DATAGRAM_BYTES_MAX: Final = 1_200
"""Below what any network cuts in pieces (RFC 5426 section 3.2)."""


class SyslogTransport(StrEnum):
    """How the message travels."""

    UDP = "udp"
    """Nobody says whether it arrived."""
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogChannel:
    """One log server."""

    name: str
    host: str
    port: int
    transport: SyslogTransport = SyslogTransport.UDP
    facility: int = FACILITY_LOCAL0
    hostname: str = "-"
    ca_file: Path | None = None
    answer_s_max: float = SEND_S_MAX

    def send(self, alert: Alert) -> None:
        """Send one message.

        Raises
        ------
        SourceUnavailable
            No connection, or the certificate is not trusted. Over UDP only what this machine notices.
        """
        self._hand_over(self.message(alert))

    def reach(self) -> None:
        """Connect, with TLS where the site file says so, and say nothing; over UDP look up the name.

        Raises
        ------
        SourceUnavailable
            No such name, no connection, or the certificate is not trusted.
        """
        self._hand_over(b"")

    def _hand_over(self, message: bytes) -> None:
        try:
            if self.transport is SyslogTransport.UDP:
                self._send_datagram(message)
            else:
                self._send_stream(message)
        except (OSError, UnicodeError) as error:  # the latter where a name cannot be asked for at all
            raise SourceUnavailable(
                f"The alert channel {self.name} did not take it: {_why(error)}.",
                do_next="Try `beamkeeper alert test`; ask who runs the log server.",
            ) from error

    def message(self, alert: Alert) -> bytes:
        """Return the alert as one RFC 5424 message, at most `DATAGRAM_BYTES_MAX` over UDP."""
        priority = self.facility * 8 + int(alert.severity)
        at = alert.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        known = {"kind": alert.kind, "night": alert.night, "site": alert.site}
        facts = " ".join(["[beamkeeper@32473", *(f'{name}="{_value(known[name])}"' for name in known)]) + "]"
        head = f"<{priority}>1 {at} {_word(self.hostname)} beamkeeper - {_word(alert.kind)} {facts} "
        message = head.encode() + b"\xef\xbb\xbf" + " ".join(alert.text.split()).encode()
        if self.transport is SyslogTransport.UDP:
            return message[:DATAGRAM_BYTES_MAX].decode(errors="ignore").encode()
        return message

    def _send_datagram(self, message: bytes) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[
            0
        ]
        with socket.socket(family, kind, protocol) as udp:
            udp.settimeout(self.answer_s_max)
            if message:
                udp.sendto(message, address)

    def _send_stream(self, message: bytes) -> None:
        framed = f"{len(message)} ".encode() + message if message else b""
        with socket.create_connection((self.host, self.port), timeout=self.answer_s_max) as tcp:
            if self.transport is SyslogTransport.TLS:
                with self._context().wrap_socket(tcp, server_hostname=self.host) as tls:
                    tls.sendall(framed)
                    tls.unwrap()  # close_notify: the server has read all of it
            else:
                tcp.sendall(framed)
                tcp.shutdown(socket.SHUT_WR)

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"The certificate authority of the alert channel {self.name} is missing or not valid PEM.",
                do_next="Check its ca_file in the site file.",
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def _word(text: str) -> str:
    """Return a header field: printable ASCII without blanks."""
    return "".join(sign for sign in text if "!" <= sign <= "~")[:48] or "-"


def _value(text: str) -> str:
    """Return a parameter's value, escaped as RFC 5424 section 6.3.3 asks."""
    one_line = " ".join(text.split())
    return one_line.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _why(error: OSError | UnicodeError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the log server's certificate is not trusted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "the log server did not answer in time"
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
