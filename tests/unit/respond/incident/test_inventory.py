"""A fraction given after the copy was made is asked, never assumed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from beamkeeper.domain.census import Appointment, CensusEntry
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.position import ConflictKind, CoursePosition, FractionState, PlanPosition
from beamkeeper.domain.readiness import Readiness
from beamkeeper.protect.lists import Person, list_rows
from beamkeeper.respond.incident import Inventory, headline, with_unseen_sessions
from beamkeeper.respond.incident.inventory import is_asked, unseen_sessions

BRUSSELS = ZoneInfo("Europe/Brussels")
NIGHT = date(2026, 11, 20)
ATTACK = datetime(2026, 11, 20, 11, 0, tzinfo=BRUSSELS).astimezone(UTC)


def instant(hour: int, minute: int = 0, day: int = 20) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=BRUSSELS).astimezone(UTC)


def booked(*instants: datetime, machine: str = "TB3") -> tuple[Appointment, ...]:
    return tuple(Appointment(starts_at=item, activity="RT fraction", machine=machine) for item in instants)


def person(
    *appointments: Appointment,
    given: tuple[datetime, ...] = (),
    as_of: datetime | None = None,
    planned: int = 25,
) -> Person:
    at = PlanPosition(
        plan_uid="1.2.3",
        rt_plan_label="BREAST",
        fractions_planned=planned,
        fractions_complete=len(given),
        fractions_partial=0,
        next_fraction_number=len(given) + 1 if len(given) < planned else None,
        next_is_continuation=False,
        dose_so_far_gy=None,
        first_treated_at=None,
        last_treated_at=max(given, default=None),
        fractions=tuple(
            FractionState(fraction_number=number, complete=True, last_treated_at=treated_at)
            for number, treated_at in enumerate(given, start=1)
        ),
    )
    return Person(
        pseudonym="ab" * 16,
        entry=CensusEntry(
            patient=Patient(patient_id="1", name="Jansen^A"), claims=(), appointments=appointments
        ),
        night=NIGHT,
        position=CoursePosition(patient_id="1", plans=(at,)),
        readiness=(Readiness(plan_uid="1.2.3", rt_plan_label="BREAST"),),
        as_of=as_of,
    )


def unseen(one: Person) -> list[datetime]:
    return [item.starts_at for item in unseen_sessions(one, attacked_at=ATTACK, zone=BRUSSELS)]


YESTERDAY = (instant(9, day=18), instant(9, day=19))


def test_a_session_booked_between_copy_and_attack_is_possibly_delivered() -> None:
    one = person(*booked(instant(9)), given=YESTERDAY)
    marked = with_unseen_sessions(one, attacked_at=ATTACK, zone=BRUSSELS)
    inventory = Inventory(
        site_name="AZ",
        time_zone="Europe/Brussels",
        night=NIGHT,
        trust="",
        made_at=ATTACK,
        attacked_at=ATTACK,
        persons=(marked,),
    )
    (row,) = list_rows(inventory.persons, inventory.head)

    assert is_asked(marked)
    assert not is_asked(one)
    assert row.plans[0].next_fraction == "3?"
    assert "POSSIBLY DELIVERED: booked Fri 2026-11-20 09:00 on TB3" in " ".join(row.plans[0].conflicts)
    assert headline(inventory, (row,)).possibly_delivered == 1
    assert headline(inventory, (row,)).treatable == 0


def test_a_session_after_the_attack_or_before_the_copy_is_no_question() -> None:
    assert unseen(person(*booked(instant(12, 1), instant(15)), given=YESTERDAY)) == []
    assert unseen(person(*booked(instant(9, day=19)), given=YESTERDAY)) == []


def test_a_session_booked_soon_after_the_attack_may_have_been_given_early() -> None:
    assert unseen(person(*booked(instant(11, 30)), given=YESTERDAY)) == [instant(11, 30)]


def test_a_session_that_began_late_after_the_hours_records_is_asked() -> None:
    one = person(*booked(instant(8, 50)), given=YESTERDAY, as_of=instant(9))

    assert unseen(one) == [instant(8, 50)]


def test_two_plans_of_one_session_do_not_hide_the_second_session_of_the_day() -> None:
    one = person(*booked(instant(4), instant(10, 30)), given=(*YESTERDAY, instant(4, 5), instant(4, 15)))

    assert unseen(one) == [instant(10, 30)]


def test_two_bookings_of_one_session_are_both_seen() -> None:
    one = person(*booked(instant(9), instant(9, 20)), given=(*YESTERDAY, instant(9, 5), instant(9, 30)))

    assert unseen(one) == []


def test_of_two_a_day_the_one_nearest_to_the_record_is_the_seen_one() -> None:
    one = person(*booked(instant(4), instant(10, 30)), given=(*YESTERDAY, instant(10, 40)))

    assert unseen(one) == [instant(4)]


def broken(one: Person, began_at: datetime, ended_at: datetime | None = None) -> Person:
    """Return the patient with one fraction more: a part of it, or both parts where it `ended_at` later."""
    assert one.position is not None
    (plan,) = one.position.plans
    state = FractionState(
        fraction_number=len(plan.fractions) + 1,
        complete=ended_at is not None,
        first_treated_at=began_at,
        last_treated_at=ended_at or began_at,
    )
    plan = replace(plan, fractions=(*plan.fractions, state), fractions_partial=int(ended_at is None))
    return replace(one, position=replace(one.position, plans=(plan,)))


def test_a_fraction_broken_off_on_the_day_of_the_copy_may_have_been_finished_since() -> None:
    begun = broken(person(*booked(instant(9)), given=YESTERDAY, as_of=instant(10)), instant(9, 5))
    marked = with_unseen_sessions(begun, attacked_at=ATTACK, zone=BRUSSELS)

    assert unseen(begun) == []
    assert marked.position is not None
    assert "broken off Fri 2026-11-20 09:05" in marked.position.plans[0].conflicts[0].text


def test_a_fraction_broken_off_before_the_day_of_the_copy_has_a_booking_to_ask_from() -> None:
    begun = broken(person(*booked(instant(15)), given=YESTERDAY[:1]), instant(9, day=19))

    assert not is_asked(with_unseen_sessions(begun, attacked_at=ATTACK, zone=BRUSSELS))


def test_a_fraction_finished_in_the_afternoon_shows_the_session_it_began_with_and_no_other() -> None:
    one = person(*booked(instant(4)), given=YESTERDAY, as_of=instant(10))
    twice = person(*booked(instant(4), instant(10)), given=YESTERDAY, as_of=instant(10))

    assert unseen(broken(one, instant(4, 5), instant(9, 30))) == []
    assert unseen(broken(twice, instant(4, 5), instant(9, 30))) == [instant(10)]


def test_who_is_under_treatment_without_any_booking_is_asked_too() -> None:
    one = with_unseen_sessions(person(given=YESTERDAY), attacked_at=ATTACK, zone=BRUSSELS)
    later = with_unseen_sessions(
        person(*booked(instant(15)), given=YESTERDAY), attacked_at=ATTACK, zone=BRUSSELS
    )

    assert is_asked(one)
    assert one.position is not None
    assert "no booking to ask from" in one.position.plans[0].conflicts[0].text
    assert not is_asked(later)


def test_a_calendar_that_ends_on_the_day_of_the_copy_says_nothing_of_the_next_day() -> None:
    one = person(*booked(instant(8)), given=(*YESTERDAY, instant(8, 5)), as_of=instant(9))
    same_day = with_unseen_sessions(one, attacked_at=ATTACK, zone=BRUSSELS)
    next_day = with_unseen_sessions(one, attacked_at=ATTACK + timedelta(days=1), zone=BRUSSELS)

    assert not is_asked(same_day)
    assert is_asked(next_day)


def test_who_left_off_long_ago_or_never_began_is_not_asked_for_want_of_a_booking() -> None:
    long_ago = person(given=(instant(9, day=1) - timedelta(days=30),))

    assert not is_asked(with_unseen_sessions(long_ago, attacked_at=ATTACK, zone=BRUSSELS))
    for days, asked in ((14, True), (15, False)):
        left_off = person(given=(instant(9) - timedelta(days=days),))
        assert is_asked(with_unseen_sessions(left_off, attacked_at=ATTACK, zone=BRUSSELS)) is asked
    assert not is_asked(with_unseen_sessions(person(), attacked_at=ATTACK, zone=BRUSSELS))


def test_a_session_that_the_copy_shows_as_given_is_no_question() -> None:
    assert unseen(person(*booked(instant(9)), given=(*YESTERDAY, instant(9, 7)))) == []


def test_of_two_a_day_the_one_without_a_record_is_asked() -> None:
    one = person(*booked(instant(8), instant(10, 30)), given=(*YESTERDAY, instant(8, 5)))

    assert unseen(one) == [instant(10, 30)]


def test_records_of_the_day_move_the_moment_of_the_copy() -> None:
    one = person(*booked(instant(8), instant(10)), given=(*YESTERDAY, instant(8, 5)), as_of=instant(9))

    assert unseen(one) == [instant(10)]


def test_a_finished_plan_is_not_doubted_for_another_ones_session() -> None:
    done = person(*booked(instant(9)), given=YESTERDAY, planned=2)
    assert done.position is not None
    still_open = replace(
        done.position.plans[0], plan_uid="1.2.4", fractions_planned=5, next_fraction_number=3
    )
    both = replace(done, position=replace(done.position, plans=(done.position.plans[0], still_open)))
    marked = with_unseen_sessions(both, attacked_at=ATTACK, zone=BRUSSELS)

    assert marked.position is not None
    assert [[item.kind for item in at.conflicts] for at in marked.position.plans] == [
        [],
        [ConflictKind.POSSIBLY_DELIVERED],
    ]


def test_a_patient_whose_course_cannot_be_counted_is_left_as_it_is() -> None:
    one = replace(person(*booked(instant(9))), position=None)

    assert with_unseen_sessions(one, attacked_at=ATTACK, zone=BRUSSELS) == one


def test_the_hour_that_comes_twice_counts_as_two() -> None:
    before = datetime(2026, 10, 25, 2, 30, tzinfo=BRUSSELS).astimezone(UTC)
    one = replace(person(*booked(before, before + timedelta(hours=1))), night=date(2026, 10, 25))
    found = unseen_sessions(one, attacked_at=before + timedelta(hours=2), zone=BRUSSELS)

    assert len(found) == 2
