"""What SMTP and IMAP servers have in common: how the line is protected, and how long we wait."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWER_S_MAX: Final = 20.0
"""The longest silence of a mail server."""
VISIT_S_MAX: Final = 60.0
"""The longest a visit to one takes, however slowly it drips: alarms wait for nobody."""


class MailSecurity(StrEnum):
    """How the line to a mail server is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    """In clear until both agree on TLS; a server that does not offer it is refused."""
    UNSAFE_NONE = "unsafe-none"
    """In clear: for a relay on this machine."""


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS 1.2 or newer client context that verifies certificate and host name.

    Parameters
    ----------
    ca_file
        Who signed the server's certificate, PEM; None for the authorities this system trusts.

    Raises
    ------
    ConfigError
        The file is missing or is no certificate.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"The certificate authority of the mail server, {ca_file}, is missing or not valid PEM.",
            do_next="Check the ca_file of the mail section in the site file.",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def cut_after(seconds: float, line: Callable[[], socket.socket | None]) -> threading.Timer:
    """Cut a line to a server after a time, unless the timer that is returned is cancelled before.

    Whoever reads or writes on it then meets its end.
    """

    def cut() -> None:
        connected = line()
        if connected is not None:
            with suppress(OSError):
                # Not the method of a TLS socket: it would take the session from whoever is reading.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    return timer
