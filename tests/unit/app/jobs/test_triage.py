"""Facts for the order out of the inventory: what is counted, and that not knowing stays not knowing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.app.jobs.triage import gap_days
from beamkeeper.domain.position import CoursePosition, FractionState, PlanPosition
from beamkeeper.respond.gap import Calendar

BRUSSELS = ZoneInfo("Europe/Brussels")


def position(*days: int) -> CoursePosition:
    """Return a course in November 2026 with a fraction on each of these days; the 2nd is a Monday."""
    at = PlanPosition(
        plan_uid="1",
        rt_plan_label="A",
        fractions_planned=25,
        fractions_complete=len(days),
        fractions_partial=0,
        next_fraction_number=len(days) + 1,
        next_is_continuation=False,
        dose_so_far_gy=None,
        first_treated_at=None,
        last_treated_at=None,
        fractions=tuple(
            FractionState(
                fraction_number=number, complete=True, last_treated_at=datetime(2026, 11, day, 9, tzinfo=UTC)
            )
            for number, day in enumerate(days, start=1)
        ),
    )
    return CoursePosition(patient_id="1", plans=(at,))


@pytest.mark.parametrize(
    ("days", "today", "gap"),
    [
        ((2, 3, 4, 5, 6), 9, 0),
        ((2, 3, 4, 5, 6), 10, 1),
        ((2, 3, 5, 6), 7, 1),
        ((2, 3, 5, 6, 7), 8, 0),
        ((2, 2, 3), 4, 0),
        ((2,), 2, 0),
        ((6,), 9, 0),
        ((2, 3, 5), 5, 1),
    ],
)
def test_a_gap_is_the_weekdays_without_a_fraction_until_yesterday(
    days: tuple[int, ...], today: int, gap: int
) -> None:
    assert gap_days(position(*days), date(2026, 11, today), BRUSSELS, Calendar()) == gap


def test_a_course_that_cannot_be_counted_has_no_known_gap() -> None:
    assert gap_days(None, date(2026, 11, 2), BRUSSELS, Calendar()) is None
    assert gap_days(position(), date(2026, 11, 2), BRUSSELS, Calendar()) is None
