"""Votes between ledger and vault: signed into the metadata at once, taken back when the ledger is lost."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.quorum import people_of, rule_of, take_reports
from beamkeeper.app.jobs.runtime import open_vault
from beamkeeper.app.jobs.vote_codes import use_code
from beamkeeper.domain.ballot import VotePath
from beamkeeper.domain.codec import to_json
from beamkeeper.protect.quorum import trust
from beamkeeper.vault import NightVotes, SiteKeys, voter_token
from beamkeeper.vault.votes import VOTED_NIGHTS_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.domain.ballot import Ballot
    from beamkeeper.ledger import Ledger


def publish_votes(site: Site, ledger: Ledger, clock: Clock) -> bool:
    """Sign what the ledger knows of votes into the vault; return False when it was there already."""
    votes = _in_ledger(ledger)
    known = f"signed/{hashlib.sha256(str(to_json(votes)).encode()).hexdigest()}"
    if not votes or ledger.votes.was_taken(known):
        return False
    keys = SiteKeys.load(site.vault.keys_dir)
    signed = open_vault(site, clock, keys).publish_votes(
        [_with_tokens(night, keys.pseudonym_key) for night in votes], keys=keys
    )
    ledger.votes.take_once(known, what="votes signed", at=clock.now())
    return signed


def sign_reports(site: Site, ledger: Ledger, clock: Clock) -> bool:
    """Take what the nights reported, and sign it into the vault with what people said so far.

    Nothing is decided here: a night with something to confirm is signed as one that waits.
    """
    with ledger.session():
        take_reports(site, ledger, clock.now())
        return publish_votes(site, ledger, clock)


def _in_ledger(ledger: Ledger) -> tuple[NightVotes, ...]:
    reported = [facts for facts in ledger.votes.all_facts() if facts.reported_at is not None]
    newest = reported[-VOTED_NIGHTS_MAX:]
    ballots = ledger.votes.ballots(since=newest[0].night) if newest else ()
    by_night: dict[object, list[Ballot]] = {}
    for ballot in ballots:
        by_night.setdefault(ballot.night, []).append(replace(ballot, reason=""))
    return tuple(NightVotes(facts=facts, ballots=tuple(by_night.get(facts.night, ()))) for facts in newest)


def _with_tokens(night: NightVotes, key: bytes) -> NightVotes:
    ballots = (replace(ballot, person=voter_token(key, ballot.person)) for ballot in night.ballots)
    return replace(night, ballots=tuple(ballots))


def take_back_votes(runtime: Runtime) -> int:
    """Put the votes that the vault carries into a new ledger; return how many ballots.

    Voters are known again by the people of the site file; somebody who is not among them any more stays
    a token. Codes that were used stay used.
    """
    site, ledger, now = runtime.site, runtime.ledger, runtime.clock.now()
    if site.quorum is None:
        return 0
    logins = {
        voter_token(runtime.keys.pseudonym_key, person.login): person.login for person in people_of(site)
    }
    rule = rule_of(site)
    count = 0
    for night in runtime.vault.votes():
        ballots = [_named(ballot, logins) for ballot in night.ballots]
        for ballot in ballots:
            count += ledger.votes.record_ballot(ballot)
            if ballot.path in {VotePath.MAIL, VotePath.CLI}:
                use_code(ledger, replace(night.facts, digest=ballot.digest), ballot.person, now)
        if ledger.votes.facts(night.facts.night) is None:
            everything = ledger.votes.ballots(night.facts.night)
            state = trust(night.facts, everything, rule, now)
            ledger.votes.record_facts(night.facts, state=state.word, at=now)
    return count


def _named(ballot: Ballot, logins: Mapping[str, str]) -> Ballot:
    return replace(ballot, person=logins.get(ballot.person, ballot.person))
