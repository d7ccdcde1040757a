"""Which copy to take: as good as all the nights before it, patient by patient."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.protect.quorum import THE_NIGHT, Ballot, NightFacts, Verdict, VotePath
from beamkeeper.protect.quorum.copies import Choice, Copies, Said

FIRST = date(2026, 3, 1)
NIGHTS = [FIRST + timedelta(days=day) for day in range(6)]
AT = datetime(2026, 3, 1, 7, tzinfo=UTC)


def said(
    day: int, *items: str, confirm: str = "", dispute: str = "", scope: tuple[str, ...] | None = None
) -> Said:
    """Return a night with a list, and who (one letter each) said what of it."""
    facts = NightFacts(
        night=NIGHTS[day], digest=f"{day}" * 64, items=items, reported_at=AT + timedelta(days=day)
    )
    ballots = [
        Ballot(
            night=facts.night,
            person=person,
            verdict=verdict,
            scope=scope,
            path=VotePath.PAGE,
            at=AT + timedelta(days=day, minutes=minute),
            digest=facts.digest,
        )
        for verdict, people in ((Verdict.CONFIRM, confirm), (Verdict.DISPUTE, dispute))
        for minute, person in enumerate(people)
    ]
    return Said(facts, tuple(ballots))


def chosen(nights: list[Said], patient: str = "p", published: int | None = None) -> Choice:
    return Copies(NIGHTS[: len(nights) if published is None else published], nights).choose(patient)


def test_the_newest_confirmed_or_quiet_night_is_taken() -> None:
    assert chosen([said(0), said(1, "p", confirm="ab"), said(2)]) == Choice(night=NIGHTS[2], passed_over=())


def test_an_unconfirmed_night_is_passed_over_and_so_is_a_quiet_one_after_it() -> None:
    nights = [said(0), said(1, "p", confirm="a"), said(2)]

    assert chosen(nights) == Choice(night=NIGHTS[0], passed_over=(NIGHTS[1], NIGHTS[2]))


def test_one_patients_open_night_does_not_turn_the_others_back() -> None:
    nights = [said(0), said(1, "p", dispute="a", scope=("p",)), said(2)]

    assert chosen(nights, "p").night == NIGHTS[0]
    assert chosen(nights, "q").night == NIGHTS[2]


def test_what_the_night_itself_answers_for_turns_everybody_back() -> None:
    nights = [said(0), said(1, THE_NIGHT)]

    assert chosen(nights, "q").night == NIGHTS[0]


def test_a_late_confirmation_of_the_open_night_opens_the_later_ones() -> None:
    nights = [said(0), said(1, "p", confirm="ab"), said(2)]

    assert chosen(nights).night == NIGHTS[2]


def test_a_dispute_is_settled_when_its_person_confirms_the_patient_in_a_later_night() -> None:
    nights = [said(0), said(1, "p", dispute="a", scope=("p",)), said(2)]

    assert chosen([*nights, said(3, "p", confirm="bc")]).night == NIGHTS[0]
    assert chosen([*nights, said(3, "q", confirm="ab")]).night == NIGHTS[0]
    assert chosen([*nights, said(3, "p", confirm="ab")]).night == NIGHTS[3]


def test_a_night_disputed_as_a_whole_is_settled_when_all_its_patients_are() -> None:
    nights = [said(0), said(1, "p", "q", dispute="a"), said(2, "p", confirm="ab")]

    assert chosen(nights, "p").night == NIGHTS[0]
    assert chosen([*nights, said(3, "q", confirm="ab")], "p").night == NIGHTS[3]
    assert chosen([said(0), said(1, dispute="a"), said(2, "p", confirm="ab")], "p").night == NIGHTS[0]


def test_what_was_never_confirmed_is_not_settled_by_a_later_night() -> None:
    nights = [said(0), said(1, "p", confirm="a"), said(2, "p", confirm="ab")]

    assert chosen(nights).night == NIGHTS[0]


def test_nights_before_anybody_was_asked_are_taken_as_they_are() -> None:
    late = [said(3, "p"), said(4)]

    assert chosen(late, published=5) == Choice(night=NIGHTS[2], passed_over=(NIGHTS[3], NIGHTS[4]))
    assert not Copies(NIGHTS, []).asked
    assert Copies(NIGHTS, []).choose("p") == Choice(night=NIGHTS[-1], passed_over=())


def test_a_published_night_whose_report_is_not_there_yet_is_not_taken() -> None:
    assert chosen([said(0), said(1)], published=3).night == NIGHTS[1]
    assert Copies(NIGHTS[:3], [said(0), said(2)]).choose("p").night == NIGHTS[2]


def test_without_any_good_night_there_is_no_choice() -> None:
    assert chosen([said(0, THE_NIGHT)]) == Choice(night=None, passed_over=(NIGHTS[0],))


def test_open_nights_are_named_with_what_they_wait_for() -> None:
    copies = Copies(NIGHTS[:3], [said(0), said(1, "p", "q", confirm="ab", scope=("q",)), said(2)])

    assert copies.open_nights() == {NIGHTS[1]: ("p",)}


nights_said = st.lists(
    st.tuples(
        st.sampled_from([(), ("p",), ("p", "q"), (THE_NIGHT,)]),
        st.sampled_from(["", "a", "ab", "abc"]),
        st.sampled_from(["", "", "a"]),
    ),
    max_size=6,
)


@given(nights_said)
def test_more_confirmations_never_lead_to_an_older_copy(found) -> None:
    nights = [said(day, *items, confirm=yes, dispute=no) for day, (items, yes, no) in enumerate(found)]
    more = [
        replace(one, ballots=(*one.ballots, *said(day, *one.facts.items, confirm="xy").ballots))
        for day, one in enumerate(nights)
    ]
    before, after = chosen(nights).night, chosen(more).night

    assert before is None or (after is not None and after >= before)
