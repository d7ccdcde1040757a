"""Fractions written on paper: counted once, never besides the machine's own record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from course_builders import CONTINUATION, MACHINE, MONDAY, delivery, fraction, kinds, plan, record, stands
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.audit import AuditRow
from beamkeeper.domain.position import ConflictKind, PlanPosition
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.paper import HandEntry, as_records, details_of, entries
from beamkeeper.respond.paper import entry as subject

if TYPE_CHECKING:
    from beamkeeper.domain.record import TreatmentRecord

PLAN = plan()
PERSON = "0" * 64
WRITTEN = HandEntry(
    number=7,
    pseudonym=PERSON,
    plan_uid="1.1",
    fraction_number=2,
    given_at=MONDAY + timedelta(days=1),
    machine="TB1",
    beams=((1, 100.0), (2, 100.0)),
    is_continuation=False,
    entered_by="A",
    entered_at=MONDAY + timedelta(days=2),
    checked_by="B",
)


def counted(*recorded: TreatmentRecord, written: tuple[HandEntry, ...] = (WRITTEN,)) -> PlanPosition:
    by_hand, _ = as_records(written, [PLAN], recorded)
    return stands(*recorded, *by_hand)


def doubts(*recorded: TreatmentRecord, written: HandEntry = WRITTEN) -> str:
    return " ".join(one.text for one in as_records([written], [PLAN], recorded)[1].get("1.1", ()))


def test_a_fraction_written_on_paper_and_checked_counts() -> None:
    at = counted(fraction(1))

    assert (at.fractions_complete, at.next_fraction_number, kinds(at)) == (2, 3, set())
    assert doubts(fraction(1)) == ""


def test_an_entry_that_nobody_checked_counts_and_is_in_doubt() -> None:
    unchecked = replace(WRITTEN, checked_by="")

    assert counted(fraction(1), written=(unchecked,)).next_fraction_number == 3
    assert "nobody has checked it" in doubts(fraction(1), written=unchecked)


def test_an_entry_that_was_struck_out_counts_nothing() -> None:
    assert counted(fraction(1), written=(replace(WRITTEN, struck_by="C and D"),)).next_fraction_number == 2


def test_what_a_machine_recorded_of_the_same_session_is_not_counted_twice() -> None:
    at = counted(fraction(1), fraction(2))

    assert (at.fractions_complete, kinds(at)) == (2, set())
    assert doubts(fraction(2)) == ""


def test_where_hand_and_machine_differ_the_machine_counts_and_it_is_shown() -> None:
    stopped = record(
        "9.2", delivery(1, 2, 40.0, termination_status=MACHINE), at=MONDAY + timedelta(days=1, minutes=20)
    )
    at = counted(fraction(1), stopped)

    assert at.fractions[-1].partial_beams == ((1, 40.0, 100.0),)
    assert "100 written on paper, 40 recorded by the machine" in doubts(stopped)


def test_the_same_number_on_another_day_is_another_delivery_and_shows() -> None:
    at = counted(fraction(1), written=(replace(WRITTEN, fraction_number=1),))

    assert ConflictKind.OVER_DELIVERY in kinds(at)


def test_a_beam_the_machine_began_is_finished_on_paper() -> None:
    begun = record("9.2", delivery(1, 2, 40.0, termination_status=MACHINE), at=MONDAY + timedelta(days=1))
    rest = replace(WRITTEN, beams=((1, 60.0), (2, 100.0)), is_continuation=True)
    at = counted(fraction(1), begun, written=(rest,))

    assert (at.fractions_complete, at.fractions_partial, kinds(at)) == (2, 0, set())
    assert CONTINUATION in {one.delivery_type for one in as_records([rest], [PLAN], [])[0][0].deliveries}


def test_a_part_written_on_paper_leaves_the_fraction_begun() -> None:
    at = counted(fraction(1), written=(replace(WRITTEN, beams=((1, 30.0),)),))

    assert at.next_is_continuation
    assert at.fractions[-1].partial_beams == ((1, 30.0, 100.0),)


def test_an_entry_of_a_plan_that_is_not_here_counts_nothing() -> None:
    assert as_records([replace(WRITTEN, plan_uid="9.9")], [PLAN], []) == ((), {})


@given(order=st.permutations([fraction(1), fraction(2), fraction(3)]), copies=st.integers(1, 3))
def test_however_often_and_in_whatever_order_a_fraction_counts_once(
    order: list[TreatmentRecord], copies: int
) -> None:
    at = counted(*order * copies)

    assert (at.fractions_complete, at.next_fraction_number) == (3, 4)


def row(deed: str, sequence: int, by: str, at: datetime = MONDAY, **details: object) -> AuditRow:
    return AuditRow(
        sequence=sequence,
        at=at,
        actor=by,
        action=deed,
        outcome=str(details.pop("outcome", "ok")),
        patient_pseudonym=PERSON,
        details=details,
        previous="",
        sha256="",
    )


def test_the_journal_says_who_typed_checked_and_struck_out() -> None:
    said = details_of(
        PLAN,
        fraction_number=2,
        given_at=WRITTEN.given_at,
        machine="TB1",
        beams=WRITTEN.beams,
        is_continuation=False,
    )
    rows = [row(subject.ENTERED, 7, "A", WRITTEN.entered_at, **said)]
    assert entries(rows, PERSON) == (replace(WRITTEN, checked_by=""),)
    assert entries(rows, "1" * 64) == ()

    rows.append(row(subject.CHECKED, 8, "B", entry=7, outcome="refused"))
    assert entries(rows, PERSON)[0].checked_by == ""
    rows.append(row(subject.CHECKED, 9, "B", entry=7))
    assert entries(rows, PERSON) == (WRITTEN,)
    rows.append(row(subject.STRUCK, 10, "A and B", entry=7))
    assert entries(rows, PERSON)[0].struck_by == "A and B"


def test_paper_and_journal_use_the_same_words() -> None:
    assert (Deed.ENTERED, Deed.CHECKED_ENTRY, Deed.STRUCK) == (
        subject.ENTERED,
        subject.CHECKED,
        subject.STRUCK,
    )
