"""The gap of a course, as the order of an incident counts it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.room_house.incident import LATER, NIGHT, make_incident
from tests.room_house.incident import patient as invented
from tests.unit.protect.lists.people_on_lists import person

from beamkeeper.app.jobs.treatment_days import days_said, say_days
from beamkeeper.app.jobs.triage import facts_of, gap_days, order_of
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.position import CoursePosition, FractionState, PlanPosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.lists import Person
from beamkeeper.respond.gap.calendar_days import Calendar, days_from
from beamkeeper.respond.incident import Inventory

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.respond.triage import Facts

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


def gap(*plans: PlanPosition, today: date, days: Calendar | None = None) -> int | None:
    return gap_days(CoursePosition(patient_id="1", plans=plans), today, BRUSSELS, days or Calendar())


def test_a_public_holiday_is_no_gap_and_a_day_without_machine_is() -> None:
    tuesday, wednesday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    friday = MONDAY + timedelta(days=4)

    assert gap(plan(MONDAY), today=friday) == 3
    assert gap(plan(MONDAY), today=friday, days=Calendar(holidays=frozenset({tuesday, wednesday}))) == 1
    assert gap(plan(MONDAY), today=friday, days=Calendar(service=frozenset({tuesday}))) == 3


def test_a_fraction_on_a_holiday_makes_good_and_a_sunday_department_plans_sundays() -> None:
    tuesday, sunday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=6)
    on_holiday = Calendar(holidays=frozenset({tuesday}))

    assert gap(plan(MONDAY, tuesday), today=MONDAY + timedelta(days=4), days=on_holiday) == 1
    week = Calendar(treatment_weekdays=frozenset(range(7)))
    assert gap(plan(MONDAY), today=sunday, days=week) == 5
    assert gap(plan(MONDAY), today=sunday) == 4


@given(
    days=st.sets(st.integers(0, 30), min_size=1, max_size=20),
    closed=st.sets(st.integers(0, 40), max_size=10),
    until=st.integers(0, 40),
)
def test_the_gap_is_what_the_gap_sheet_counts_as_missed(days: set[int], closed: set[int], until: int) -> None:
    given_on = sorted(MONDAY + timedelta(days=number) for number in days)
    calendar = Calendar(holidays=frozenset(MONDAY + timedelta(days=number) for number in closed))
    today = MONDAY + timedelta(days=31 + until)
    planned = [on for on in days_from(given_on[0]) if on < today and calendar.is_planned(on)]

    assert gap(plan(*given_on), today=today, days=calendar) == max(0, len(planned) - len(given_on))


def test_the_last_word_about_days_counts_and_the_order_says_whether_anybody_said(tmp_path: Path) -> None:
    folder = make_incident(tmp_path / "incident", (invented(1),), people=False)
    inventory = folder.inventory()
    assert days_said(folder.journal.rows()) is None
    (before,) = order_of(folder, inventory, LATER)[1]
    for number in (1, 2):
        said = Calendar(holidays=frozenset({NIGHT - timedelta(days=number)}))
        say_days(folder, said, by="A", at=LATER)
    assert days_said(folder.journal.rows()) == said
    (after,) = order_of(folder, inventory, LATER)[1]

    assert "public holidays not known" in before.facts.holidays
    assert "public holidays left out" in after.facts.holidays
    assert (before.facts.gap_days or 0) - (after.facts.gap_days or 0) in {0, 1}


def test_a_course_of_an_earlier_year_is_no_gap_of_this_one() -> None:
    earlier = plan(date(2024, 3, 4), date(2024, 3, 5), uid="1.1", planned=2)
    present = plan(MONDAY, MONDAY + timedelta(days=1))

    assert gap(earlier, present, today=MONDAY + timedelta(days=4)) == 2


def test_a_boost_after_a_week_of_pause_belongs_to_the_course() -> None:
    first = plan(MONDAY - timedelta(days=7), uid="1.1", planned=1)

    assert gap(first, plan(MONDAY), today=MONDAY + timedelta(days=1)) == 4


@pytest.mark.parametrize(("days", "missed"), [(42, 29), (43, 0)])
def test_a_pause_of_six_weeks_is_the_longest_inside_a_course(days: int, missed: int) -> None:
    before = plan(MONDAY - timedelta(days=days), uid="1.1", planned=1)

    assert gap(before, plan(MONDAY), today=MONDAY + timedelta(days=1)) == missed


def test_the_facts_of_the_order_are_those_of_the_row() -> None:
    (found,) = facts_of(inventory(Patient(patient_id="1", name="Jansen^A")), DECLARED_AT)

    assert (found.begun, found.in_doubt, found.fractions_left) == (True, False, 24)
    assert (found.rcr_category, found.intent, found.site_code) == (None, None, None)


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


def facts_by_number(tmp_path: Path, **changed: Any) -> Facts:
    listed = make_incident(tmp_path / "incident", (person(1, **changed),)).inventory()
    (found,) = facts_of(listed, LATER)
    return found


@pytest.mark.parametrize(
    ("diagnosis", "category", "intent"),
    [("C32.0 larynx", 1, "radical"), ("C61 prostate", 2, "radical")],
)
def test_the_intent_is_the_one_that_the_category_speaks_of(
    tmp_path: Path, diagnosis: str, category: int, intent: str
) -> None:
    found = facts_by_number(tmp_path, diagnosis=diagnosis)

    assert (found.rcr_category, found.intent) == (category, intent)


@pytest.mark.parametrize(
    ("code", "read"), [("1", 1), ("5", 5), ("0", None), ("6", None), ("A", None), ("", None)]
)
def test_a_site_code_outside_one_to_five_is_none(tmp_path: Path, code: str, read: int | None) -> None:
    assert facts_by_number(tmp_path, code=code).site_code == read


@pytest.mark.parametrize(("hours", "in_doubt"), [(1, True), (6, False)])
def test_who_was_booked_between_the_copy_and_the_attack_is_in_doubt(
    tmp_path: Path, hours: int, *, in_doubt: bool
) -> None:
    found = facts_by_number(tmp_path, appointment_in=timedelta(hours=hours))

    assert found.in_doubt is in_doubt
