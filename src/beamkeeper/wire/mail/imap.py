"""Answers in: unread messages of one mailbox by IMAP, bounded in number, size and time.

References
----------
RFC 3501 (IMAP4rev1), RFC 2595 and 8314 (TLS)
"""

from __future__ import annotations

import imaplib
import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from beamkeeper.errors import BeamkeeperError, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.mail.servers import ANSWER_S_MAX, MailSecurity, tls_context

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE_BYTES_MAX: Final = 256 << 10
"""A vote is one line; whoever answers with pictures under it still fits."""
MESSAGES_AT_A_TIME: Final = 50
LITERAL_BYTES_MAX: Final = MESSAGE_BYTES_MAX + (64 << 10)
"""The longest piece a server may announce: imaplib would make room for anything."""

_SIZE = re.compile(rb"RFC822\.SIZE (\d{1,12})")
_UIDS = re.compile(rb"\d{1,10}( \d{1,10})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapServer:
    """The server and the mailbox that answers come to; it should be used for nothing else."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    security: MailSecurity = MailSecurity.TLS
    folder: str = "INBOX"
    ca_file: Path | None = None
    answer_s_max: float = ANSWER_S_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message.

    Attributes
    ----------
    data
        Its bytes; None when it is longer than `MESSAGE_BYTES_MAX` and was left where it is.
    """

    uid: int
    size_bytes: int
    data: bytes | None


class _Bounded:
    """Refuses to make room for what no message of ours needs."""

    def read(self, size: int) -> bytes:
        """Return `size` bytes of a literal."""
        if size > LITERAL_BYTES_MAX:
            raise imaplib.IMAP4.abort(f"a literal of {size} bytes")
        data: bytes = super().read(size)  # type: ignore[misc]
        return data


class _Clear(_Bounded, imaplib.IMAP4):
    pass


class _Tls(_Bounded, imaplib.IMAP4_SSL):
    pass


class Mailbox:
    """The unread messages of a mailbox; a context manager that holds the connection.

    Every call raises `SourceUnavailable` when the server does not answer or refuses us, and
    `SourceAnswerInvalid` when it answers something that is not IMAP.
    """

    def __init__(self, server: ImapServer) -> None:
        self._server = server
        self._imap: imaplib.IMAP4 | None = None

    def __enter__(self) -> Self:
        server = self._server
        quoted = '"' + server.folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        try:
            self._imap = self._connect()
            self._imap.login(server.user, server.password)
            self._asked("select", quoted)
        except (imaplib.IMAP4.error, OSError) as error:
            self._leave()
            raise self._unavailable(error) from error
        except BeamkeeperError:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def unread(self) -> tuple[int, ...]:
        """Return the unique ids of the unread messages, oldest first, at most `MESSAGES_AT_A_TIME`."""
        answer = self._asked("uid", "SEARCH", "UNSEEN")
        found = answer[0] if answer and isinstance(answer[0], bytes) else b""
        if found and _UIDS.fullmatch(found) is None:
            raise self._invalid()
        return tuple(sorted(int(uid) for uid in found.split()))[:MESSAGES_AT_A_TIME]

    def fetch(self, uid: int) -> Received:
        """Return a message, which stays unread."""
        size = _SIZE.search(self._flat(self._asked("uid", "FETCH", str(uid), "(RFC822.SIZE)")))
        if size is None:
            raise self._invalid()
        size_bytes = int(size[1])
        if size_bytes > MESSAGE_BYTES_MAX:
            return Received(uid=uid, size_bytes=size_bytes, data=None)
        answer = self._asked("uid", "FETCH", str(uid), f"(BODY.PEEK[]<0.{MESSAGE_BYTES_MAX}>)")
        literals = [part[1] for part in answer if isinstance(part, tuple)]
        if len(literals) != 1 or not isinstance(literals[0], bytes):
            raise self._invalid()
        return Received(uid=uid, size_bytes=size_bytes, data=literals[0])

    def mark_read(self, uid: int) -> None:
        """Mark a message as read: it stays in the mailbox as evidence."""
        self._asked("uid", "STORE", str(uid), "+FLAGS.SILENT", "(\\Seen)")

    def _connect(self) -> imaplib.IMAP4:
        server = self._server
        if server.security is MailSecurity.TLS:
            context = tls_context(server.ca_file)
            return _Tls(server.host, server.port, ssl_context=context, timeout=server.answer_s_max)
        imap = _Clear(server.host, server.port, timeout=server.answer_s_max)
        if server.security is MailSecurity.STARTTLS:
            self._imap = imap  # so that it is left when the peer offers no TLS
            imap.starttls(tls_context(server.ca_file))
        return imap

    def _asked(self, command: str, *arguments: str) -> list[Any]:
        assert self._imap is not None, "a mailbox is asked inside its `with`"  # noqa: S101
        try:
            status, answer = getattr(self._imap, command)(*arguments)
        except (imaplib.IMAP4.error, OSError) as error:
            raise self._unavailable(error) from error
        if status != "OK":
            raise self._unavailable(None)
        return list(answer or [])

    @staticmethod
    def _flat(answer: list[Any]) -> bytes:
        return b" ".join(part[0] if isinstance(part, tuple) else part for part in answer if part is not None)

    def _leave(self) -> None:
        imap, self._imap = self._imap, None
        if imap is None:
            return
        try:
            imap.logout()
        except (imaplib.IMAP4.error, OSError):
            imap.shutdown()

    def _unavailable(self, error: Exception | None) -> SourceUnavailable:
        match error:
            case None:
                why = f"it refuses the folder {self._server.folder} or what was asked of it"
            case ssl.SSLCertVerificationError():
                why = f"its certificate is not trusted ({error.verify_message})"
            case TimeoutError():
                why = "it did not answer in time"
            case OSError() if error.strerror:
                why = error.strerror
            case _:
                why = f"it refused the login or broke off ({type(error).__name__})"
        return SourceUnavailable(
            f"The mailbox on {self._server.host}:{self._server.port} cannot be read: {why}.",
            do_next="Try `beamkeeper alert test`; ask who runs the mail server.",
        )

    def _invalid(self) -> SourceAnswerInvalid:
        return SourceAnswerInvalid(
            f"The mail server {self._server.host} answered something that is not IMAP."
        )
