"""Letters out: SMTP with TLS from the first byte, or STARTTLS, never silently without.

References
----------
RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (submission over TLS)
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.mail.servers import ANSWER_S_MAX, VISIT_S_MAX, MailSecurity, cut_after, tls_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.wire.mail.letters import Letter

REPLY_BYTES_MAX: Final = 256 << 10
"""The most that a server says in one visit: a reply may have any number of lines."""
_OK: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """The server that takes our letters.

    Attributes
    ----------
    user, password
        "" where the server asks for none.
    sender
        Our own address.
    ca_file
        None for the authorities this system trusts.
    """

    host: str
    port: int
    sender: str
    security: MailSecurity = MailSecurity.STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    answer_s_max: float = ANSWER_S_MAX
    visit_s_max: float = VISIT_S_MAX


def deliver(server: SmtpServer, letter: Letter, *, at: datetime) -> None:
    """Hand a letter to the server; it took responsibility for it when this returns.

    Raises
    ------
    SourceUnavailable
        It did not: no connection, no TLS, wrong certificate, wrong password, recipient refused.
    """
    message = letter.message(sender=server.sender, at=at)
    with _visit(server, "did not take a letter") as smtp:
        smtp.send_message(message, from_addr=server.sender, to_addrs=[letter.to])


def verify_entry(server: SmtpServer) -> None:
    """Go as far as a letter would, TLS and login included, and send none.

    Raises
    ------
    SourceUnavailable
        A letter would not come that far.
    """
    with _visit(server, "would take no letter") as smtp:
        code, _ = smtp.noop()
        if code != _OK:
            raise smtplib.SMTPResponseException(code, b"")


@contextmanager
def _visit(server: SmtpServer, failure: str) -> Iterator[smtplib.SMTP]:
    try:
        with _connected(server) as smtp:
            if server.security is MailSecurity.STARTTLS:
                smtp.starttls(context=tls_context(server.ca_file))
            if server.user:
                smtp.login(server.user, server.password)
            yield smtp
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise SourceUnavailable(
            f"The mail server {server.host}:{server.port} {failure}: {_why(error)}.",
            do_next="Try `beamkeeper alert test`; ask who runs the mail server.",
        ) from error


class _Counted:
    """What a server says, as far as we listen."""

    def __init__(self, lines: BinaryIO, bytes_max: int) -> None:
        self._lines, self._left = lines, bytes_max

    def readline(self, size: int) -> bytes:
        line = self._lines.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("a reply without end")
        return line

    def close(self) -> None:
        self._lines.close()


class _Clear(smtplib.SMTP):
    """Gives a server no more of our memory and time than an honest one needs."""

    def __init__(self, visit_s_max: float, *args: Any, **more: Any) -> None:
        self._ending = cut_after(visit_s_max, lambda: self.sock)
        try:
            super().__init__(*args, **more)
        except BaseException:
            self._ending.cancel()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """Return one reply."""
        if self.file is None and self.sock is not None:
            self.file = _Counted(self.sock.makefile("rb"), REPLY_BYTES_MAX)
        return super().getreply()

    def close(self) -> None:
        """Close the line."""
        self._ending.cancel()
        super().close()


class _Tls(_Clear, smtplib.SMTP_SSL):
    pass


def _connected(server: SmtpServer) -> smtplib.SMTP:
    where = (server.visit_s_max, server.host, server.port)
    if server.security is MailSecurity.TLS:
        return _Tls(*where, timeout=server.answer_s_max, context=tls_context(server.ca_file))
    return _Clear(*where, timeout=server.answer_s_max)


def _why(error: Exception) -> str:
    """Return what went wrong in words, without what the server quoted back: addresses, or the text."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"it does not accept the user and password ({error.smtp_code})"
        case smtplib.SMTPNotSupportedError():
            return "it does not offer STARTTLS or the login that was asked of it"
        case smtplib.SMTPRecipientsRefused():
            codes = sorted({code for code, _ in error.recipients.values()})
            return f"it refuses the recipient ({', '.join(map(str, codes))})"
        case smtplib.SMTPResponseException():
            return f"it answered {error.smtp_code}"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case TimeoutError():
            return "it did not answer in time"
        case OSError() if error.strerror:
            return error.strerror
    return f"it broke off ({type(error).__name__})"
