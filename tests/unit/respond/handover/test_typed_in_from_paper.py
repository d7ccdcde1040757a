"""A fraction typed in from paper is in the sender's count; no machine made a record that could come along."""

from __future__ import annotations

from beamkeeper.domain.plan import Plan
from beamkeeper.domain.position import CoursePosition, FractionState, PlanPosition
from beamkeeper.respond.handover.import_finding import Grade
from beamkeeper.respond.handover.import_plan import position_findings

PLAN = Plan(sop_instance_uid="1.2.3", patient_id="1", rt_plan_label="P")


def position(*fractions: tuple[str, bool], claimed: int = 0) -> CoursePosition:
    """Return a count: for each fraction the UID of its record, and whether it is complete."""
    states = tuple(
        FractionState(fraction_number=number, complete=complete, record_uids=(uid,))
        for number, (uid, complete) in enumerate(fractions, start=1)
        if uid
    )
    complete = sum(one.complete for one in states)
    at = PlanPosition(
        plan_uid="1.2.3",
        rt_plan_label="P",
        fractions_planned=5,
        fractions_complete=complete + claimed,
        fractions_partial=len(states) - complete,
        next_fraction_number=complete + 1,
        next_is_continuation=False,
        dose_so_far_gy=None,
        first_treated_at=None,
        last_treated_at=None,
        fractions=states,
    )
    return CoursePosition(patient_id="1", plans=(at,))


def judged(here: CoursePosition, said: CoursePosition) -> tuple[Grade, str]:
    (found,) = position_findings(PLAN, here, said, "plan P")
    return found.grade, found.expected


ONE, TWO = ("1.1", True), ("1.2", True)
NO_RECORD = ("", True)


def test_what_was_typed_in_explains_a_fraction_without_a_record_and_is_looked_at() -> None:
    grade, expected = judged(position(ONE, NO_RECORD), position(ONE, ("hand:42", True)))

    assert grade is Grade.LOOK
    assert "typed in there from paper, without a machine's record: fraction 2" in expected


def test_a_fraction_begun_on_paper_explains_itself_alone() -> None:
    assert judged(position(ONE), position(ONE, ("hand:7", False)))[0] is Grade.LOOK


def test_it_explains_no_other_fraction() -> None:
    paper = ("hand:42", True)

    assert judged(position(NO_RECORD, NO_RECORD), position(ONE, paper))[0] is Grade.STOP
    assert judged(position(("1.1", False)), position(ONE, paper))[0] is Grade.STOP
    assert judged(position(ONE, NO_RECORD, TWO), position(ONE, paper))[0] is Grade.STOP
    assert judged(position(ONE), position(ONE, paper, claimed=1))[0] is Grade.STOP


def test_a_lost_record_is_no_paper() -> None:
    assert judged(position(ONE), position(ONE, TWO))[0] is Grade.STOP
    assert judged(position(ONE, TWO), position(ONE, TWO))[0] is Grade.OK
