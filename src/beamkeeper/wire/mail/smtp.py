"""Letters out: SMTP with TLS from the first byte, or STARTTLS, never silently without.

References
----------
RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (submission over TLS)
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.mail.servers import ANSWER_S_MAX, MailSecurity, tls_context

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from beamkeeper.wire.mail.letters import Letter


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


def deliver(server: SmtpServer, letter: Letter, *, at: datetime) -> None:
    """Hand a letter to the server; it took responsibility for it when this returns.

    Raises
    ------
    SourceUnavailable
        It did not: no connection, no TLS, wrong certificate, wrong password, recipient refused.
    """
    message = letter.message(sender=server.sender, at=at)
    try:
        with _connected(server) as smtp:
            if server.security is MailSecurity.STARTTLS:
                smtp.starttls(context=tls_context(server.ca_file))
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(message, from_addr=server.sender, to_addrs=[letter.to])
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise SourceUnavailable(
            f"The mail server {server.host}:{server.port} did not take a letter: {_why(error)}.",
            do_next="Try `beamkeeper alert test`; ask who runs the mail server.",
        ) from error


def _connected(server: SmtpServer) -> smtplib.SMTP:
    if server.security is MailSecurity.TLS:
        return smtplib.SMTP_SSL(
            server.host, server.port, timeout=server.answer_s_max, context=tls_context(server.ca_file)
        )
    return smtplib.SMTP(server.host, server.port, timeout=server.answer_s_max)


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
