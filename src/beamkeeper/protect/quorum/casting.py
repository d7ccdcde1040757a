"""Which ballots are taken: a rule that says in one plain sentence why one is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.domain.ballot import THE_NIGHT, Ballot, NightFacts, Verdict
from beamkeeper.protect.quorum.trust import open_items

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from beamkeeper.protect.quorum.rule import Person

CLOCKS_DIFFER_MAX = timedelta(minutes=5)
"""How far ahead of ours the clock of another computer may be."""
VOTABLE_FOR = timedelta(days=92)
"""An older night is history: what it brought was treated or has been purged."""


def refusal(
    ballot: Ballot,
    facts: NightFacts | None,
    ballots: Collection[Ballot],
    people: Sequence[Person],
    *,
    known_patients: Collection[str],
    now: datetime,
) -> str:
    """Return why this ballot is not taken; "" when it is.

    Parameters
    ----------
    ballots
        All of that night so far.
    known_patients
        Pseudonyms of everybody in the vault: a dispute may name somebody the list does not.
    """
    person = next((person for person in people if person.login == ballot.person), None)
    if person is None:
        return "Nobody of that name may vote here."
    if not person.may_vote:
        return f"{person.name} is {person.role.value} here; physicists and physicians vote."
    if facts is None or facts.reported_at is None:
        return f"There is no report of the night of {ballot.night} yet."
    if ballot.at - now > CLOCKS_DIFFER_MAX or now - facts.reported_at > VOTABLE_FOR:
        return "This vote comes too late, or from a clock that is wrong."
    if ballot.digest != facts.digest:
        return "The night was run again and found other changes since. Look at the new list first."
    return _out_of_place(ballot, facts, ballots, known_patients) or _twice(ballot, facts, ballots)


def in_order(ballot: Ballot, ballots: Iterable[Ballot]) -> Ballot:
    """Return the ballot as the last word of its night, whatever the clock says now.

    A clock that ran ahead and was set back would else put a dispute before the confirmations it answers.
    """
    last = max((other.at for other in ballots if other.night == ballot.night), default=ballot.at)
    return ballot if ballot.at >= last else replace(ballot, at=last + timedelta(microseconds=1))


def _out_of_place(
    ballot: Ballot, facts: NightFacts, ballots: Iterable[Ballot], known_patients: Collection[str]
) -> str:
    there = open_items(facts, ballots)
    if ballot.verdict is Verdict.DISPUTE:
        strange = set(ballot.scope or ()) - set(known_patients) - set(there)
        return "The vault knows no such patient." if strange else ""
    if not there:
        return f"The night of {ballot.night} was quiet: it needs no vote."
    if set(ballot.scope or ()) - set(there):
        return "That patient has nothing to confirm in this night."
    return ""


def _twice(ballot: Ballot, facts: NightFacts, ballots: Iterable[Ballot]) -> str:
    """Return the refusal of a vote that says nothing new: the person said it, and nobody disputed since."""
    said = sorted((b for b in ballots if b.night == facts.night), key=lambda b: b.at)
    meant = ballot.scope or open_items(facts, said) or (THE_NIGHT,)
    if all(_says_again(ballot, [b for b in said if b.covers(item)]) for item in meant):
        return f"This vote was counted before: {ballot.person} has said so already."
    return ""


def _says_again(ballot: Ballot, said: Sequence[Ballot]) -> bool:
    mine = [b for b in said if b.person == ballot.person]
    if not mine or mine[-1].verdict is not ballot.verdict or mine[-1].digest != ballot.digest:
        return False
    disputed_since = any(b.verdict is Verdict.DISPUTE and b.at >= mine[-1].at for b in said)
    return ballot.verdict is Verdict.DISPUTE or not disputed_since
