"""Who can be reached while a site is played: mail, a pager, a log server and a mailbox, all on loopback."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING

from tests.mail_peers.hook_server import Gateway, gateway
from tests.mail_peers.log_server import LogServer
from tests.mail_peers.mail_servers import (
    PASSWORD,
    USER,
    Dovecot,
    Posted,
    dovecot,
    smtp_server,
    two_free_ports,
)
from voting_site import QUORUM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

KINDS = ("stopped", "overdue", "escalated", "disputed", "all_clear", "channel_failed", "mirror")
MAIL = """
[mail]
host = "127.0.0.1"
port = {smtp}
security = "unsafe-none"
sender = "beamkeeper@hospital.example"
"""
REPLIES = """
[mail.replies]
host = "127.0.0.1"
port = {imap}
security = "unsafe-none"
user = "{user}"
secret = "file:{secret}"
"""
CHANNELS = """
[[alerts]]
name = "letters"
kind = "mail"

[[alerts]]
name = "pager"
kind = "http"
url = "http://127.0.0.1:{pager}/send"
fields = {{ text = "$text", kind = "$kind", night = "$night" }}
"""
SYSLOG = """
[[alerts]]
name = "log"
kind = "syslog"
host = "127.0.0.1"
port = {syslog}
transport = "tcp"
"""


class Outside:
    """Who can be reached: a mail server and a pager gateway."""

    def __init__(self, pager: Gateway) -> None:
        self.posted = Posted()
        self.pager = pager
        self.smtp_port, _ = two_free_ports()
        self._mail = ExitStack()
        self._letters = self._texts = 0

    @property
    def settings(self) -> str:
        """Return the site file's words for both, and for the people."""
        return QUORUM + MAIL.format(smtp=self.smtp_port) + CHANNELS.format(pager=self.pager.port)

    def start(self) -> None:
        """Let the mail server listen."""
        self._mail.enter_context(contextmanager(smtp_server)(self.posted, self.smtp_port, None))

    def stop(self) -> None:
        """Let nothing listen where the mail server was; a pager needs no network of the hospital's."""
        self._mail.close()

    def news(self) -> list[str]:
        """Return what arrived since the last time, in words: letters of one kind together."""
        letters, texts = self.posted.letters[self._letters :], self.pager.taken[self._texts :]
        self._letters, self._texts = self._letters + len(letters), self._texts + len(texts)
        by_kind: dict[str, list[str]] = {}
        for address, data in letters:
            by_kind.setdefault(_kind_of(data), []).append(address.partition("@")[0])
        return [
            *(f"letter to {' '.join(sorted(to))}: {kind}" for kind, to in by_kind.items()),
            *(f"pager: {text['kind']}" for text in texts),
        ]


class Everybody(Outside):
    """A log server and a mailbox for answers as well.

    Parameters
    ----------
    program
        Dovecot.
    folder
        For the mailbox's password.
    """

    def __init__(self, pager: Gateway, program: str, folder: Path) -> None:
        super().__init__(pager)
        self._program, self._imap_ports = program, two_free_ports()
        self._log = LogServer()
        self._box: Dovecot | None = None
        self._secret = folder / "mail.password"
        self._secret.write_text(PASSWORD, "utf-8")

    @property
    def settings(self) -> str:
        """Return the site file's words for all, and for the people."""
        replies = REPLIES.format(imap=self._imap_ports[0], user=USER, secret=self._secret)
        mail = MAIL.format(smtp=self.smtp_port) + replies
        return QUORUM + mail + CHANNELS.format(pager=self.pager.port) + SYSLOG.format(syslog=self._log.port)

    def start(self) -> None:
        """Let all listen; the mailbox is empty."""
        super().start()
        self._log.start()
        self._mail.callback(self._log.stop)
        self._box = self._mail.enter_context(dovecot(self._program, self._imap_ports))

    def news(self) -> list[str]:
        """Return what arrived since the last time, in words."""
        kinds = [re.search(r'kind="(\w+)"', message) for message in self._log.taken()]
        return [*super().news(), *(f"log: {kind[1]}" for kind in kinds if kind)]

    def answer(self, person: str, verdict: str, night: date) -> None:
        """Answer the last report about a night that somebody got, as its text says."""
        body = next(
            text
            for text in map(_text_of, reversed(self.posted.to(f"{person}@hospital.example")))
            if night.isoformat() in text and _CODE.search(text)
        )
        code = _CODE.search(body)
        assert code is not None
        assert self._box is not None
        letter = EmailMessage()
        letter["From"], letter["To"] = f"{person}@hospital.example", "beamkeeper@hospital.example"
        letter["Subject"], letter["Message-ID"] = "Re: Beamkeeper", f"<{code[0]}@hospital.example>"
        letter.set_content(f"{verdict.upper()} {code[0]}\n")
        self._box.deliver(letter.as_bytes())


_CODE = re.compile(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b")


def _text_of(data: bytes) -> str:
    body = message_from_bytes(data, policy=default).get_body()
    assert body is not None
    return str(body.get_content())


def _kind_of(data: bytes) -> str:
    letter = message_from_bytes(data)
    if letter["In-Reply-To"]:
        return "answer"
    subject = str(letter["Subject"])
    return next((kind for kind in KINDS if subject.endswith(f": {kind}")), "report")


@contextmanager
def outside() -> Iterator[Outside]:
    """Serve mail and pager while the block lasts."""
    with gateway() as pager:
        around = Outside(pager)
        around.start()
        try:
            yield around
        finally:
            around.stop()


@contextmanager
def everybody(program: str, folder: Path) -> Iterator[Everybody]:
    """Serve mail, mailbox, log and pager while the block lasts."""
    with gateway() as pager:
        around = Everybody(pager, program, folder)
        around.start()
        try:
            yield around
        finally:
            around.stop()
