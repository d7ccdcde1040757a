"""Votes by mail: answers fetched from the site's mailbox, each taken once or refused in plain words."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.calling import smtp_of
from beamkeeper.app.jobs.quorum import cast, people_of
from beamkeeper.app.jobs.vote_codes import code_secret, use_code, verify_code
from beamkeeper.domain.ballot import Ballot, VotePath
from beamkeeper.errors import BeamkeeperError, ConfigError, VoteRefused
from beamkeeper.protect.quorum import Confirmed, Disputed
from beamkeeper.protect.quorum.codes import code_for, is_code
from beamkeeper.protect.quorum.letters import answer_text, phrases_for, refusal_text
from beamkeeper.protect.quorum.replies import read_reply
from beamkeeper.vault import resolve_secret
from beamkeeper.wire.mail import (
    ImapServer,
    Letter,
    Mailbox,
    MailSecurity,
    MessageWithheld,
    deliver,
    read_mail,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beamkeeper.app.jobs.quorum import Standing
    from beamkeeper.app.site import Site
    from beamkeeper.domain.ballot import NightFacts
    from beamkeeper.ledger import Ledger
    from beamkeeper.protect.quorum import Person
    from beamkeeper.protect.quorum.replies import Reply
    from beamkeeper.wire.mail import IncomingMail, Received

ANSWERS_A_DAY_MAX: Final = 20
"""How often one person is answered: two machines must not talk to each other all night."""
NIGHTS_TRIED_MAX: Final = 5
"""Newest nights a code may belong to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one mail.

    Attributes
    ----------
    person
        Whose address it came from; None when nobody's, and then nothing is answered.
    mail
        What is answered; None when nothing is.
    why_not
        Why it is no vote; "" when it counts.
    after, reply
        Where the night stands then, and by what vote; None when it is none.
    """

    person: Person | None
    mail: IncomingMail | None = None
    night: str = ""
    why_not: str = ""
    after: Standing | None = None
    reply: Reply | None = None


def imap_of(site: Site) -> ImapServer:
    """Return the mailbox of this site's answers.

    Raises
    ------
    ConfigError
        The site file names none.
    KeyUnavailable
        Its password is not where the site file says.
    """
    replies = site.mail.replies if site.mail else None
    if replies is None:
        raise ConfigError("The site file names no mailbox for answers.", do_next="See [mail.replies].")
    return ImapServer(
        host=replies.host,
        port=replies.port,
        user=replies.user,
        password=resolve_secret(replies.secret),
        security=MailSecurity(replies.security),
        folder=replies.folder,
        ca_file=replies.ca_file,
    )


def read_answers(
    site: Site, ledger: Ledger, now: datetime
) -> tuple[tuple[Taken, ...], tuple[BeamkeeperError, ...]]:
    """Take what lies unread in the mailbox; return what became of it, and what could not be read.

    A message that the server does not hand over keeps the others from nothing.
    """
    taken: list[Taken] = []
    errors: list[BeamkeeperError] = []
    try:
        with Mailbox(imap_of(site)) as box:
            for uid in box.unread():
                try:
                    received = box.fetch(uid)
                except MessageWithheld as error:
                    errors.append(error)
                    continue
                taken.append(_take_once(site, ledger, received, now))
                box.mark_read(uid)
    except BeamkeeperError as error:
        errors.append(error)
    return tuple(taken), tuple(errors)


def _take_once(site: Site, ledger: Ledger, received: Received, now: datetime) -> Taken:
    if received.data is None:
        return _nobodys(ledger, f"a mail of {received.size_bytes} bytes is not read", now)
    key = f"mail/{hashlib.sha256(received.data).hexdigest()}"
    if ledger.votes.was_taken(key):
        return _nobodys(ledger, "this very mail was read before", now)
    taken = take_mail(site, ledger, read_mail(received.data), now)
    ledger.votes.take_once(key, what="mail", at=now)
    return taken


def _nobodys(ledger: Ledger, why: str, now: datetime, who: str = "nobody") -> Taken:
    _refused(ledger, who, why, now)
    return Taken(person=None, why_not=why)


def take_mail(site: Site, ledger: Ledger, mail: IncomingMail, now: datetime) -> Taken:
    """Take one mail as a vote, or say why it is none; both stand in the audit log."""
    person = next((p for p in people_of(site) if p.mail and p.mail.casefold() == mail.sender), None)
    if mail.automatic or person is None:
        why = mail.automatic or "its sender is nobody of the site file"
        return _nobodys(ledger, why, now, who=person.login if person else "nobody")
    reply = read_reply(mail.lines)
    if reply is None:
        _refused(ledger, person.login, mail.problem or "it holds no vote in its first line", now)
        return Taken(person=person, mail=mail, why_not=phrases_for(person).not_understood)
    facts = _night_of(site, ledger, person, reply)
    if facts is None:
        _refused(ledger, person.login, "no night waits for votes", now)
        return Taken(person=person, mail=mail, why_not="No night waits for votes.")
    night = facts.night.isoformat()
    try:
        after = _cast(site, ledger, facts, person=person, reply=reply, now=now)
    except VoteRefused as error:
        why = f"{error.message} {error.do_next}".strip()
        return Taken(person=person, mail=mail, night=night, why_not=why)
    return Taken(person=person, mail=mail, night=night, after=after, reply=reply)


def _night_of(site: Site, ledger: Ledger, person: Person, reply: Reply) -> NightFacts | None:
    """Return the night that the code belongs to; the newest when it belongs to none."""
    reported = [facts for facts in ledger.votes.all_facts() if facts.reported_at is not None]
    newest_first = list(reversed(reported))[:NIGHTS_TRIED_MAX]
    secret = code_secret(site.vault.keys_dir)
    for facts in newest_first:
        if is_code(reply.code, code_for(secret, facts, person.login)):
            return facts
    return newest_first[0] if newest_first else None


def _cast(
    site: Site, ledger: Ledger, facts: NightFacts, *, person: Person, reply: Reply, now: datetime
) -> Standing:
    try:
        verify_code(site, ledger, facts, person=person.login, typed=reply.code, now=now)
        ballot = Ballot(
            night=facts.night,
            person=person.login,
            verdict=reply.verdict,
            scope=_scope(ledger, reply),
            path=VotePath.MAIL,
            at=now,
            digest=facts.digest,
        )
    except VoteRefused as error:
        _refused(ledger, person.login, error.message, now)
        raise
    after = cast(site, ledger, ballot, now)
    use_code(ledger, facts, person.login, now)
    return after


def _scope(ledger: Ledger, reply: Reply) -> tuple[str, ...] | None:
    if not reply.patients:
        return None
    known = [row.pseudonym for row in ledger.patients()]
    found = {given: [name for name in known if name.startswith(given)] for given in reply.patients}
    if any(len(names) != 1 for names in found.values()):
        raise VoteRefused("The letters after the code fit no patient, or several.")
    return tuple(sorted({names[0] for names in found.values()}))


def _refused(ledger: Ledger, who: str, why: str, now: datetime) -> None:
    ledger.audit.append(
        "vote refused", actor=who, outcome="refused", at=now, details={"path": "mail", "why": why}
    )


def answer(
    site: Site, ledger: Ledger, every: Sequence[Taken], now: datetime, *, ends_s: float
) -> tuple[BeamkeeperError, ...]:
    """Tell the people of the site file what became of their mails; return what kept some from hearing it.

    Nobody else is ever answered.

    Parameters
    ----------
    ends_s
        When to stop trying, by `time.monotonic`: the rest are not told, and their votes count all the same.
    """
    errors: list[BeamkeeperError] = []
    for taken in every:
        if time.monotonic() > ends_s:
            break
        try:
            _answer(site, ledger, taken, now)
        except BeamkeeperError as error:
            errors.append(error)
    return tuple(errors)


def _answer(site: Site, ledger: Ledger, taken: Taken, now: datetime) -> None:
    if taken.person is None or taken.mail is None:
        return
    what = f"answers {taken.person.login}"
    if ledger.votes.count_taken(what, since=now - timedelta(days=1)) >= ANSWERS_A_DAY_MAX:
        return
    ledger.votes.take_once(f"{what}/{taken.mail.message_id}/{now.isoformat()}", what=what, at=now)
    letter = Letter(
        to=taken.person.mail,
        subject=f"Beamkeeper {site.site.name}",
        text=_answer_text(taken, taken.person),
        in_reply_to=taken.mail.message_id,
    )
    deliver(smtp_of(site.mail), letter, at=now)


def _answer_text(taken: Taken, person: Person) -> str:
    if taken.after is None or taken.reply is None:
        return refusal_text(person, night=taken.night, why=taken.why_not)
    return answer_text(
        person,
        night=taken.night,
        verdict=taken.reply.verdict,
        facts=taken.after.facts,
        patients_count=len(taken.reply.patients),
        then=_then(taken.after, person),
    )


def _then(after: Standing, person: Person) -> str:
    said = phrases_for(person)
    if isinstance(after.state, Confirmed):
        return said.confirmed
    return said.disputed if isinstance(after.state, Disputed) else said.waiting
