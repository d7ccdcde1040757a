"""The gap of a course, as the order of an incident counts it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.app.jobs.triage import facts_of, gap_days
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.position import CoursePosition, FractionState, PlanPosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.lists import Person
from beamkeeper.respond.incident import Inventory

BRUSSELS = ZoneInfo("Europe/Brussels")
MONDAY = date(2026, 11, 16)
DECLARED_AT = datetime(2026, 11, 18, 9, tzinfo=UTC)


def plan(*days: date, uid: str = "1.2", planned: int = 25) -> PlanPosition:
    given = [datetime(day.year, day.month, day.day, 9, tzinfo=UTC) for day in days]
    return PlanPosition(
        plan_uid=uid,
        rt_plan_label="BREAST",
        fractions_planned=planned,
        fractions_complete=len(given),
        fractions_partial=0,
        next_fraction_number=len(given) + 1 if len(given) < planned else None,
        next_is_continuation=False,
        dose_so_far_gy=None,
        first_treated_at=min(given),
        last_treated_at=max(given),
        fractions=tuple(
            FractionState(fraction_number=number, complete=True, last_treated_at=at)
            for number, at in enumerate(given, start=1)
        ),
    )


def gap(*plans: PlanPosition, today: date) -> int | None:
    return gap_days(CoursePosition(patient_id="1", plans=plans), today, BRUSSELS)


def test_a_course_of_an_earlier_year_is_no_gap_of_this_one() -> None:
    earlier = plan(date(2024, 3, 4), date(2024, 3, 5), uid="1.1", planned=2)
    present = plan(MONDAY, MONDAY + timedelta(days=1))

    assert gap(earlier, present, today=MONDAY + timedelta(days=4)) == 2


def test_a_boost_after_a_week_of_pause_belongs_to_the_course() -> None:
    first = plan(MONDAY - timedelta(days=7), uid="1.1", planned=1)

    assert gap(first, plan(MONDAY), today=MONDAY + timedelta(days=1)) == 4


@pytest.mark.parametrize(
    ("birth_on", "is_child"),
    [(date(2008, 11, 18), False), (date(2008, 11, 19), True), (date(2009, 1, 1), True), (None, None)],
)
def test_a_child_is_under_eighteen_on_the_day_of_the_order(
    birth_on: date | None, *, is_child: bool | None
) -> None:
    listed = inventory(Patient(patient_id="1", name="Jansen^A", birth_on=birth_on))
    (found,) = facts_of(listed, DECLARED_AT)

    assert found.paediatric is is_child


def test_the_gap_grows_while_the_incident_lasts() -> None:
    listed = inventory(Patient(patient_id="1", name="Jansen^A"))
    (first,), (later,) = (facts_of(listed, DECLARED_AT + timedelta(days=days)) for days in (0, 6))

    assert (first.gap_days, first.days_since_last) == (1, 2)
    assert (later.gap_days, later.days_since_last) == (5, 8)


def inventory(patient: Patient) -> Inventory:
    person = Person(
        pseudonym="ab" * 16,
        entry=CensusEntry(patient=patient, claims=(), appointments=()),
        night=MONDAY,
        position=CoursePosition(patient_id="1", plans=(plan(MONDAY),)),
        readiness=(Readiness(plan_uid="1.2", rt_plan_label="BREAST"),),
    )
    return Inventory(
        site_name="AZ",
        time_zone="Europe/Brussels",
        night=MONDAY,
        trust="",
        made_at=DECLARED_AT,
        attacked_at=DECLARED_AT,
        persons=(person,),
    )
