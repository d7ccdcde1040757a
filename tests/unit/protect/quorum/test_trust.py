"""Where a night stands: two different people, whatever the order and however often their word arrives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beamkeeper.protect.quorum import (
    THE_NIGHT,
    Ballot,
    Confirmed,
    Disputed,
    NightFacts,
    Overdue,
    Quiet,
    QuorumRule,
    TrustState,
    Unverified,
    Verdict,
    VotePath,
    trust,
)

BRUSSELS = ZoneInfo("Europe/Brussels")
NIGHT = date(2026, 3, 3)
DEADLINE = datetime(2026, 3, 3, 9, tzinfo=UTC)
"""10:00 in Brussels in winter."""
LIST, OTHER_LIST = "a" * 64, "b" * 64
RULE = QuorumRule(zone=BRUSSELS)
FACTS = NightFacts(
    night=NIGHT, digest=LIST, items=("p1", "p2"), reported_at=datetime(2026, 3, 3, 3, tzinfo=UTC)
)
MORNING = datetime(2026, 3, 3, 7, tzinfo=UTC)


def said(
    person: str,
    verdict: str = "confirm",
    *,
    minute: int = 0,
    scope: tuple[str, ...] | None = None,
    digest: str = LIST,
) -> Ballot:
    return Ballot(
        night=NIGHT,
        person=person,
        verdict=Verdict(verdict),
        scope=scope,
        path=VotePath.PAGE,
        at=MORNING + timedelta(minutes=minute),
        digest=digest,
    )


def stand(*ballots: Ballot, now: datetime = MORNING, facts: NightFacts = FACTS) -> TrustState:
    return trust(facts, ballots, RULE, now)


scopes = st.one_of(
    st.none(), st.lists(st.sampled_from(["p1", "p2", "p3"]), min_size=1, max_size=3).map(tuple)
)
votes = st.builds(
    said,
    st.sampled_from(["an", "bo", "cy"]),
    st.sampled_from(["confirm", "confirm", "dispute"]),
    minute=st.integers(0, 240),
    scope=scopes,
    digest=st.sampled_from([LIST, LIST, OTHER_LIST]),
)
ballot_boxes = st.lists(votes, max_size=9)
instants = st.integers(-60, 400).map(lambda minutes: MORNING + timedelta(minutes=minutes))


def last_words(ballots: list[Ballot], item: str) -> dict[str, Ballot]:
    """Return the last word of each person on an item: by a plain loop, apart from the code under test."""
    last: dict[str, Ballot] = {}
    for ballot in sorted(ballots, key=lambda b: (b.at, b.verdict is Verdict.DISPUTE)):
        counts = ballot.verdict is Verdict.DISPUTE or ballot.digest == LIST
        if counts and ballot.covers(item):
            last[ballot.person] = ballot
    return last


@given(ballot_boxes, instants, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_ballots_changes_the_verdict(box, now, random) -> None:
    again = box + [random.choice(box) for _ in range(3) if box]
    random.shuffle(again)

    assert stand(*again, now=now) == stand(*box, now=now)


@given(ballot_boxes, instants)
def test_without_disputes_confirmed_is_two_different_people_for_every_patient(box, now) -> None:
    friendly = [replace(ballot, verdict=Verdict.CONFIRM) for ballot in box]
    enough = all(len(last_words(friendly, item)) >= 2 for item in FACTS.items)

    assert isinstance(stand(*friendly, now=now), Confirmed) == enough


@given(ballot_boxes, instants)
def test_with_disputes_confirmed_still_takes_two_different_people(box, now) -> None:
    counts = [
        sum(b.verdict is Verdict.CONFIRM for b in last_words(box, item).values()) for item in FACTS.items
    ]

    assert min(counts) >= 2 or not isinstance(stand(*box, now=now), Confirmed)


@given(ballot_boxes, instants)
def test_one_person_alone_never_confirms(box, now) -> None:
    alone = [replace(ballot, person="an") for ballot in box]

    assert not isinstance(stand(*alone, now=now), Confirmed)


@given(ballot_boxes, instants)
def test_a_dispute_outweighs_every_confirmation(box, now) -> None:
    last = [ballot for item in (*FACTS.items, THE_NIGHT) for ballot in last_words(box, item).values()]
    assume(any(ballot.verdict is Verdict.DISPUTE for ballot in last))

    assert isinstance(stand(*box, now=now), Disputed)


@given(ballot_boxes, instants)
def test_without_any_dispute_no_night_is_disputed(box, now) -> None:
    friendly = [replace(ballot, verdict=Verdict.CONFIRM) for ballot in box]

    assert not isinstance(stand(*friendly, now=now), Disputed)


@given(ballot_boxes, instants)
def test_votes_about_another_list_confirm_nothing(box, now) -> None:
    about_another = [replace(ballot, digest=OTHER_LIST) for ballot in box]

    assert not isinstance(stand(*about_another, now=now), Confirmed)


@given(ballot_boxes)
def test_late_is_what_was_complete_only_after_the_deadline(box) -> None:
    friendly = [replace(ballot, verdict=Verdict.CONFIRM) for ballot in box]
    state = stand(*friendly, now=DEADLINE + timedelta(hours=9))
    in_time = stand(*[ballot for ballot in friendly if ballot.at < DEADLINE], now=DEADLINE)

    assert isinstance(in_time, Confirmed) == (isinstance(state, Confirmed) and not state.late)


def test_two_people_confirm_the_whole_night() -> None:
    state = stand(said("an"), said("bo", minute=5))

    assert state == Confirmed(night=NIGHT, by=("an", "bo"), at=MORNING + timedelta(minutes=5), late=False)


def test_one_of_two_is_not_enough_and_is_told() -> None:
    assert stand(said("an")) == Unverified(
        night=NIGHT, deadline_at=DEADLINE, have=("an",), missing=("p1", "p2")
    )


def test_patients_may_be_confirmed_one_by_one_by_different_people() -> None:
    parts = (said("an", scope=("p1",)), said("bo", scope=("p1",)), said("bo", scope=("p2",), minute=1))

    assert stand(*parts) == Unverified(night=NIGHT, deadline_at=DEADLINE, have=("an", "bo"), missing=("p2",))
    assert stand(*parts, said("cy", scope=("p2",), minute=9)) == Confirmed(
        night=NIGHT, by=("an", "bo", "cy"), at=MORNING + timedelta(minutes=9), late=False
    )


def test_patients_votes_do_not_answer_for_the_night_itself() -> None:
    facts = replace(FACTS, items=(THE_NIGHT, "p1"))
    each = (said("an", scope=("p1",)), said("bo", scope=("p1",)))

    assert isinstance(stand(*each, facts=facts), Unverified)
    assert isinstance(stand(said("an"), said("bo"), facts=facts), Confirmed)


def test_a_ballot_at_the_deadline_is_late_and_counts() -> None:
    minutes = int((DEADLINE - MORNING) / timedelta(minutes=1))
    state = stand(said("an"), said("bo", minute=minutes), now=DEADLINE)

    assert state == Confirmed(night=NIGHT, by=("an", "bo"), at=DEADLINE, late=True)


def test_the_deadline_itself_is_overdue() -> None:
    just_before = DEADLINE - timedelta(microseconds=1)

    assert isinstance(stand(said("an"), now=just_before), Unverified)
    assert stand(said("an"), now=DEADLINE) == Overdue(
        night=NIGHT, since=DEADLINE, have=("an",), missing=("p1", "p2")
    )


def test_a_quiet_night_needs_no_vote_even_long_after_the_deadline() -> None:
    facts = replace(FACTS, items=())

    assert stand(facts=facts, now=DEADLINE + timedelta(days=30)) == Quiet(night=NIGHT)


def test_a_night_without_a_report_is_overdue_and_never_quiet() -> None:
    facts = NightFacts(night=NIGHT)

    assert isinstance(stand(facts=facts), Unverified)
    assert stand(facts=facts, now=DEADLINE) == Overdue(night=NIGHT, since=DEADLINE, reported=False)


def test_a_dispute_is_withdrawn_by_the_same_person_and_a_second_one() -> None:
    dispute = (said("an"), said("bo", "dispute", minute=5, scope=("p1",)))
    withdrawn = (*dispute, said("bo", minute=10))
    backed = (*withdrawn, said("cy", minute=15, scope=("p1",)))
    since = MORNING + timedelta(minutes=5)

    assert stand(*dispute) == Disputed(night=NIGHT, by=("bo",), since=since, items=("p1",))
    assert stand(*withdrawn) == Disputed(
        night=NIGHT, by=("bo",), since=since, items=("p1",), withdrawn_by=("bo",)
    )
    assert stand(*backed) == Confirmed(
        night=NIGHT, by=("an", "bo", "cy"), at=MORNING + timedelta(minutes=15), late=False
    )


def test_others_cannot_vote_a_dispute_away() -> None:
    others = [said(person, minute=30) for person in ("an", "cy", "di", "ed")]

    assert isinstance(stand(said("bo", "dispute"), *others), Disputed)


def test_who_confirmed_before_the_dispute_does_not_back_its_withdrawal() -> None:
    state = stand(said("an"), said("cy"), said("bo", "dispute", minute=5), said("bo", minute=10))

    assert isinstance(state, Disputed)


def test_a_dispute_outlives_another_try_of_the_night() -> None:
    again = replace(FACTS, digest=OTHER_LIST, items=("p2",))
    box = (said("bo", "dispute", scope=("p1",)), said("an"), said("cy"))

    assert isinstance(stand(*box, facts=again), Disputed)


def test_another_try_with_another_list_voids_confirmations() -> None:
    box = (said("an"), said("bo"))

    assert isinstance(stand(*box), Confirmed)
    assert stand(*box, facts=replace(FACTS, digest=OTHER_LIST)) == Unverified(
        night=NIGHT, deadline_at=DEADLINE, missing=("p1", "p2")
    )


def test_somebody_may_dispute_a_quiet_night_and_a_patient_off_the_list() -> None:
    quiet = replace(FACTS, items=())

    assert isinstance(stand(said("an", "dispute"), facts=quiet), Disputed)
    assert isinstance(stand(said("an", "dispute", scope=("p9",)), said("bo"), said("cy")), Disputed)


def test_of_two_words_at_one_instant_the_dispute_counts() -> None:
    box = (said("an", "dispute"), said("an"), said("bo"), said("cy"))

    assert isinstance(stand(*box), Disputed)


def test_ballots_of_other_nights_do_not_count() -> None:
    other = [replace(said(person), night=NIGHT - timedelta(days=1)) for person in ("an", "bo")]

    assert isinstance(stand(*other), Unverified)


@pytest.mark.parametrize(
    ("night", "expected"),
    [
        (date(2026, 3, 28), datetime(2026, 3, 28, 9, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 8, tzinfo=UTC)),
        (date(2026, 10, 24), datetime(2026, 10, 24, 8, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 9, tzinfo=UTC)),
        (date(2028, 2, 29), datetime(2028, 2, 29, 9, tzinfo=UTC)),
    ],
)
def test_ten_is_ten_on_the_wall_also_on_the_mornings_the_clocks_change(night, expected) -> None:
    assert RULE.deadline_at(night) == expected


def test_a_deadline_in_the_skipped_hour_is_the_first_instant_after_it() -> None:
    rule = QuorumRule(zone=BRUSSELS, deadline=time(2, 30), night_starts_at=time(1))

    assert rule.deadline_at(date(2026, 3, 29)) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_night_that_starts_in_the_evening_is_due_the_next_morning() -> None:
    rule = QuorumRule(zone=BRUSSELS, night_starts_at=time(22))

    assert rule.deadline_at(NIGHT) == DEADLINE + timedelta(days=1)


def test_three_people_where_the_site_asks_for_three() -> None:
    facts = replace(FACTS, people_needed=3)
    two = (said("an"), said("bo"))

    assert isinstance(stand(*two, facts=facts), Unverified)
    assert isinstance(stand(*two, said("cy"), facts=facts), Confirmed)
