"""The morning by mail, against a real SMTP server and Dovecot: reports out, answers in, forgeries refused."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
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
from voting_site import (
    DEADLINE,
    MORNING,
    NIGHT_2,
    QUORUM,
    SmallSite,
    audited,
    ballot,
    ledger_of,
    second_night,
    state_of,
)

from beamkeeper.app.jobs.mail_votes import ANSWERS_A_DAY_MAX
from beamkeeper.app.jobs.quorum import cast
from beamkeeper.app.jobs.quorum_duty import look
from beamkeeper.clock import MovableClock
from beamkeeper.protect.quorum import Confirmed, Disputed, Unverified
from beamkeeper.protect.quorum.codes import VALID_FOR
from beamkeeper.protect.quorum.letters import WIDTH
from beamkeeper.vault.age import generate_identity, recipient_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

pytestmark = pytest.mark.peer

MAIL = """
[mail]
host = "127.0.0.1"
port = {smtp}
user = "{user}"
secret = "file:{secret}"
sender = "beamkeeper@hospital.example"
ca_file = "{ca}"
report = "{report}"
[mail.replies]
host = "127.0.0.1"
port = {imap}
user = "{user}"
secret = "file:{secret}"
ca_file = "{imap_ca}"
"""


@pytest.fixture(scope="module")
def dovecot_server(program) -> Iterator[Dovecot]:
    if os.geteuid() != 0:
        pytest.skip("Dovecot changes to users of its own: as root only")
    with dovecot(program("dovecot"), two_free_ports()) as running:
        yield running


@pytest.fixture
def box(dovecot_server: Dovecot) -> Dovecot:
    """The mailbox, empty."""
    for folder in ("new", "cur"):
        for path in (dovecot_server.maildir / folder).iterdir():
            path.unlink()
    return dovecot_server


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def smtp(posted: Posted, free_port: int, tmp_path: Path) -> Iterator[tuple[int, Paper]]:
    paper = issue(tmp_path, "smtp")[0]
    for _ in smtp_server(posted, free_port, paper):
        yield free_port, paper


def with_mail(
    site: SmallSite, smtp: tuple[int, Paper], box: Dovecot, *, report: str = "counts", people: str = QUORUM
) -> SmallSite:
    secret = site.root / "mail.password"
    secret.write_text(PASSWORD, "utf-8")
    mail = MAIL.format(
        smtp=smtp[0],
        ca=smtp[1].certificate,
        imap=box.tls_port,
        imap_ca=box.paper.certificate,
        user=USER,
        secret=secret,
        report=report,
    )
    return second_night(site, people + mail)


@pytest.fixture
def voting(kept_site: SmallSite, smtp: tuple[int, Paper], box: Dovecot) -> SmallSite:
    return with_mail(kept_site, smtp, box)


def look_at(site: SmallSite, instant: datetime = MORNING) -> tuple[str, ...]:
    found = look(site.site, ledger_of(site), MovableClock(instant))
    return tuple(error.message for error in found.errors)


def text_of(data: bytes) -> str:
    body = message_from_bytes(data, policy=default).get_body()
    assert body is not None
    return str(body.get_content())


def code_of(posted: Posted, person: str) -> str:
    found = re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}", text_of(posted.to(f"{person}@hospital.example")[0]))
    assert found is not None
    return found[0]


def answer(text: str, *, sender: str, subject: str = "Re: Beamkeeper", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = f"Somebody <{sender}@hospital.example>"
    message["To"] = "beamkeeper@hospital.example"
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash((text, sender, subject)))}@hospital.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def last_answer(posted: Posted, person: str) -> str:
    return text_of(posted.to(f"{person}@hospital.example")[-1])


def test_the_report_goes_once_to_each_recipient_with_a_code_of_their_own(
    voting: SmallSite, posted: Posted
) -> None:
    assert look_at(voting) == ()
    assert look_at(voting, MORNING + timedelta(minutes=1)) == ()

    assert sorted(who for who, _ in posted.letters) == ["an@hospital.example", "bo@hospital.example"]
    assert code_of(posted, "an") != code_of(posted, "bo")
    dutch, english = (text_of(posted.to(f"{who}@hospital.example")[0]) for who in ("an", "bo"))
    facts = ledger_of(voting).votes.facts(NIGHT_2)
    assert facts is not None
    folder = voting.site.night_dir(NIGHT_2)
    page, text = ((folder / f"report.{ending}").read_text("utf-8") for ending in ("html", "txt"))
    assert all(facts.digest in said for said in (dutch, english, page, text))
    assert "BEVESTIG" in dutch
    assert "VERDWENEN 1" in " ".join(dutch.split())
    assert "CONFIRM" in english
    assert "2 different people must look and confirm before 2026-03-03 10:00" in " ".join(english.split())
    assert all(len(line) <= WIDTH for said in (dutch, english) for line in said.splitlines())


@pytest.mark.parametrize("report", ["counts", "text"])
def test_no_mail_names_a_patient(
    kept_site: SmallSite, smtp: tuple[int, Paper], box: Dovecot, posted: Posted, report: str
) -> None:
    site = with_mail(kept_site, smtp, box, report=report)
    look_at(site)
    everything = b" ".join(data for _, data in posted.letters) + text_of(posted.letters[0][1]).encode()

    for row in ledger_of(site).patients():
        assert row.patient.patient_id.encode() not in everything
        for part in row.patient.name.split("^"):
            assert len(part) < 4 or part.encode() not in everything
        assert ("Where everybody stands" in text_of(posted.letters[0][1])) == (report == "text")


def test_the_page_may_go_along_sealed_to_its_reader(
    kept_site: SmallSite, smtp: tuple[int, Paper], box: Dovecot, posted: Posted, program, tmp_path: Path
) -> None:
    identity = generate_identity()
    people = QUORUM.replace(
        'language = "nl"', f'language = "nl"\nage_recipient = "{recipient_of(identity)}"', 1
    )
    site = with_mail(kept_site, smtp, box, report="sealed", people=people)
    look_at(site)
    (sealed,) = message_from_bytes(posted.to("an@hospital.example")[0], policy=default).iter_attachments()
    without = message_from_bytes(posted.to("bo@hospital.example")[0], policy=default)
    (tmp_path / "key").write_text(identity + "\n", "utf-8")
    (tmp_path / "page.age").write_bytes(sealed.get_content())

    opened = subprocess.run(
        [program("age"), "-d", "-i", str(tmp_path / "key"), str(tmp_path / "page.age")],
        capture_output=True,
        check=True,
    )

    assert opened.stdout == (site.site.night_dir(NIGHT_2) / "report.html").read_bytes()
    assert not list(without.iter_attachments())


def test_the_mailbox_is_left_alone_while_no_night_that_reported_waits(
    kept_site: SmallSite, posted: Posted
) -> None:
    """Nothing listens where the mailbox should be: whoever asks it hears of that."""
    ports = two_free_ports()
    plain = 'host = "127.0.0.1"\nport = {}\nsecurity = "unsafe-none"\n'
    mail = f'[mail]\n{plain.format(ports[0])}sender = "beamkeeper@hospital.example"\n'
    replies = f'[mail.replies]\n{plain.format(ports[1])}user = "beamkeeper"\nsecret = "env:HOME"\n'
    site = second_night(kept_site, QUORUM + mail + replies)
    for _ in smtp_server(posted, ports[0], None):
        waiting = look_at(site)
        for person in ("an", "bo"):
            cast(site.site, ledger_of(site), ballot(site, person), MORNING)
        confirmed = look_at(site, MORNING + timedelta(minutes=1))
        after_midnight = look_at(site, MORNING + timedelta(hours=17, minutes=30))

    assert len(waiting) == 1
    assert confirmed == after_midnight == ()


def test_two_answers_confirm_the_night_and_both_are_told(
    voting: SmallSite, posted: Posted, box: Dovecot
) -> None:
    look_at(voting)
    box.deliver(answer(f"BEVESTIG {code_of(posted, 'an')}\n\nAn\n\n> BETWIST 00000-00000\n", sender="an"))
    assert look_at(voting, MORNING + timedelta(minutes=5)) == ()
    assert "wacht nog" in last_answer(posted, "an")
    box.deliver(answer(f"confirm {code_of(posted, 'bo').lower()}", sender="bo"))
    assert look_at(voting, MORNING + timedelta(minutes=6)) == ()

    facts = ledger_of(voting).votes.facts(NIGHT_2)
    assert facts is not None
    assert "is confirmed" in last_answer(posted, "bo")
    assert facts.digest in last_answer(posted, "bo")
    state = state_of(voting)
    assert isinstance(state, Confirmed)
    assert state.by == ("an", "bo")


def test_a_dispute_by_mail_counts(voting: SmallSite, posted: Posted, box: Dovecot) -> None:
    look_at(voting)
    box.deliver(answer(f"Nee {code_of(posted, 'an')}", sender="an"))
    look_at(voting, MORNING + timedelta(minutes=5))

    assert isinstance(state_of(voting), Disputed)


def test_forged_and_foreign_votes_are_refused_logged_and_only_our_people_are_answered(
    voting: SmallSite, posted: Posted, box: Dovecot
) -> None:
    look_at(voting)
    an, bo = code_of(posted, "an"), code_of(posted, "bo")
    report = text_of(posted.to("an@hospital.example")[0])
    quoted = "\n".join(f"> {line}" for line in report.splitlines())
    hostile = [
        ("another person's code", answer(f"CONFIRM {bo}", sender="an"), True),
        ("a stranger with a stolen code", answer(f"CONFIRM {an}", sender="mallory"), False),
        ("a guessed code", answer("CONFIRM AAAAA-AAAAA", sender="an"), True),
        ("only quoted", answer(quoted, sender="an"), True),
        ("code in the subject", answer("BEVESTIG", sender="an", subject=f"BEVESTIG {an}"), True),
        ("forwarded", answer(f"FYI\n\nBegin forwarded message:\n{report}", sender="an"), True),
        ("out of office", answer(f"CONFIRM {an}", sender="an", Auto_Submitted="auto-replied"), False),
        ("afwezig", answer(f"BEVESTIG {an}", sender="an", subject="Automatisch antwoord: nacht"), False),
        ("absent", answer(f"OUI {bo}", sender="bo", subject="Réponse automatique : nuit"), False),
        ("who may not vote", answer(f"CONFIRM {an}", sender="head"), True),
    ]
    for minute, (what, data, is_answered) in enumerate(hostile, start=1):
        before, refused = len(posted.letters), len(audited(voting, "vote refused"))
        box.deliver(data)
        assert look_at(voting, MORNING + timedelta(minutes=minute)) == (), what
        assert len(audited(voting, "vote refused")) == refused + 1, what
        assert (len(posted.letters) > before) == is_answered, what

    assert isinstance(state_of(voting), Unverified)
    assert state_of(voting).have == ()  # type: ignore[union-attr]
    assert ledger_of(voting).votes.ballots(NIGHT_2) == ()
    box.deliver(answer(f"BEVESTIG {an}", sender="an"))
    look_at(voting, MORNING + timedelta(minutes=30))
    assert state_of(voting).have == ("an",)  # type: ignore[union-attr]


def test_replayed_and_used_codes_are_refused(voting: SmallSite, posted: Posted, box: Dovecot) -> None:
    look_at(voting)
    an = code_of(posted, "an")
    first = answer(f"BEVESTIG {an}", sender="an")
    for minute, data in enumerate((first, first, answer(f"BETWIST {an}", sender="an")), start=1):
        box.deliver(data)
        look_at(voting, MORNING + timedelta(minutes=minute))

    assert len(ledger_of(voting).votes.ballots(NIGHT_2)) == 1
    why = [str(line["why"]) for line in audited(voting, "vote refused")]
    assert "read before" in why[0]
    assert "used before" in why[1]


def test_a_code_that_is_too_old_is_refused(voting: SmallSite, posted: Posted, box: Dovecot) -> None:
    look_at(voting)
    box.deliver(answer(f"BEVESTIG {code_of(posted, 'an')}", sender="an"))
    look_at(voting, DEADLINE + VALID_FOR)

    assert "too old" in last_answer(posted, "an")
    assert ledger_of(voting).votes.ballots(NIGHT_2) == ()


def test_a_patient_may_be_confirmed_alone(voting: SmallSite, posted: Posted, box: Dovecot) -> None:
    look_at(voting)
    (waiting,) = state_of(voting).missing  # type: ignore[union-attr]
    box.deliver(answer(f"BEVESTIG {code_of(posted, 'an')} {waiting[:10]}", sender="an"))
    look_at(voting, MORNING + timedelta(minutes=1))

    assert ledger_of(voting).votes.ballots(NIGHT_2)[0].scope == (waiting,)
    assert "aantal patiënten: 1" in last_answer(posted, "an")


def test_nobody_is_answered_without_end(voting: SmallSite, posted: Posted, box: Dovecot) -> None:
    look_at(voting)
    before = len(posted.letters)
    for number in range(ANSWERS_A_DAY_MAX + 5):
        box.deliver(answer(f"what? {number}", sender="an"))
    look_at(voting, MORNING + timedelta(minutes=1))

    assert len(posted.letters) == before + ANSWERS_A_DAY_MAX


def test_a_mailbox_or_mail_server_that_is_gone_is_told_and_holds_up_nothing(
    voting: SmallSite, posted: Posted
) -> None:
    text = voting.site_file.read_text("utf-8")
    voting.site_file.write_text(re.sub(r"port = \d+", "port = 1", text), "utf-8")
    errors = look_at(voting)

    assert any("mailbox" in error for error in errors)
    assert any("mail server" in error for error in errors)
    assert posted.letters == []
    voting.site_file.write_text(text, "utf-8")
    assert look_at(voting, MORNING + timedelta(minutes=1)) == ()
    assert len(posted.letters) == 2
