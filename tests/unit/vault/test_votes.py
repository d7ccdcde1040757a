"""Votes in the signed metadata: carried on, merged, read strictly, and naming nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.vault.small_vault import NOW, Site

from beamkeeper.domain.ballot import Ballot, NightFacts, Verdict, VotePath
from beamkeeper.errors import IntegrityError, KeyUnavailable
from beamkeeper.vault import NightVotes, SiteKeys, voter_token
from beamkeeper.vault.votes import VOTED_NIGHTS_MAX, read_votes, votes_json, with_votes

if TYPE_CHECKING:
    from pathlib import Path

NIGHT = date(2026, 3, 2)
KEY = b"k" * 32
FACTS = NightFacts(night=NIGHT, digest="a" * 64, items=("", "ab"), reported_at=NOW)
BALLOT = Ballot(
    night=NIGHT,
    person=voter_token(KEY, "an"),
    verdict=Verdict.CONFIRM,
    scope=None,
    path=VotePath.PAGE,
    at=NOW,
    digest="a" * 64,
)
SAID = NightVotes(facts=FACTS, ballots=(BALLOT,))


ballots = st.builds(
    Ballot,
    night=st.just(NIGHT),
    person=st.sampled_from(["an", "bo"]),
    verdict=st.sampled_from(list(Verdict)),
    scope=st.none() | st.just(("ab",)),
    path=st.sampled_from(list(VotePath)),
    at=st.integers(0, 500).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    digest=st.sampled_from(["a" * 64, "b" * 64]),
    reason=st.sampled_from(["", "Jansen is not on the list"]),
)
boxes = st.lists(ballots, max_size=6).map(lambda found: NightVotes(facts=FACTS, ballots=tuple(found)))


@given(boxes)
def test_votes_come_back_as_they_were_written_without_their_reasons(box) -> None:
    merged = with_votes((), [box])

    assert read_votes(votes_json(merged)) == merged
    assert {replace(ballot, reason="") for ballot in box.ballots} == set(merged[0].ballots)
    assert "Jansen" not in str(votes_json(merged))


@given(st.lists(boxes, max_size=4), st.randoms(use_true_random=False))
def test_merging_takes_every_ballot_once_in_any_order(found, random) -> None:
    there = with_votes((), found)
    random.shuffle(found)

    assert with_votes((), found) == there
    assert with_votes(there, found) == there


def test_the_newer_report_says_what_there_is_to_confirm() -> None:
    later = NightVotes(facts=replace(FACTS, digest="b" * 64, reported_at=NOW + timedelta(hours=1)))

    for order in ((SAID, later), (later, SAID)):
        assert with_votes((), order) == (NightVotes(facts=later.facts, ballots=(BALLOT,)),)


def test_only_the_newest_nights_are_carried() -> None:
    many = [
        NightVotes(facts=NightFacts(night=NIGHT + timedelta(days=day))) for day in range(VOTED_NIGHTS_MAX + 5)
    ]

    assert with_votes((), many) == tuple(many[5:])


@pytest.mark.parametrize(
    "data",
    [
        {"not": "a list"},
        [{"night": "2026-03-02"}],
        [votes_json([SAID])[0] | {"digest": 7}],
        [votes_json([SAID])[0] | {"night": "yesterday"}],
        [votes_json([SAID])[0] | {"more": 1}],
        [votes_json([SAID])[0] | {"ballots": [{"person": "an"}]}],
        [votes_json([SAID])[0] | {"ballots": [votes_json([SAID])[0]["ballots"][0] | {"verdict": "maybe"}]}],
        [votes_json([SAID])[0] | {"ballots": [votes_json([SAID])[0]["ballots"][0] | {"at": "2026-03-02"}]}],
        [None],
    ],
)
def test_votes_of_another_form_are_an_integrity_error(data) -> None:
    with pytest.raises(IntegrityError, match="votes"):
        read_votes(data)


def test_votes_are_signed_at_once_and_carried_on_by_the_next_night(site: Site) -> None:
    vault = site.vault()
    expires_at = vault.expires_at

    assert vault.votes() == ()
    assert vault.publish_votes([SAID], keys=site.keys)
    assert not vault.publish_votes([SAID], keys=site.keys)
    assert site.vault().votes() == (SAID,)
    assert site.vault().expires_at == expires_at
    night = site.night(1)
    vault.publish([], night=night, now=NOW, expires_at=NOW + timedelta(days=2), keys=site.keys)
    assert site.vault().votes() == (SAID,)
    assert site.vault().nights() == (night,)


def test_votes_survive_a_renewal_of_the_root(site: Site) -> None:
    vault = site.vault()
    vault.publish_votes([SAID], keys=site.keys)
    vault.renew(keys=replace(site.keys, recovery=site.recovery), now=NOW, expires_at=NOW + timedelta(days=2))

    assert site.vault().votes() == (SAID,)


def test_foreign_keys_sign_no_votes(site: Site, tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable):
        site.vault().publish_votes([SAID], keys=SiteKeys.create(tmp_path / "others"))

    assert site.vault().votes() == ()


def test_a_voter_is_a_keyed_token() -> None:
    token = voter_token(KEY, "an")

    assert len(token) == 26
    assert token != voter_token(b"x" * 32, "an")
    assert token != voter_token(KEY, "bo")
