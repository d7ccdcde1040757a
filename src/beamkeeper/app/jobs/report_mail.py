"""The report by mail: to each recipient once, with a code that is theirs alone."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.calling import smtp_of
from beamkeeper.app.jobs.quorum import people_of, rule_of
from beamkeeper.app.jobs.reporting import HTML_NAME, last_report
from beamkeeper.app.jobs.vote_codes import code_secret
from beamkeeper.errors import BeamkeeperError
from beamkeeper.protect.quorum.codes import code_expires_at, code_for
from beamkeeper.protect.quorum.letters import report_subject, report_text
from beamkeeper.protect.report import render_text
from beamkeeper.vault.age import encrypt
from beamkeeper.wire.mail import Attachment, Letter, deliver

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.domain.ballot import NightFacts
    from beamkeeper.domain.night import NightReport
    from beamkeeper.ledger import Ledger
    from beamkeeper.protect.quorum import Person

REPORTED_WITHIN = timedelta(hours=36)
"""An older report is nobody's morning mail any more; alarms and the page still tell of it."""
NO_KEY = "The sealed report is not attached: the site file knows no age recipient of yours."


def reports_due(site: Site, ledger: Ledger, now: datetime) -> tuple[tuple[NightFacts, Person], ...]:
    """Return which reports have not been sent to whom yet."""
    if site.mail is None:
        return ()
    recipients = set(rule_of(site).recipients)
    people = [person for person in people_of(site) if person.login in recipients and person.mail]
    recent = [
        facts
        for facts in ledger.votes.all_facts()
        if facts.reported_at is not None and now - facts.reported_at <= REPORTED_WITHIN
    ]
    if not recent or not people:
        return ()
    sent = {text for text, _ in ledger.votes.sent(since=recent[0].night)}
    return tuple((facts, person) for facts in recent for person in people if _key(facts, person) not in sent)


def send_reports(
    site: Site, ledger: Ledger, now: datetime, *, ends_s: float
) -> tuple[int, tuple[BeamkeeperError, ...]]:
    """Send what is due; return how many went out, and what kept the others.

    Parameters
    ----------
    ends_s
        When to stop, by `time.monotonic`: the rest is due at the next look.
    """
    count, errors = 0, []
    for facts, person in reports_due(site, ledger, now):
        if time.monotonic() > ends_s:
            break
        report = last_report(site, facts.night)
        if report is None:
            continue  # made anew from the vault: the report is not there any more
        try:
            deliver(smtp_of(site.mail), _letter(site, report, facts, person), at=now)
        except BeamkeeperError as error:
            errors.append(error)
            continue
        ledger.votes.note_sent(_key(facts, person), night=facts.night, at=now)
        ledger.audit.append(
            "report mailed",
            actor="quorum",
            outcome="ok",
            at=now,
            details={"run_on": facts.night.isoformat(), "to": person.login, "digest": facts.digest},
        )
        count += 1
    return count, tuple(errors)


def _key(facts: NightFacts, person: Person) -> str:
    return f"report/{facts.night}/{facts.digest}/{person.login}"


def _letter(site: Site, report: NightReport, facts: NightFacts, person: Person) -> Letter:
    rule = rule_of(site)
    by_mail = person.may_vote and site.mail is not None and site.mail.replies is not None
    more, attachments = _more(site, report, person)
    text = report_text(
        report,
        facts,
        person,
        rule,
        code=code_for(code_secret(site.vault.keys_dir), facts, person.login) if person.may_vote else "",
        code_expires_at=code_expires_at(facts, rule),
        by_mail=by_mail,
        more=more,
    )
    return Letter(to=person.mail, subject=report_subject(report, person), text=text, attachments=attachments)


def _more(site: Site, report: NightReport, person: Person) -> tuple[str, tuple[Attachment, ...]]:
    """Return what the site chose to add: nothing, the masked report, or the sealed page."""
    choice = site.mail.report if site.mail else "counts"
    if choice == "text":
        return render_text(report), ()
    if choice == "sealed":
        if not person.age_recipient:
            return NO_KEY, ()
        sealed = io.BytesIO()
        page = (site.night_dir(report.run_on) / HTML_NAME).read_bytes()
        encrypt(io.BytesIO(page), sealed, [person.age_recipient])
        name = f"report-{report.run_on.isoformat()}.html.age"
        return f"{name}: age -d -i KEY", (Attachment(name=name, data=sealed.getvalue()),)
    return "", ()
