"""Answers in: unread messages of one mailbox by IMAP, bounded in number, size and time.

References
----------
RFC 3501 (IMAP4rev1), RFC 2595 and 8314 (TLS)
"""

from __future__ import annotations

import imaplib
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from beamkeeper.errors import BeamkeeperError, SourceAnswerInvalid, SourceUnavailable
from beamkeeper.wire.mail.servers import ANSWER_S_MAX, VISIT_S_MAX, MailSecurity, cut_after, tls_context

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE_BYTES_MAX: Final = 256 << 10
"""A vote is one line; whoever answers with pictures under it still fits."""
MESSAGES_AT_A_TIME: Final = 50
LITERAL_BYTES_MAX: Final = MESSAGE_BYTES_MAX + (64 << 10)
"""The longest piece a server may announce: imaplib would make room for anything."""
VISIT_BYTES_MAX: Final = 2 * MESSAGES_AT_A_TIME * MESSAGE_BYTES_MAX
"""The most that is read of a server in one visit."""

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
    visit_s_max: float = VISIT_S_MAX


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


class _Clear(imaplib.IMAP4):
    """Gives a server no more of our memory and time than an honest one needs."""

    def __init__(self, visit_s_max: float, *args: Any, **more: Any) -> None:
        self._left = VISIT_BYTES_MAX
        self._ending = cut_after(visit_s_max, lambda: getattr(self, "sock", None))
        try:
            super().__init__(*args, **more)
        except BaseException:
            self._ending.cancel()
            raise

    def read(self, size: int) -> bytes:
        """Return `size` bytes of a literal."""
        if size > LITERAL_BYTES_MAX:
            raise self.abort(f"a literal of {size} bytes")
        return self._counted(super().read(size))

    def readline(self) -> bytes:
        """Return one line."""
        return self._counted(super().readline())

    def shutdown(self) -> None:
        """Close the line."""
        self._ending.cancel()
        super().shutdown()

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise self.abort("an answer without end")
        return data


class _Tls(_Clear, imaplib.IMAP4_SSL):
    pass


_BROKEN: Final = (imaplib.IMAP4.error, OSError, ValueError)
"""What talking with a server may end in; ValueError where imaplib takes apart what no server should say."""


class MessageWithheld(SourceAnswerInvalid):
    """The server names a message and does not hand it over: it is damaged there, or just gone."""


class Mailbox:
    """The unread messages of a mailbox; a context manager that holds the connection.

    Every call raises `SourceUnavailable` when the server does not answer or refuses us, and
    `SourceAnswerInvalid` when it answers something that is not IMAP. A visit ends after
    `ImapServer.visit_s_max`.
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
        except _BROKEN as error:
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
        """Return a message, which stays unread.

        Raises
        ------
        MessageWithheld
            The server does not hand this one over; others it may.
        """
        size = _SIZE.search(self._flat(self._fetched(uid, "(RFC822.SIZE)")))
        if size is None:
            raise self._withheld(uid)
        size_bytes = int(size[1])
        if size_bytes > MESSAGE_BYTES_MAX:
            return Received(uid=uid, size_bytes=size_bytes, data=None)
        answer = self._fetched(uid, f"(BODY.PEEK[]<0.{MESSAGE_BYTES_MAX}>)")
        literals = [part[1] for part in answer if isinstance(part, tuple)]
        if len(literals) != 1 or not isinstance(literals[0], bytes):
            raise self._withheld(uid)
        return Received(uid=uid, size_bytes=size_bytes, data=literals[0])

    def mark_read(self, uid: int) -> None:
        """Mark a message as read: it stays in the mailbox as evidence."""
        self._asked("uid", "STORE", str(uid), "+FLAGS.SILENT", "(\\Seen)")

    def _connect(self) -> imaplib.IMAP4:
        server = self._server
        if server.security is MailSecurity.TLS:
            context = tls_context(server.ca_file)
            return _Tls(
                server.visit_s_max, server.host, server.port, ssl_context=context, timeout=server.answer_s_max
            )
        imap = _Clear(server.visit_s_max, server.host, server.port, timeout=server.answer_s_max)
        if server.security is MailSecurity.STARTTLS:
            self._imap = imap  # so that it is left when the peer offers no TLS
            imap.starttls(tls_context(server.ca_file))
        return imap

    def _asked(self, command: str, *arguments: str) -> list[Any]:
        status, answer = self._said(command, *arguments)
        if status != "OK":
            raise self._unavailable(None)
        return answer

    def _fetched(self, uid: int, what: str) -> list[Any]:
        status, answer = self._said("uid", "FETCH", str(uid), what)
        if status != "OK":
            raise self._withheld(uid)
        return answer

    def _said(self, command: str, *arguments: str) -> tuple[str, list[Any]]:
        assert self._imap is not None, "a mailbox is asked inside its `with`"  # noqa: S101
        try:
            status, answer = getattr(self._imap, command)(*arguments)
        except _BROKEN as error:
            raise self._unavailable(error) from error
        return status, list(answer or [])

    @staticmethod
    def _flat(answer: list[Any]) -> bytes:
        return b" ".join(part[0] if isinstance(part, tuple) else part for part in answer if part is not None)

    def _leave(self) -> None:
        imap, self._imap = self._imap, None
        if imap is None:
            return
        try:
            imap.logout()
        except _BROKEN:
            with suppress(OSError):
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

    def _withheld(self, uid: int) -> MessageWithheld:
        return MessageWithheld(
            f"The mail server {self._server.host} does not hand over message {uid}; it stays unread there.",
            do_next="Look at it in the mailbox itself: it may be a vote.",
        )

    def _invalid(self) -> SourceAnswerInvalid:
        return SourceAnswerInvalid(
            f"The mail server {self._server.host} answered something that is not IMAP."
        )
