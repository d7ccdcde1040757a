"""Mail against real servers: what is taken, what is refused, and nothing without TLS that was asked for."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

import pytest
from tests.mail_peers.mail_servers import (
    PASSWORD,
    USER,
    Dovecot,
    Posted,
    dovecot,
    smtp_server,
    two_free_ports,
)
from tests.papers import Paper, issue
from tests.unit.app.test_site import written

from beamkeeper.app.checkup_calling import check_calling
from beamkeeper.app.site import parse_site
from beamkeeper.errors import SourceUnavailable
from beamkeeper.wire.mail import (
    MESSAGE_BYTES_MAX,
    Attachment,
    ImapServer,
    Letter,
    Mailbox,
    MailSecurity,
    SmtpServer,
    deliver,
)
from beamkeeper.wire.mail.imap import MESSAGES_AT_A_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 3, 3, 7, tzinfo=UTC)
LETTER = Letter(to="an@hospital.example", subject="Nacht van 2026-03-03 – één", text="Één regel.\n")


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    return issue(tmp_path, "mail")[0]


@pytest.fixture
def posted() -> Posted:
    return Posted()


def account(port: int, paper: Paper, security: MailSecurity = MailSecurity.STARTTLS) -> SmtpServer:
    return SmtpServer(
        host="127.0.0.1",
        port=port,
        sender="beamkeeper@hospital.example",
        security=security,
        user=USER,
        password=PASSWORD,
        ca_file=paper.certificate,
        answer_s_max=5,
    )


@pytest.fixture
def submission(posted: Posted, free_port: int, paper: Paper) -> Iterator[SmtpServer]:
    """A server that insists on STARTTLS and a login."""
    for _ in smtp_server(posted, free_port, paper):
        yield account(free_port, paper)


def test_a_letter_goes_out_over_starttls_with_a_login(submission: SmtpServer, posted: Posted) -> None:
    deliver(submission, replace(LETTER, attachments=(Attachment(name="a.age", data=b"\0\xff"),)), at=NOW)
    message = message_from_bytes(posted.to("an@hospital.example")[0], policy=default)

    assert message["Subject"] == LETTER.subject
    assert message["Auto-Submitted"] == "auto-generated"
    body = message.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == LETTER.text
    assert [part.get_content() for part in message.iter_attachments()] == [b"\0\xff"]


def test_a_letter_goes_out_over_tls_from_the_first_byte(posted: Posted, free_port: int, paper: Paper) -> None:
    for _ in smtp_server(posted, free_port, paper, implicit_tls=True):
        deliver(replace(account(free_port, paper, MailSecurity.TLS), user=""), LETTER, at=NOW)

    assert len(posted.letters) == 1


def test_a_wrong_password_an_unknown_recipient_a_foreign_certificate_are_told(
    submission: SmtpServer, posted: Posted, tmp_path: Path
) -> None:
    posted.refuse.add("zoe@hospital.example")
    for server, letter, words in (
        (replace(submission, password="guess"), LETTER, "user and password"),
        (submission, replace(LETTER, to="zoe@hospital.example"), "refuses the recipient"),
        (replace(submission, ca_file=issue(tmp_path, "other")[0].certificate), LETTER, "not trusted"),
    ):
        with pytest.raises(SourceUnavailable, match=words) as error:
            deliver(server, letter, at=NOW)
        assert "zoe" not in error.value.message

    assert posted.letters == []


def test_nothing_is_sent_in_clear_to_a_server_without_starttls(
    posted: Posted, free_port: int, paper: Paper
) -> None:
    for _ in smtp_server(posted, free_port, None):
        with pytest.raises(SourceUnavailable, match="does not offer STARTTLS"):
            deliver(account(free_port, paper), LETTER, at=NOW)
        deliver(replace(account(free_port, paper, MailSecurity.UNSAFE_NONE), user=""), LETTER, at=NOW)

    assert len(posted.letters) == 1


def test_a_server_that_is_not_there_is_told(free_port: int, paper: Paper) -> None:
    with pytest.raises(SourceUnavailable, match="Connection refused"):
        deliver(account(free_port, paper), LETTER, at=NOW)


@pytest.fixture(scope="module")
def box(program) -> Iterator[Dovecot]:
    if os.geteuid() != 0:
        pytest.skip("Dovecot changes to users of its own: as root only")
    with dovecot(program("dovecot"), two_free_ports()) as running:
        yield running


def mailbox(box: Dovecot, security: MailSecurity = MailSecurity.TLS) -> ImapServer:
    return ImapServer(
        host="127.0.0.1",
        port=box.tls_port if security is MailSecurity.TLS else box.port,
        user=USER,
        password=PASSWORD,
        security=security,
        ca_file=box.paper.certificate,
        answer_s_max=10,
    )


MESSAGE = b"From: an@hospital.example\r\nSubject: x\r\n\r\nCONFIRM 12345-67890\r\n"


@pytest.mark.peer
@pytest.mark.parametrize("security", [MailSecurity.TLS, MailSecurity.STARTTLS])
def test_unread_mail_is_fetched_byte_for_byte_and_marked_read_only_when_told(
    box: Dovecot, security: MailSecurity
) -> None:
    box.deliver(MESSAGE)
    with Mailbox(mailbox(box, security)) as open_box:
        (uid,) = open_box.unread()
        assert open_box.fetch(uid).data == MESSAGE
        assert open_box.unread() == (uid,)
        open_box.mark_read(uid)

        assert open_box.unread() == ()


@pytest.mark.peer
def test_a_mail_too_long_to_be_a_vote_is_left_where_it_is(box: Dovecot) -> None:
    box.deliver(MESSAGE + b"x" * (MESSAGE_BYTES_MAX + 1))
    with Mailbox(mailbox(box)) as open_box:
        (uid,) = open_box.unread()
        received = open_box.fetch(uid)
        open_box.mark_read(uid)

    assert received.data is None
    assert received.size_bytes > MESSAGE_BYTES_MAX


@pytest.mark.peer
def test_a_flooded_mailbox_is_read_a_piece_at_a_time(box: Dovecot) -> None:
    for _ in range(MESSAGES_AT_A_TIME + 5):
        box.deliver(MESSAGE)
    with Mailbox(mailbox(box)) as open_box:
        first = open_box.unread()
        for uid in first:
            open_box.mark_read(uid)
        rest = open_box.unread()
        for uid in rest:
            open_box.mark_read(uid)

    assert (len(first), len(rest)) == (MESSAGES_AT_A_TIME, 5)


@pytest.mark.peer
def test_a_wrong_password_folder_or_certificate_is_told(box: Dovecot, tmp_path: Path) -> None:
    server = mailbox(box)
    for wrong, words in (
        (replace(server, password="guess"), "refused the login"),
        (replace(server, folder="Nowhere"), "refuses the folder"),
        (replace(server, ca_file=issue(tmp_path, "other")[0].certificate), "not trusted"),
    ):
        with pytest.raises(SourceUnavailable, match=words), Mailbox(wrong) as open_box:
            open_box.unread()


SITE = """
[quorum]
[[quorum.people]]
login = "an"
name = "An Peeters"
role = "physicist"
[[quorum.people]]
login = "bo"
name = "Bo Claes"
role = "physicist"
[mail]
host = "127.0.0.1"
port = {smtp}
user = "{user}"
secret = "file:{secret}"
sender = "beamkeeper@hospital.example"
ca_file = "{ca}"
[mail.replies]
host = "127.0.0.1"
port = {imap}
user = "{user}"
secret = "file:{secret}"
ca_file = "{imap_ca}"
[[alerts]]
name = "mail"
kind = "mail"
[[alerts]]
name = "siren"
kind = "command"
arguments = ["/nowhere/siren"]
"""


def looked(text: str, base: Path, *, online: bool) -> dict[str, str]:
    site = parse_site(text, base=base)
    return {finding.what: finding.verdict for finding in check_calling(site, online=online)}


@pytest.mark.peer
def test_doctor_goes_as_far_as_a_letter_and_a_vote_would_and_sends_nothing(
    submission: SmtpServer, posted: Posted, paper: Paper, box: Dovecot, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    text = written(vault_dir=tmp_path) + SITE.format(
        smtp=submission.port,
        imap=box.tls_port,
        user=USER,
        secret=secret,
        ca=paper.certificate,
        imap_ca=box.paper.certificate,
    )
    ways = ("mail", "answers", "alert mail")
    assert looked(text, tmp_path, online=False) == dict.fromkeys((*ways, "alert siren"), "bad") | {
        "alert siren": "unchecked"
    }
    secret.write_text("guess", "utf-8")
    assert looked(text, tmp_path, online=False) == dict.fromkeys((*ways, "alert siren"), "unchecked")
    assert looked(text, tmp_path, online=True) == dict.fromkeys((*ways, "alert siren"), "bad")
    secret.write_text(PASSWORD, "utf-8")
    box.deliver(MESSAGE)
    unread = box.unread_count()

    assert looked(text, tmp_path, online=True) == dict.fromkeys(ways, "good") | {"alert siren": "bad"}
    assert posted.letters == []
    assert box.unread_count() == unread


def test_people_who_confirm_and_cannot_be_called_are_bad_and_nobody_to_call_is_not(tmp_path: Path) -> None:
    text = written(vault_dir=tmp_path)

    assert looked(text, tmp_path, online=True) == {}
    assert looked(text + SITE.partition("[mail]")[0], tmp_path, online=False) == {"alerts": "bad"}
