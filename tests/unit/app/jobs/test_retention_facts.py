"""How many fractions are left over all plans: a small rule beside the big one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from beamkeeper.app.jobs.retention_facts import fractions_left
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition, PlanPosition

TREATED_AT = datetime(2026, 3, 1, tzinfo=UTC)
SUPERSEDED = Conflict(kind=ConflictKind.SUPERSEDED, text="")


def plan(planned: int | None, complete: int, *conflicts: Conflict) -> PlanPosition:
    return PlanPosition(
        plan_uid=f"1.{planned}.{complete}",
        rt_plan_label="",
        fractions_planned=planned,
        fractions_complete=complete,
        fractions_partial=0,
        next_fraction_number=None,
        next_is_continuation=False,
        dose_so_far_gy=None,
        first_treated_at=TREATED_AT if complete else None,
        last_treated_at=TREATED_AT if complete else None,
        conflicts=conflicts,
    )


def left(*plans: PlanPosition, unassigned: tuple[str, ...] = ()) -> int | None:
    return fractions_left(CoursePosition(patient_id="1", plans=plans, unassigned_record_uids=unassigned))


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ((plan(25, 25),), 0),
        ((plan(25, 24),), 1),
        ((plan(25, 25), plan(8, 5)), 3),
        ((plan(25, 26),), 0),
        ((plan(25, 0),), 0),  # nothing of it was given: the rule asks for nobody's release
        ((plan(None, 3),), None),
        ((plan(25, 25), plan(None, 0)), 0),
    ],
)
def test_what_is_left_of_treated_plans_counts(plans: tuple[PlanPosition, ...], expected: int | None) -> None:
    assert left(*plans) == expected


def test_a_replanned_course_is_judged_by_what_followed_treated_or_not() -> None:
    first = plan(25, 10, SUPERSEDED)
    assert left(first, plan(15, 15)) == 0
    assert left(first, plan(15, 9)) == 6
    assert left(first, plan(15, 0)) == 15


def test_a_record_that_fits_no_plan_leaves_it_open() -> None:
    assert left(plan(25, 25), unassigned=("1.2",)) is None
    assert fractions_left(None) is None
