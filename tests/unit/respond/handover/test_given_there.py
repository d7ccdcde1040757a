"""What another house gave counts once, under our numbers, and where that is not plain two people say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from course_builders import (
    CONTINUATION,
    MACHINE,
    MONDAY,
    beam,
    delivery,
    fraction,
    kinds,
    plan,
    position,
    record,
    stands,
)
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.position import ConflictKind
from beamkeeper.respond.handover.given_there import GivenThere, OnPaper, Sorted, sort_given

if TYPE_CHECKING:
    from beamkeeper.domain.plan import Plan
    from beamkeeper.domain.record import TreatmentRecord

HOUSE, NEW = "AZ Noord", "7.7"
HOME = (fraction(1), fraction(2))
"""What was given at home."""


def there(day: int, number: int, uid: str = "", *, plan_uid: str = "1.1", mu: float = 100.0) -> GivenThere:
    """Return a whole session at the other house on the n-th day, by its own number."""
    both = tuple(delivery(one, number, mu, specified_meterset=mu) for one in (1, 2))
    made = record(uid or f"there.{day}.{number}", *both, at=MONDAY + timedelta(days=day - 1))
    return GivenThere(house=HOUSE, record=made, plan_uid=plan_uid)


def sort(
    *back: GivenThere,
    home: tuple[TreatmentRecord, ...] = HOME,
    answered: dict[str, int | None] | None = None,
    made_there: tuple[Plan, ...] = (),
    on_paper: tuple[OnPaper, ...] = (),
    ours: Plan | None = None,
) -> Sorted:
    return sort_given(
        back,
        home,
        (ours or plan(),),
        patient_id="P1",
        their_plans=made_there,
        on_paper=on_paper,
        answered=answered or {},
    )


def proposed(found: Sorted) -> list[int | None]:
    return [one.proposed for one in found.questions]


def test_sessions_that_go_on_with_our_numbers_count_by_themselves() -> None:
    found = sort(there(3, 3), there(4, 4))

    assert found.questions == ()
    assert stands(*HOME, *found.counted).fractions_complete == 4


def test_a_house_that_numbers_from_one_again_is_asked_about_and_nothing_is_given_twice() -> None:
    found = sort(there(3, 1), there(4, 2), there(5, 3))
    at = stands(*HOME, *found.counted)

    assert proposed(found) == [3, 4, 5]
    assert "seems to number its fractions anew" in found.questions[0].reasons[0]
    assert (at.fractions_complete, kinds(at)) == (2, set())
    assert sorted(found.apart) == ["there.3.1", "there.4.2", "there.5.3"]


def test_what_two_people_said_counts_under_our_number_and_the_next_is_proposed_after_it() -> None:
    first = sort(there(3, 1), there(4, 2))
    said: dict[str, int | None] = {one.key: one.proposed for one in first.questions}
    found = sort(there(3, 1), there(4, 2), there(5, 3), answered=said)
    at = stands(*HOME, *found.counted)

    assert (at.fractions_complete, kinds(at)) == (4, set())
    assert proposed(found) == [5]
    assert [one.key for one in found.answered] == list(said)


def test_one_record_more_of_a_session_is_another_question() -> None:
    before = sort(there(3, 1))
    (asked,) = before.questions
    found = sort(there(3, 1), there(3, 1, "more"), answered={asked.key: 3})

    assert len(found.questions) == 1
    assert found.questions[0].key != asked.key


def test_a_session_that_people_say_not_to_count_does_not_and_is_not_asked_again() -> None:
    (asked,) = sort(there(3, 1)).questions
    found = sort(there(3, 1), answered={asked.key: None})

    assert (found.counted, found.questions, found.apart) == ((), (), ("there.3.1",))


def test_our_own_records_that_come_back_are_ours_by_uid_or_by_the_hour() -> None:
    own = GivenThere(house=HOUSE, record=HOME[0], plan_uid="1.1")
    exported_anew = there(2, 2, "anew")
    found = sort(own, exported_anew, there(3, 3))

    assert found.questions == ()
    assert stands(*HOME, *found.counted).fractions_complete == 3


def test_our_own_session_told_again_under_another_number_gets_no_number_by_itself() -> None:
    (asked,) = sort(there(2, 1, "our second as their first")).questions

    assert asked.proposed is None
    assert any("fraction 2 was given before in the same minutes" in said for said in asked.reasons)


def test_the_rest_of_a_fraction_that_was_begun_at_home_is_no_new_count() -> None:
    begun = record("b", delivery(1, 2, 40.0, termination_status=MACHINE), at=MONDAY + timedelta(days=1))
    rest = record(
        "rest",
        delivery(1, 2, 60.0, delivery_type=CONTINUATION),
        delivery(2, 2),
        at=MONDAY + timedelta(days=2),
    )
    back = GivenThere(house=HOUSE, record=rest, plan_uid="1.1")
    found = sort(back, home=(fraction(1), begun))

    assert found.questions == ()
    assert stands(fraction(1), begun, *found.counted).fractions_complete == 2


def test_after_a_begun_fraction_a_session_numbered_anew_gets_no_number_by_itself() -> None:
    begun = record("b", delivery(1, 2, 40.0, termination_status=MACHINE), at=MONDAY + timedelta(days=1))
    found = sort(there(3, 1), home=(fraction(1), begun))

    assert proposed(found) == [None]
    assert any("fraction 2 was begun before" in said for said in found.questions[0].reasons)


def test_a_recalculated_plan_is_a_proposal_and_counts_whole_fractions_once_two_people_said_so() -> None:
    theirs = plan(NEW, beams=(beam(1, 93.0), beam(2, 93.0)))
    back = there(3, 1, plan_uid=NEW, mu=93.0)
    asked = sort(back, made_there=(theirs,))
    (question,) = asked.questions
    found = sort(back, made_there=(theirs,), answered={question.key: question.proposed})
    at = stands(*HOME, *found.counted)

    assert (question.proposed, question.is_enterable) == (3, True)
    assert "recalculated" in " ".join(question.reasons)
    assert stands(*HOME, *asked.counted).fractions_complete == 2
    assert (at.fractions_complete, at.fractions_partial, kinds(at)) == (3, 0, set())


def test_a_recalculated_session_that_was_not_whole_is_never_entered_as_one() -> None:
    three = plan(NEW, beams=(beam(1, 93.0), beam(2, 93.0), beam(3, 93.0)))
    without = sort(there(3, 1, plan_uid=NEW, mu=93.0), made_there=(three,)).questions[0]
    nobody_knows = sort(there(3, 1, plan_uid=NEW, mu=93.0)).questions[0]

    assert (without.proposed, without.is_enterable) == (None, False)
    assert any("did not come along" in said for said in nobody_knows.reasons)


def test_a_retargeted_plan_with_our_metersets_counts_by_itself() -> None:
    found = sort(there(3, 3, plan_uid=NEW))

    assert found.questions == ()
    assert stands(*HOME, *found.counted).fractions_complete == 3


def test_a_fraction_typed_in_from_paper_is_proposed_for_the_session_of_its_hours() -> None:
    line = OnPaper(number=9, plan_uid="1.1", fraction_number=3, given_at=MONDAY + timedelta(days=2, hours=1))
    found = sort(there(3, 1), there(4, 2), on_paper=(line,))

    assert proposed(found) == [3, 4]
    assert "line 9" in " ".join(found.questions[0].reasons)


def test_more_than_the_plan_has_gets_no_number() -> None:
    short = plan()
    short = replace(
        short, fraction_groups=(replace(short.fraction_groups[0], number_of_fractions_planned=2),)
    )

    assert proposed(sort(there(3, 1), ours=short)) == [None]


def test_records_of_plans_that_are_not_here_are_left_to_the_count() -> None:
    stray = replace(there(3, 1).record, referenced_plan_uid="9.9")
    found = sort(GivenThere(house=HOUSE, record=stray, plan_uid="9.9"))

    assert found.counted == (stray,)
    assert ConflictKind.PLAN_UNKNOWN in kinds(position(*HOME, *found.counted))


@given(st.integers(0, 6), st.integers(1, 6), st.booleans())
def test_however_a_house_numbers_every_session_counts_once_or_is_asked_about(
    given_here: int, given_there: int, anew: bool
) -> None:
    home = tuple(fraction(number) for number in range(1, given_here + 1))
    back = [there(given_here + one, one if anew else given_here + one) for one in range(1, given_there + 1)]
    found = sort(*back, home=home)
    at = stands(*home, *found.counted)

    assert ConflictKind.OVER_DELIVERY not in kinds(at)
    assert at.fractions_complete + len(found.questions) == given_here + given_there


def test_fractions_that_a_replaced_plan_gave_are_not_given_again_under_their_numbers() -> None:
    back = (there(3, 1), there(4, 2))
    found = sort_given(back, (), (plan(),), patient_id="P1", carried={"1.1": 2}, answered={})
    goes_on = sort_given((there(3, 3),), (), (plan(),), patient_id="P1", carried={"1.1": 2}, answered={})

    assert (found.counted, proposed(found)) == ((), [3, 4])
    assert "the plan that this one replaces" in found.questions[0].reasons[0]
    assert goes_on.questions == ()
