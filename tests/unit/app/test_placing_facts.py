"""Facts for a placement: for how many sessions, and how often a day; nothing is guessed in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from beamkeeper.app.jobs.placing_facts import candidates, fractions_left, sessions_a_day
from beamkeeper.app.jobs.triage import facts_of
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import ApprovalStatus, Plan
from beamkeeper.domain.position import Conflict, ConflictKind, CoursePosition, FractionState, PlanPosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.lists import Person
from beamkeeper.respond.incident import Inventory
from beamkeeper.respond.triage import rank, read_rules, shipped_rules

if TYPE_CHECKING:
    from beamkeeper.respond.placement import Candidate

BRUSSELS = ZoneInfo("Europe/Brussels")
MONDAY = date(2026, 11, 16)


def plan(uid: str, given: int, planned: int | None, *, begin: int = 0, a_day: int = 1) -> PlanPosition:
    days = [MONDAY + timedelta(days=begin + number // a_day) for number in range(given)]
    times = [
        datetime(day.year, day.month, day.day, 8 + 7 * (number % a_day), tzinfo=UTC)
        for number, day in enumerate(days)
    ]
    return PlanPosition(
        plan_uid=uid,
        rt_plan_label=f"PLAN{uid}",
        fractions_planned=planned,
        fractions_complete=given,
        fractions_partial=0,
        next_fraction_number=given + 1,
        next_is_continuation=False,
        dose_so_far_gy=None,
        first_treated_at=None,
        last_treated_at=None,
        fractions=tuple(
            FractionState(fraction_number=number, complete=True, last_treated_at=at)
            for number, at in enumerate(times, start=1)
        ),
    )


def person(*plans: PlanPosition) -> Person:
    return Person(
        pseudonym="p1",
        entry=CensusEntry(patient=Patient(patient_id="1", name="A^B"), claims=()),
        night=MONDAY,
        position=CoursePosition(patient_id="1", plans=plans),
    )


def left(*plans: PlanPosition) -> int | None:
    return fractions_left(person(*plans), {at.plan_uid for at in plans}, BRUSSELS)[0]


def test_plans_that_follow_one_another_add_up() -> None:
    assert left(plan("1", 10, 25), plan("2", 0, 8)) == 23


def test_plans_given_in_the_same_sessions_share_their_slots() -> None:
    assert left(plan("1", 10, 25), plan("2", 10, 20)) == 15


def test_plans_that_met_on_one_day_only_follow_one_another() -> None:
    assert left(plan("1", 10, 12), plan("2", 5, 8, begin=9)) == 5


def test_a_plan_that_may_be_replaced_is_not_counted_beside_the_other_and_that_is_said() -> None:
    doubt = Conflict(kind=ConflictKind.SUPERSEDED, text="which is valid?")
    old = replace(plan("1", 10, 25), conflicts=(doubt,))
    found, said = fractions_left(person(old, plan("2", 0, 15)), {"1", "2"}, BRUSSELS)

    assert found == 15
    assert "PLAN1 may be replaced" in said[0]


def test_what_is_not_stated_is_not_known() -> None:
    assert left(plan("1", 3, None)) is None
    assert fractions_left(person(), set(), BRUSSELS)[0] is None


def test_two_a_day_are_seen_by_most_of_the_last_days() -> None:
    twice = plan("1", 10, 30, a_day=2)
    made_good_once = replace(
        twice, fractions=(*plan("1", 5, 30, begin=-9).fractions[:4], *plan("1", 2, 30, a_day=2).fractions)
    )

    assert sessions_a_day(person(twice), {"1"}, BRUSSELS) == 2
    assert sessions_a_day(person(made_good_once), {"1"}, BRUSSELS) == 1
    assert sessions_a_day(person(plan("1", 2, 30, a_day=2)), {"1"}, BRUSSELS) == 1


def test_a_patient_without_any_plan_is_listed_with_what_is_missing() -> None:
    inventory = Inventory(
        site_name="s",
        time_zone="Europe/Brussels",
        night=MONDAY,
        trust="",
        made_at=datetime(2026, 11, 17, tzinfo=UTC),
        attacked_at=datetime(2026, 11, 17, tzinfo=UTC),
        persons=(person(),),
    )
    (one,) = candidates(inventory, (), {}, today=MONDAY, first_on=MONDAY)

    assert "No plan is kept that could be treated" in one.not_placed
    assert one.would_help == "settle that, then draft again"


def test_whose_first_session_may_have_been_given_is_in_the_order_and_gets_a_place() -> None:
    asked = "POSSIBLY DELIVERED: booked today. Ask."
    doubt = Conflict(kind=ConflictKind.POSSIBLY_DELIVERED, text=asked)
    at = replace(plan("1", 0, 5), conflicts=(doubt,))
    kept = Plan(
        sop_instance_uid="1", patient_id="1", rt_plan_label="P", approval_status=ApprovalStatus.APPROVED
    )

    def everybody(*missing: str) -> Candidate:
        ready = (Readiness(plan_uid="1", rt_plan_label="P", blocking=missing),)
        now = datetime(2026, 11, 17, tzinfo=UTC)
        inventory = Inventory(
            site_name="s",
            time_zone="Europe/Brussels",
            night=MONDAY,
            trust="",
            made_at=now,
            attacked_at=now,
            persons=(replace(person(at), plans=(kept,), readiness=ready),),
        )
        order = rank(facts_of(inventory, now), read_rules(shipped_rules()), ())
        (one,) = candidates(inventory, order, {}, today=MONDAY, first_on=MONDAY)
        return one

    assert (everybody(asked).not_placed, everybody(asked).priority) == ("", 1)
    assert everybody("No dose refers to the plan.").priority is None
    assert "not ready to start" in everybody(asked, "No dose refers to the plan.").not_placed


def test_another_patient_of_the_same_name_is_warned_of() -> None:
    other = replace(person(plan("1", 3, 5)), pseudonym="p2", entry=person().entry)
    inventory = Inventory(
        site_name="s",
        time_zone="Europe/Brussels",
        night=MONDAY,
        trust="",
        made_at=datetime(2026, 11, 17, tzinfo=UTC),
        attacked_at=datetime(2026, 11, 17, tzinfo=UTC),
        persons=(person(), other),
    )
    everybody = candidates(inventory, (), {}, today=MONDAY, first_on=MONDAY)

    assert all("SAME NAME" in " ".join(one.warnings) for one in everybody)
    assert all("birth date not known" in one.name for one in everybody)
