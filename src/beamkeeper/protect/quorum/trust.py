"""Where a night stands: a rule over what was found, what people said, and the time.

The order of ballots and how often one arrives make no difference. For each item of the list (a patient,
or the night itself) the last word of each person counts; the night is confirmed when every item is, each
by enough different people.

A confirmation is about one list, by its digest: another list voids it. A dispute is not void: trying the
night again does not remove a doubt. It outweighs every confirmation until the person who raised it
confirms the present list, and a second person has confirmed after the dispute was raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.domain.ballot import THE_NIGHT, Ballot, NightFacts, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from beamkeeper.protect.quorum.rule import QuorumRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Nothing needs a vote: everything is kept, and nothing unexpected changed."""

    night: date
    word: str = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """There is time until the deadline.

    Attributes
    ----------
    have
        Who has confirmed something so far.
    missing
        Items that still need somebody.
    """

    night: date
    deadline_at: datetime
    have: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    word: str = "unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Enough different people looked and found every change genuine.

    Attributes
    ----------
    at
        When the last item had enough people.
    late
        Whether that was not before the deadline.
    """

    night: date
    by: tuple[str, ...]
    at: datetime
    late: bool
    word: str = "confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """Somebody says it is not genuine: untrusted, and nothing is purged.

    Attributes
    ----------
    by
        Whose disputes stand.
    since
        When the last of them was raised.
    items
        What is disputed.
    withdrawn_by
        Those of `by` who withdrew, and whom no second person has backed yet.
    """

    night: date
    by: tuple[str, ...]
    since: datetime
    items: tuple[str, ...]
    withdrawn_by: tuple[str, ...] = ()
    word: str = "disputed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """The deadline has passed, and the night is not confirmed.

    Attributes
    ----------
    reported
        False when there is no report at all: the night did not run, or did not end.
    """

    night: date
    since: datetime
    have: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    reported: bool = True
    word: str = "overdue"


TrustState = Quiet | Unverified | Confirmed | Disputed | Overdue


def is_trusted(state: TrustState) -> bool:
    """Whether the night by itself is as good as the nights before it."""
    return isinstance(state, Quiet | Confirmed)


def trust(facts: NightFacts, ballots: Iterable[Ballot], rule: QuorumRule, now: datetime) -> TrustState:
    """Return where the night stands at `now`."""
    said = _ordered(facts, ballots)
    stances = {item: _Stances(item, said) for item in _items(facts, said)}
    disputes = [dispute for item in stances.values() for dispute in item.disputes()]
    if disputes:
        return _disputed(facts, disputes)
    if facts.is_quiet and not stances:
        return Quiet(night=facts.night)
    have = tuple(sorted({person for item in stances.values() for person in item.confirmers()}))
    complete = {item: stance.confirmed_at(facts.people_needed) for item, stance in stances.items()}
    missing = tuple(sorted(item for item, at in complete.items() if at is None))
    deadline = rule.deadline_at(facts.night)
    if facts.reported_at is not None and not missing:
        at = max(at for at in complete.values() if at is not None)
        return Confirmed(night=facts.night, by=have, at=at, late=at >= deadline)
    if now < deadline:
        return Unverified(night=facts.night, deadline_at=deadline, have=have, missing=missing)
    reported = facts.reported_at is not None
    return Overdue(night=facts.night, since=deadline, have=have, missing=missing, reported=reported)


def open_items(facts: NightFacts, ballots: Iterable[Ballot]) -> tuple[str, ...]:
    """Return what a vote on this night can be about: its list, and what somebody disputed beside it."""
    return tuple(sorted(_items(facts, _ordered(facts, ballots))))


def unsettled(facts: NightFacts, ballots: Iterable[Ballot]) -> Mapping[str, tuple[str, ...]]:
    """Return what nobody may rely on of a night: by item, the people who dispute it (none: not confirmed)."""
    said = _ordered(facts, ballots)
    found: dict[str, tuple[str, ...]] = {}
    for item in _items(facts, said):
        stances = _Stances(item, said)
        disputes = stances.disputes()
        if disputes or stances.confirmed_at(facts.people_needed) is None:
            found[item] = tuple(sorted({dispute.person for dispute in disputes}))
    return found


def confirmers(facts: NightFacts, ballots: Iterable[Ballot], item: str) -> frozenset[str]:
    """Return whose last word on an item of the present list is a confirmation."""
    return frozenset(_Stances(item, _ordered(facts, ballots)).confirmers())


def _ordered(facts: NightFacts, ballots: Iterable[Ballot]) -> list[Ballot]:
    """Return the ballots that count, oldest first; of two at one instant the dispute is the later."""
    counting = {
        ballot
        for ballot in ballots
        if ballot.night == facts.night
        and (ballot.verdict is Verdict.DISPUTE or (ballot.digest == facts.digest != ""))
    }
    return sorted(
        counting,
        key=lambda ballot: (ballot.at, ballot.verdict is Verdict.DISPUTE, ballot.person, repr(ballot)),
    )


def _items(facts: NightFacts, said: list[Ballot]) -> set[str]:
    disputed = [ballot.scope for ballot in said if ballot.verdict is Verdict.DISPUTE]
    more = {item for scope in disputed for item in ((THE_NIGHT,) if scope is None else scope)}
    return {*facts.items, *more}


@dataclass(frozen=True, slots=True)
class _Dispute:
    person: str
    item: str
    at: datetime
    withdrawn: bool


class _Stances:
    """What everybody said of one item."""

    def __init__(self, item: str, said: list[Ballot]) -> None:
        self._item = item
        self._by: dict[str, list[Ballot]] = {}
        for ballot in said:
            if ballot.covers(item):
                self._by.setdefault(ballot.person, []).append(ballot)

    def confirmers(self) -> tuple[str, ...]:
        """Return whose last word is a confirmation."""
        return tuple(person for person, said in self._by.items() if said[-1].verdict is Verdict.CONFIRM)

    def disputes(self) -> list[_Dispute]:
        """Return the disputes that stand: one a person."""
        found = []
        for person, said in self._by.items():
            raised = [ballot.at for ballot in said if ballot.verdict is Verdict.DISPUTE]
            if not raised:
                continue
            withdrawn = said[-1].verdict is Verdict.CONFIRM
            if not withdrawn or self._backed_at(person, raised[-1]) is None:
                found.append(_Dispute(person, self._item, _raised_at(said), withdrawn))
        return found

    def confirmed_at(self, people_needed: int) -> datetime | None:
        """Return since when enough people confirm; None while they do not."""
        since = sorted(self._confirms_since(person) for person in self.confirmers())
        if len(since) < people_needed:
            return None
        backed = [at for at in map(self._last_dispute_backed_at, self._by) if at is not None]
        return max([since[people_needed - 1], *backed])

    def _confirms_since(self, person: str) -> datetime:
        since = self._by[person][-1].at
        for ballot in reversed(self._by[person]):
            if ballot.verdict is not Verdict.CONFIRM:
                break
            since = ballot.at
        return since

    def _last_dispute_backed_at(self, person: str) -> datetime | None:
        raised = [ballot.at for ballot in self._by[person] if ballot.verdict is Verdict.DISPUTE]
        return self._backed_at(person, raised[-1]) if raised else None

    def _backed_at(self, disputer: str, raised_at: datetime) -> datetime | None:
        """Return when a second person first confirmed, knowing of the dispute; None while nobody has."""
        backing = [
            ballot.at
            for person in self.confirmers()
            if person != disputer
            for ballot in self._by[person]
            if ballot.verdict is Verdict.CONFIRM and ballot.at > raised_at
        ]
        return min(backing, default=None)


def _raised_at(said: list[Ballot]) -> datetime:
    """Return when a person's last dispute began: a repetition of it is no new one."""
    began: datetime | None = None
    for before, ballot in zip([None, *said], said, strict=False):
        if ballot.verdict is Verdict.DISPUTE and (before is None or before.verdict is Verdict.CONFIRM):
            began = ballot.at
    assert began is not None  # noqa: S101 - asked only of people who disputed
    return began


def _disputed(facts: NightFacts, disputes: list[_Dispute]) -> Disputed:
    standing = {dispute.person for dispute in disputes if not dispute.withdrawn}
    return Disputed(
        night=facts.night,
        by=tuple(sorted({dispute.person for dispute in disputes})),
        since=max(dispute.at for dispute in disputes),
        items=tuple(sorted({dispute.item for dispute in disputes})),
        withdrawn_by=tuple(sorted({dispute.person for dispute in disputes} - standing)),
    )
