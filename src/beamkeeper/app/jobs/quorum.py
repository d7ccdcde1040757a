"""Where each night stands, and votes: the rules of `protect.quorum` joined with the ledger.

Whoever takes a vote (the command line, the console, a mail, a file) calls `cast`; whoever shows or asks
where nights stand calls `standings` or `standing`; what removes copies asks `frozen_by` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.notes import read_note
from beamkeeper.app.jobs.reporting import NOTE_NAME
from beamkeeper.clock import local_date
from beamkeeper.domain.ballot import NightFacts
from beamkeeper.domain.night import NightReport
from beamkeeper.errors import ConfigError, VoteRefused
from beamkeeper.protect.quorum import (
    Disputed,
    Person,
    QuorumRule,
    Role,
    TrustState,
    facts_of,
    in_order,
    refusal,
    trust,
)
from beamkeeper.protect.quorum.casting import VOTABLE_FOR
from beamkeeper.protect.quorum.copies import Copies, Said

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_quorum import QuorumSection
    from beamkeeper.domain.ballot import Ballot
    from beamkeeper.ledger import Ledger, NightRow

NIGHTS_LOOKED_AT = VOTABLE_FOR // timedelta(days=1)
"""Older nights can no longer be voted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One night: what there is to confirm, what was said of it, and where that leaves it."""

    facts: NightFacts
    state: TrustState
    ballots: tuple[Ballot, ...] = ()

    @property
    def night(self) -> date:
        """Its local date."""
        return self.facts.night


def section_of(site: Site) -> QuorumSection:
    """Return what the site file says of confirming.

    Raises
    ------
    ConfigError
        Nothing: this site does not ask anybody to confirm.
    """
    if site.quorum is None:
        raise ConfigError(
            "This site asks nobody to confirm its nights.",
            do_next="Write [quorum] with people into the site file: see docs/guide/two-people-confirm.md.",
        )
    return site.quorum


def people_of(site: Site) -> tuple[Person, ...]:
    """Return everybody the site file names."""
    return tuple(
        Person(
            login=person.login,
            name=person.name,
            role=Role(person.role),
            mail=person.mail,
            language=person.language,
            signing_key=person.signing_key,
            age_recipient=person.age_recipient,
        )
        for person in section_of(site).people
    )


def rule_of(site: Site) -> QuorumRule:
    """Return the site's rule; without `recipients`, everybody who may vote is written to."""
    section = section_of(site)
    voters = tuple(person.login for person in people_of(site) if person.may_vote)
    return QuorumRule(
        zone=site.zone,
        people_needed=section.people_needed,
        deadline=section.deadline,
        night_starts_at=site.night.starts_at,
        remind_every=timedelta(minutes=section.remind_minutes),
        escalate_after=timedelta(minutes=section.escalate_minutes),
        recipients=section.recipients or voters,
        escalate_to=section.escalate_to,
    )


def take_reports(site: Site, ledger: Ledger, now: datetime) -> None:
    """Note in the ledger what every night reported since the last look gives to confirm.

    The first look takes the newest report only: nights before a site began to ask are nobody's debt.
    """
    needed = rule_of(site).people_needed
    since = local_date(now, site.zone) - timedelta(days=NIGHTS_LOOKED_AT)
    known = {facts.night: facts for facts in ledger.votes.all_facts()}
    ended = [row for row in ledger.nights(NIGHTS_LOOKED_AT) if row.finished_at and row.run_on >= since]
    for row in ended if known else ended[:1]:
        if row.run_on in known and known[row.run_on].reported_at == row.finished_at:
            continue
        if known and row.run_on < min(known):
            continue
        _take_report(site, ledger, row, needed, now)
    if not known and not ended:
        nothing_yet = NightFacts(night=local_date(now, site.zone), people_needed=needed)
        ledger.votes.record_facts(nothing_yet, state="", at=now)


def _take_report(site: Site, ledger: Ledger, row: NightRow, needed: int, now: datetime) -> None:
    report = read_note(site.night_dir(row.run_on) / NOTE_NAME, NightReport)
    if report is None or report.finished_at != row.finished_at:
        return  # rebuilt from the vault, or the report is being written
    facts = facts_of(report, people_needed=needed)
    state = trust(facts, ledger.votes.ballots(row.run_on), rule_of(site), now)
    ledger.votes.record_facts(facts, state=state.word, at=now)
    ledger.audit.append(
        "night put to the vote",
        actor="quorum",
        outcome=state.word,
        at=now,
        details={"run_on": row.run_on.isoformat(), "digest": facts.digest, "items": len(facts.items)},
    )


