"""Where a patient stands now: the copy, what was given since, and the doubts that people settled."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[2] / "domain"))  # the builders of the counting rules

from typing import TYPE_CHECKING

from course_builders import MACHINE, MONDAY, delivery, fraction, plan, position, record

from beamkeeper.domain.audit import AuditRow
from beamkeeper.domain.census import Appointment, CensusEntry
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.objects import ObjectKind, ObjectRef
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.domain.readiness import Readiness
from beamkeeper.domain.replacing import Replacement
from beamkeeper.protect.lists import Person
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.incident.since import SinceCopy, doubts, settled_keys, standing_now

if TYPE_CHECKING:
    from beamkeeper.domain.record import TreatmentRecord

ZONE = ZoneInfo("Europe/Brussels")
ATTACK = datetime(2026, 3, 4, 7, 0, tzinfo=UTC)
COUNT = Conflict(kind=ConflictKind.COUNT_DIFFERS, text="ARIA counts 2 fractions done, the records 1.")


def object_of(content: TreatmentRecord) -> ClinicalObject:
    ref = ObjectRef(
        sop_class_uid="",
        sop_instance_uid=content.sop_instance_uid,
        study_instance_uid="",
        series_instance_uid="",
        patient_id="P1",
        modality="RTRECORD",
        transfer_syntax_uid="",
        sha256="0" * 64,
        size_bytes=1,
    )
    return ClinicalObject(ref=ref, kind=ObjectKind.TREATMENT_RECORD, label="", content=content)


def person(*records: TreatmentRecord, said: tuple[Conflict, ...] = (), **more: object) -> Person:
    counted = position(*records)
    whole = replace(
        counted, plans=tuple(replace(at, conflicts=(*at.conflicts, *said)) for at in counted.plans)
    )
    blocking = ("No dose refers to the plan.", *(one.text for one in whole.plans[0].conflicts))
    later = Appointment(starts_at=ATTACK + timedelta(days=1), activity="RT fraction", machine="TB1")
    return Person(
        pseudonym="0" * 64,
        entry=CensusEntry(patient=Patient(patient_id="P1", name="A"), claims=(), appointments=(later,)),
        night=date(2026, 3, 4),
        plans=(plan(),),
        objects=tuple(map(object_of, records)),
        position=whole,
        readiness=(Readiness(plan_uid="1.1", rt_plan_label="plan 1.1", blocking=blocking),),
        **more,  # type: ignore[arg-type]
    )


def now(of: Person, *since: TreatmentRecord, settled: frozenset[str] = frozenset()) -> Person:
    known = SinceCopy(records=since, conflicts={}, settled=settled)
    return standing_now(of, known, attacked_at=ATTACK, zone=ZONE)


def next_of(of: Person) -> int | None:
    assert of.position is not None
    return of.position.plans[0].next_fraction_number


def texts(of: Person) -> list[str]:
    return [one.text for one in doubts(of, "1.1")]


def test_what_was_given_since_is_counted_with_the_copy() -> None:
    assert next_of(now(person(fraction(1)), fraction(2))) == 3
    assert next_of(now(person(fraction(1)), fraction(1))) == 2


def test_what_the_copy_lacks_goes_on_blocking() -> None:
    assert now(person(fraction(1)), fraction(2)).readiness[0].blocking == ("No dose refers to the plan.",)


def test_what_another_system_counted_stays_a_doubt_until_it_is_settled() -> None:
    doubted = now(person(fraction(1), said=(COUNT,)))
    assert texts(doubted) == [COUNT.text]
    assert COUNT.text in doubted.readiness[0].blocking

    keys = frozenset(one.key for one in doubts(doubted, "1.1"))
    settled = now(person(fraction(1), said=(COUNT,)), settled=keys)
    assert texts(settled) == []
    assert settled.readiness[0].blocking == ("No dose refers to the plan.",)
    assert next_of(settled) == next_of(doubted)


def test_new_evidence_of_the_same_words_is_a_new_doubt() -> None:
    first = record("7.1", delivery(1, None))
    keys = frozenset(one.key for one in doubts(now(person(fraction(1), first)), "1.1"))
    assert texts(now(person(fraction(1), first), settled=keys)) == []

    second = record("7.2", delivery(1, None))
    assert len(texts(now(person(fraction(1), first), second, settled=keys))) == 1


def test_a_gap_that_a_later_record_fills_is_no_doubt_any_more() -> None:
    assert texts(now(person(fraction(1), fraction(3))))
    assert texts(now(person(fraction(1), fraction(3)), fraction(2))) == []


def test_a_later_copy_that_counts_more_and_that_nobody_confirmed_is_a_doubt() -> None:
    held_back = person(fraction(1), newer=position(fraction(1), fraction(2)))

    assert "counts 2 fractions" in " ".join(texts(now(held_back)))
    assert texts(now(held_back, fraction(2))) == []


def test_a_session_that_a_record_shows_since_is_asked_no_longer() -> None:
    booked = Appointment(starts_at=MONDAY + timedelta(days=1), activity="RT fraction", machine="TB1")
    of = person(fraction(1))
    of = replace(of, night=date(2026, 3, 2), entry=replace(of.entry, appointments=(booked,)))

    assert "POSSIBLY DELIVERED" in " ".join(texts(now(of)))
    assert texts(now(of, fraction(2))) == []


def test_a_doubt_about_who_it_is_can_be_settled_too() -> None:
    doubted = person(fraction(1), doubts=("Two persons share this Patient ID.",))
    keys = frozenset(one.key for one in doubts(doubted, "1.1"))

    assert texts(now(doubted)) == ["Two persons share this Patient ID."]
    assert now(doubted, settled=keys).doubts == ()


def test_of_a_course_that_could_not_be_counted_nothing_is_sure() -> None:
    unknown = now(replace(person(), position=None))

    assert texts(unknown) == ["Where the course stands is not known."]


def test_only_what_was_settled_of_this_patient_counts() -> None:
    row = AuditRow(
        sequence=1,
        at=MONDAY,
        actor="A and B",
        action=Deed.SETTLED,
        outcome="ok",
        patient_pseudonym="1" * 64,
        details={"doubts": {"abc": "text"}},
        previous="",
        sha256="",
    )

    assert settled_keys([row], "1" * 64) == {"abc"}
    assert settled_keys([row], "0" * 64) == frozenset()


def test_a_fraction_that_was_broken_off_after_the_attack_is_no_riddle() -> None:
    stopped = record("7.1", delivery(1, 2, 40.0, termination_status=MACHINE), at=ATTACK + timedelta(hours=1))

    assert texts(now(person(fraction(1)), stopped)) == []
    earlier = replace(stopped, treated_at=ATTACK - timedelta(hours=1))
    assert "broken off" in " ".join(texts(now(person(fraction(1)), earlier)))


def replanned(*records: TreatmentRecord, **more: object) -> Person:
    """A patient with a second plan that was derived from the first, as the copy has both."""
    new = plan("1.2", related_plan_uids=(("PREDECESSOR", "1.1"),), approval_status=ApprovalStatus.APPROVED)
    of = person(*records, **more)
    counted = position(*records, plans=(plan(), new))
    blocking = tuple(one.text for one in counted.plans[0].conflicts)
    return replace(
        of,
        plans=(plan(), new),
        position=counted,
        readiness=(
            Readiness(plan_uid="1.1", rt_plan_label="plan 1.1", blocking=blocking),
            Readiness(plan_uid="1.2", rt_plan_label="plan 1.2"),
        ),
    )


HOLDS = Replacement(old_uid="1.1", new_uid="1.2", after=1, goes_on=True, said="So said A and B.")


def ruled(of: Person, *since: TreatmentRecord, doubted: tuple[Conflict, ...] = ()) -> Person:
    known = SinceCopy(records=since, conflicts={"1.1": doubted}, replaced=(HOLDS,))
    return standing_now(of, known, attacked_at=ATTACK, zone=ZONE)


def test_of_two_plans_the_one_that_people_said_holds_is_sure_and_the_other_gives_nothing() -> None:
    of = replanned(fraction(1))
    assert doubts(now(of), "1.1")
    said = ruled(of)

    assert doubts(said, "1.2") == ()
    assert said.readiness[1].is_ready
    assert "REPLACED" in said.readiness[0].blocking[0]


def test_what_is_doubtful_about_the_old_plan_later_is_doubtful_about_the_new_one() -> None:
    doubted = Conflict(kind=ConflictKind.POSSIBLY_DELIVERED, text="Away, and nothing came back.")

    assert [one.text for one in doubts(ruled(replanned(fraction(1)), doubted=(doubted,)), "1.2")] == [
        doubted.text
    ]


def test_a_session_unseen_on_the_day_of_the_attack_is_asked_of_the_plan_that_holds() -> None:
    booked = Appointment(starts_at=ATTACK - timedelta(hours=1), activity="RT fraction", machine="TB1")
    of = replanned(fraction(1))
    of = replace(of, entry=replace(of.entry, appointments=(booked,)))
    said = ruled(of)

    assert said.position is not None
    asked = [
        at.plan_uid
        for at in said.position.plans
        if any(one.kind is ConflictKind.POSSIBLY_DELIVERED for one in at.conflicts)
    ]
    assert asked == ["1.2"]


def test_that_a_plan_is_replaced_cannot_be_settled_away() -> None:
    of = ruled(replanned(fraction(1)))
    keys = frozenset(one.key for one in doubts(of, "1.1"))
    known = SinceCopy(conflicts={}, replaced=(HOLDS,), settled=keys)

    assert "REPLACED" in texts(standing_now(replanned(fraction(1)), known, attacked_at=ATTACK, zone=ZONE))[0]
