"""Mail servers in an attacker's hands: they may refuse us, but not hold us, fill us or learn a password."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.mail import (
    ImapServer,
    Letter,
    Mailbox,
    MailSecurity,
    MessageWithheld,
    SmtpServer,
    deliver,
    verify_entry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "only-for-tests"
SOON_S = 0.5
DRIP_S = 0.02
LETTER = Letter(to="an@hospital.example", subject="Night", text="One line.\n")
NOW = datetime(2026, 3, 3, 7, tzinfo=UTC)
FLOOD = b"* OK " + b"x" * 500_000 + b"\r\n"


class Liar:
    """A server of one connection that says what a script says."""

    def __init__(self, talk: Callable[[Liar], None]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.heard = b""
        self.thread = threading.Thread(target=self._serve, args=(talk,), daemon=True)
        self.thread.start()

    def _serve(self, talk: Callable[[Liar], None]) -> None:
        with suppress(OSError):  # who hangs up on a liar is right
            self._line, _ = self._listening.accept()
            with self._line:
                talk(self)

    def say(self, data: bytes) -> None:
        self._line.sendall(data)

    def hear(self) -> bytes:
        data = self._line.recv(4096)
        self.heard += data
        return data

    def drip(self, data: bytes) -> None:
        while True:
            self.say(data)
            time.sleep(DRIP_S)

    def flood(self, data: bytes) -> None:
        while True:
            self.say(data)

    def close(self) -> None:
        self._listening.close()


@contextmanager
def liar(talk: Callable[[Liar], None]) -> Iterator[Liar]:
    server = Liar(talk)
    try:
        yield server
    finally:
        server.close()


def imap(*said: bytes, to: bytes = b"", greeting: bytes = b"* OK hello\r\n") -> Callable[[Liar], None]:
    """An IMAP server that is honest, but for `said` before it answers the command `to`."""

    def talk(server: Liar) -> None:
        server.say(greeting)
        while line := server.hear():
            tag, _, command = line.strip().partition(b" ")
            if command.startswith(b"CAPABILITY") and to != b"CAPABILITY":
                server.say(b"* CAPABILITY IMAP4rev1\r\n")
            if command.startswith(b"SELECT"):
                server.say(b"* 2 EXISTS\r\n")
            if to and command.startswith(to):
                server.say(b"".join(said))
            server.say(tag + b" OK done\r\n")

    return talk


def mailbox(server: Liar, security: MailSecurity = MailSecurity.UNSAFE_NONE) -> ImapServer:
    return ImapServer(
        host="127.0.0.1",
        port=server.port,
        user="beamkeeper",
        password=PASSWORD,
        security=security,
        answer_s_max=5,
    )


@pytest.mark.parametrize(
    "talk",
    [
        imap(b"* CAPABILITY IMAP4rev1 \xff\r\n", to=b"CAPABILITY"),
        imap(b"* SEARCH {" + b"9" * 5_000 + b"}\r\n", to=b"UID SEARCH"),
        imap(b"* SEARCH {4000000000}\r\n", to=b"UID SEARCH"),
        lambda server: server.say(b"* OK {17}\r\nshort"),
        imap(b"\0\0\0\0\r\n", to=b"SELECT"),
        imap(b"Z9 OK you asked for this\r\n", to=b"SELECT"),
        lambda server: server.flood(b"* OK hello\r\n" + FLOOD),
        lambda server: server.say(b""),
    ],
    ids=["charset", "number", "literal", "cut", "noise", "tag", "flood", "silence"],
)
def test_a_mailbox_that_speaks_no_imap_is_told_and_breaks_nothing(talk: Callable[[Liar], None]) -> None:
    with (
        liar(talk) as server,
        pytest.raises(SourceUnavailable, match="cannot be read"),
        Mailbox(mailbox(server)) as box,
    ):
        box.unread()


@pytest.mark.parametrize("where", ["greeting", "answer"])
def test_a_mailbox_that_drips_for_ever_is_left_in_time(where: str) -> None:
    def talk(server: Liar) -> None:
        if where == "answer":
            server.say(b"* OK hello\r\n")
            server.hear()
        server.drip(b"*")

    with (
        liar(talk) as server,
        pytest.raises(SourceUnavailable),
        Mailbox(replace(mailbox(server), visit_s_max=SOON_S)) as box,
    ):
        box.unread()


@pytest.mark.parametrize(
    "greeting", [b"* OK hello\r\n", b"* PREAUTH you are in already\r\n"], ids=["not offered", "let in"]
)
def test_a_line_that_was_to_be_protected_carries_no_password_in_clear(greeting: bytes) -> None:
    with liar(imap(greeting=greeting)) as server:
        with pytest.raises(SourceUnavailable), Mailbox(mailbox(server, MailSecurity.STARTTLS)):
            pass

        assert PASSWORD.encode() not in server.heard


def test_one_message_that_is_not_handed_over_keeps_no_other_back() -> None:
    def talk(server: Liar) -> None:
        server.say(b"* OK hello\r\n")
        while line := server.hear():
            tag, _, command = line.strip().partition(b" ")
            if command.startswith(b"CAPABILITY"):
                server.say(b"* CAPABILITY IMAP4rev1\r\n")
            if command.startswith(b"UID FETCH 7"):
                server.say(tag + b" NO [UNKNOWN] cannot be converted\r\n")
                continue
            if command.startswith(b"UID FETCH 8"):
                server.say(b"* 1 FETCH (UID 8 RFC822.SIZE 2)\r\n")
            if command.startswith(b"UID FETCH 9"):
                what = b"BODY[]<0> {2}\r\nhi" if b"BODY" in command else b"RFC822.SIZE 2"
                server.say(b"* 2 FETCH (UID 9 " + what + b")\r\n")
            server.say(tag + b" OK done\r\n")

    with liar(talk) as server, Mailbox(mailbox(server)) as box:
        for uid in (7, 8):
            with pytest.raises(MessageWithheld, match=f"message {uid}"):
                box.fetch(uid)

        assert box.fetch(9).data == b"hi"


def smtp_account(server: Liar) -> SmtpServer:
    return SmtpServer(
        host="127.0.0.1",
        port=server.port,
        sender="beamkeeper@hospital.example",
        security=MailSecurity.UNSAFE_NONE,
        answer_s_max=5,
        visit_s_max=SOON_S,
    )


@pytest.mark.parametrize(
    "talk",
    [
        lambda server: server.drip(b"220-wait\r\n"),
        lambda server: server.drip(b"2"),
        lambda server: server.flood(b"220-" + b"x" * 8_000 + b"\r\n"),
        lambda server: server.say(b"\xff\xff\xff\r\n"),
    ],
    ids=["lines", "letters", "flood", "noise"],
)
def test_a_mail_server_that_never_ends_a_reply_is_left_in_time(talk: Callable[[Liar], None]) -> None:
    with liar(talk) as server, pytest.raises(SourceUnavailable, match="did not take a letter"):
        deliver(smtp_account(server), LETTER, at=NOW)


def test_no_timer_outlives_its_visit(free_port: int) -> None:
    for security in MailSecurity:
        nobody = ImapServer(host="127.0.0.1", port=free_port, user="u", password="p", security=security)
        with pytest.raises(SourceUnavailable), Mailbox(nobody):
            pass
        with pytest.raises(SourceUnavailable):
            verify_entry(SmtpServer(host="127.0.0.1", port=free_port, sender="a@b", security=security))
    waiting = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for timer in waiting:
        timer.join(5)

    assert not any(timer.is_alive() for timer in waiting)
