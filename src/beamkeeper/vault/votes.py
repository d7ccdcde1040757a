"""What people said of the nights, as the signed metadata carry it: so that votes survive the ledger.

Nobody is named: a voter is a keyed token, like a patient, and reasons stay in the ledger, because people
write names into them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.domain.ballot import Ballot, NightFacts, Verdict, VotePath
from beamkeeper.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable

VOTED_NIGHTS_MAX: Final = 400
"""Newest nights whose votes are carried: older ones have been purged or confirmed long ago."""
BALLOTS_A_NIGHT_MAX: Final = 500
VOTER_CONTEXT: Final = b"beamkeeper/voter/v1"
VOTER_BYTES: Final = 16

_NIGHT_KEYS: Final = {"night", "digest", "items", "reported_at", "people_needed", "ballots"}
_BALLOT_KEYS: Final = {"person", "verdict", "scope", "path", "at", "digest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NightVotes:
    """One night's list and every ballot on it; ballots bear voters' tokens and no reasons."""

    facts: NightFacts
    ballots: tuple[Ballot, ...] = ()


def voter_token(key: bytes, login: str) -> str:
    """Return the keyed name of a voter: 26 letters and digits that say nothing without `key`.

    As pseudonyms of patients, by the same key: HMAC-SHA256 over the context and the login, the first
    128 bits in base32 (RFC 4648), lower case, without padding.
    """
    mac = hmac.digest(key, VOTER_CONTEXT + login.encode(), hashlib.sha256)
    return base64.b32encode(mac[:VOTER_BYTES]).decode().rstrip("=").lower()


def with_votes(there: Iterable[NightVotes], added: Iterable[NightVotes]) -> tuple[NightVotes, ...]:
    """Return all votes by night: every ballot once, the facts of the newer report; the newest nights only."""
    nights = {votes.facts.night: votes for votes in there}
    for votes in added:
        known = nights.get(votes.facts.night, votes)
        facts = votes.facts if _is_newer(votes.facts, known.facts) else known.facts
        nights[facts.night] = NightVotes(facts=facts, ballots=_in_order((*known.ballots, *votes.ballots)))
    newest = sorted(nights)[-VOTED_NIGHTS_MAX:]
    return tuple(nights[night] for night in newest)


def _is_newer(facts: NightFacts, than: NightFacts) -> bool:
    if facts.reported_at is None or than.reported_at is None:
        return than.reported_at is None
    return facts.reported_at >= than.reported_at


def _in_order(ballots: Iterable[Ballot]) -> tuple[Ballot, ...]:
    bare = {replace(ballot, reason="") for ballot in ballots}
    return tuple(sorted(bare, key=lambda b: (b.at, b.person, b.verdict, b.path, b.scope or (), b.digest)))


def votes_json(votes: Iterable[NightVotes]) -> list[dict[str, Any]]:
    """Return votes as they stand in the metadata."""
    return [
        {
            "night": night.facts.night.isoformat(),
            "digest": night.facts.digest,
            "items": list(night.facts.items),
            "reported_at": night.facts.reported_at.isoformat() if night.facts.reported_at else None,
            "people_needed": night.facts.people_needed,
            "ballots": [
                {
                    "person": ballot.person,
                    "verdict": ballot.verdict.value,
                    "scope": None if ballot.scope is None else list(ballot.scope),
                    "path": ballot.path.value,
                    "at": ballot.at.isoformat(),
                    "digest": ballot.digest,
                }
                for ballot in night.ballots
            ],
        }
        for night in votes
    ]


def read_votes(data: object) -> tuple[NightVotes, ...]:
    """Return the votes that metadata carry; none where they say nothing of votes.

    Raises
    ------
    IntegrityError
        They are not of this form.
    """
    try:
        return tuple(_night(item) for item in _nights(data))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(
            "The votes in the signed metadata cannot be read.",
            do_next="Use a newer Beamkeeper: this vault may be of another version.",
        ) from error


def _nights(data: object) -> list[dict[str, Any]]:
    if not isinstance(data, list) or len(data) > VOTED_NIGHTS_MAX:
        raise TypeError("not a list of nights")
    return data


def _night(item: dict[str, Any]) -> NightVotes:
    if item.keys() != _NIGHT_KEYS or len(item["ballots"]) > BALLOTS_A_NIGHT_MAX:
        raise ValueError("not a night with its votes")
    night = date.fromisoformat(item["night"])
    reported_at = item["reported_at"]
    facts = NightFacts(
        night=night,
        digest=_text(item["digest"]),
        items=tuple(map(_text, item["items"])),
        reported_at=None if reported_at is None else datetime.fromisoformat(reported_at),
        people_needed=int(item["people_needed"]),
    )
    return NightVotes(facts=facts, ballots=tuple(_ballot(night, ballot) for ballot in item["ballots"]))


def _ballot(night: date, item: dict[str, Any]) -> Ballot:
    if item.keys() != _BALLOT_KEYS:
        raise ValueError("not a ballot")
    return Ballot(
        night=night,
        person=_text(item["person"]),
        verdict=Verdict(item["verdict"]),
        scope=None if item["scope"] is None else tuple(map(_text, item["scope"])),
        path=VotePath(item["path"]),
        at=datetime.fromisoformat(item["at"]),
        digest=_text(item["digest"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