def standings(site: Site, ledger: Ledger, now: datetime) -> tuple[Standing, ...]:
    """Return where the nights stand, oldest first: reported ones, and those whose report is missing.

    A date without a report counts only until a later night has one: that night compared with the last
    good copy, and so looked at everything since. A night of a day to come, which a clock that ran ahead has
    reported, stands in for none until then.
    """
    rule = rule_of(site)
    today = local_date(now, site.zone)
    since = today - timedelta(days=NIGHTS_LOOKED_AT)
    known = {facts.night: facts for facts in ledger.votes.all_facts(since=since)}
    if not known:
        return ()
    reported = [night for night, facts in known.items() if facts.reported_at and night <= today]
    last = max(reported, default=min(*known, today))
    ahead = (today - last).days
    missing = [last + timedelta(days=days) for days in range(ahead + 1)]
    all_facts = {night: NightFacts(night=night, people_needed=rule.people_needed) for night in missing}
    all_facts |= {night: facts for night, facts in known.items() if facts.reported_at}
    ballots = ledger.votes.ballots(since=since)
    return tuple(
        _standing(facts, [b for b in ballots if b.night == night], rule, now)
        for night, facts in sorted(all_facts.items())
    )


def standing(site: Site, ledger: Ledger, night: date, now: datetime) -> Standing:
    """Return where one night stands; a night nobody reported has nothing to confirm yet."""
    rule = rule_of(site)
    facts = ledger.votes.facts(night) or NightFacts(night=night, people_needed=rule.people_needed)
    return _standing(facts, ledger.votes.ballots(night), rule, now)


def _standing(
    facts: NightFacts, ballots: list[Ballot] | tuple[Ballot, ...], rule: QuorumRule, now: datetime
) -> Standing:
    return Standing(facts=facts, state=trust(facts, ballots, rule, now), ballots=tuple(ballots))


def cast(site: Site, ledger: Ledger, ballot: Ballot, now: datetime) -> Standing:
    """Take one person's ballot, whichever way it came, and return where the night stands then.

    Who the person is was proved by the caller (an account, a code, a key). The ballot and the refusal
    of one both stand in the audit log.

    Raises
    ------
    VoteRefused
        It does not count, and why.
    ConfigError
        The site asks nobody.
    """
    take_reports(site, ledger, now)
    votes = ledger.votes
    facts, said = votes.facts(ballot.night), votes.ballots(ballot.night)
    why = refusal(
        ballot,
        facts,
        said,
        people_of(site),
        known_patients={row.pseudonym for row in ledger.patients()},
        now=now,
    )
    audit_vote(ledger, ballot, now, why)
    if why or facts is None:
        raise VoteRefused(
            why, do_next="`beamkeeper quorum` says where the night stands.", person=ballot.person
        )
    votes.record_ballot(in_order(ballot, said))
    after = standing(site, ledger, ballot.night, now)
    note_state(ledger, after, now)
    return after


def note_state(ledger: Ledger, item: Standing, now: datetime) -> None:
    """Keep where a night stands, and write into the audit log that it changed."""
    before = ledger.votes.state(item.night)
    if before == item.state.word:
        return
    ledger.audit.append(
        "night stands",
        actor="quorum",
        outcome=item.state.word,
        at=now,
        details={"run_on": item.night.isoformat(), "before": before},
    )
    ledger.votes.record_facts(item.facts, state=item.state.word, at=now)


def audit_vote(ledger: Ledger, ballot: Ballot, now: datetime, why_refused: str = "") -> None:
    """Write into the audit log that somebody voted, or why their vote was refused."""
    details: dict[str, object] = {
        "run_on": ballot.night.isoformat(),
        "verdict": ballot.verdict.value,
        "path": ballot.path.value,
        "digest": ballot.digest,
        "scope": None if ballot.scope is None else list(ballot.scope),
    }
    if why_refused:
        details["why"] = why_refused
    ledger.audit.append(
        "vote refused" if why_refused else "vote cast",
        actor=ballot.person,
        outcome="refused" if why_refused else "ok",
        at=now,
        details=details,
    )


def frozen_by(site: Site, ledger: Ledger, now: datetime) -> tuple[Disputed, ...]:
    """Return the disputes that stand, for as long as which nothing may be purged; () when there is none.

    One stops to count when it is withdrawn, or when those who raised it have confirmed the same patients
    in a later night. A site that asks nobody any more is still bound by what was disputed before.
    """
    rule = rule_of(site) if site.quorum else QuorumRule(zone=site.zone)
    ballots = ledger.votes.ballots()
    said = [
        Said(facts, tuple(b for b in ballots if b.night == facts.night)) for facts in ledger.votes.all_facts()
    ]
    still_open = Copies([one.facts.night for one in said], said).open_nights()
    found = []
    for one in said:
        state = trust(one.facts, one.ballots, rule, now)
        if isinstance(state, Disputed) and set(state.items) & set(still_open.get(one.facts.night, ())):
            found.append(state)
    return tuple(found)
