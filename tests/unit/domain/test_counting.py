"""Where a patient stands: each rule of `protocols` 2.4 and 2.5 by name, then properties over all inputs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
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

from beamkeeper.domain.meterset import MetersetTolerance
from beamkeeper.domain.plan import ApprovalStatus, DeliveryType, DosimeterUnit, FractionGroup, Plan
from beamkeeper.domain.position import ConflictKind

# --- one plan, the ordinary course --------------------------------------------------------------


def test_nothing_given_stands_before_fraction_1() -> None:
    at = stands()

    assert (at.fractions_complete, at.next_fraction_number, at.next_is_continuation) == (0, 1, False)
    assert at.dose_so_far_gy == 0.0
    assert not at.is_finished


def test_whole_fractions_count_and_the_next_number_follows() -> None:
    at = stands(*(fraction(n) for n in range(1, 8)))

    assert (at.fractions_complete, at.fractions_partial, at.next_fraction_number) == (7, 0, 8)
    assert at.dose_so_far_gy == pytest.approx(14.0)
    assert (at.first_treated_at, at.last_treated_at) == (MONDAY, MONDAY + timedelta(days=6))
    assert not at.conflicts


def test_the_last_fraction_finishes_the_plan() -> None:
    at = stands(*(fraction(n) for n in range(1, 31)))

    assert at.is_finished
    assert at.next_fraction_number is None


def test_a_plan_of_no_fractions_is_not_finished() -> None:
    empty = plan(
        fraction_groups=(
            FractionGroup(fraction_group_number=1, number_of_fractions_planned=0, beam_numbers=(1, 2)),
        )
    )

    assert (stands(plans=(empty,)).next_fraction_number, stands(plans=(empty,)).is_finished) == (None, False)


def test_one_record_a_beam_or_all_beams_in_one_record_is_the_same() -> None:
    apart = stands(record("9.1", delivery(1)), record("9.2", delivery(2)))
    together = stands(record("9.3", delivery(1), delivery(2)))

    assert apart.fractions_complete == together.fractions_complete == 1


def test_two_fractions_on_one_day_are_two() -> None:
    at = stands(
        record("9.1", delivery(1, 1), delivery(2, 1), at=MONDAY),
        record("9.2", delivery(1, 2), delivery(2, 2), at=MONDAY + timedelta(hours=6)),
    )

    assert (at.fractions_complete, at.conflicts) == (2, ())


def test_records_without_any_time_count() -> None:
    at = stands(record("9.1", delivery(1), delivery(2), at=None))

    assert (at.fractions_complete, at.last_treated_at) == (1, None)


# --- partial fractions and continuation (2.3, 2.5 rules 3 and 4) ---------------------------------


def test_an_interrupted_beam_is_continued_before_any_new_fraction() -> None:
    at = stands(fraction(1), record("9.9", delivery(1, 2, 46.3, termination_status=MACHINE)))

    assert (at.fractions_complete, at.fractions_partial) == (1, 1)
    assert (at.next_fraction_number, at.next_is_continuation) == (2, True)
    assert at.fractions[1].partial_beams == ((1, 46.3, 100.0),)
    assert at.fractions[1].missing_beam_numbers == (2,)
    assert at.dose_so_far_gy == pytest.approx(2.463)


def test_the_continuation_completes_the_fraction_it_names() -> None:
    at = stands(
        record("9.1", delivery(1, 1, 46.3, termination_status=MACHINE), delivery(2, 1)),
        record("9.2", delivery(1, 1, 53.7, delivery_type=CONTINUATION), at=MONDAY + timedelta(hours=1)),
    )

    assert (at.fractions_complete, at.next_fraction_number, at.conflicts) == (1, 2, ())


def test_a_missing_beam_leaves_the_fraction_partial() -> None:
    at = stands(record("9.1", delivery(1)))

    assert (at.fractions_complete, at.next_is_continuation) == (0, True)
    assert at.fractions[0].missing_beam_numbers == (2,)


def test_a_record_of_nothing_given_begins_nothing() -> None:
    at = stands(fraction(1), record("9.9", delivery(1, 2, 0.0, termination_status=MACHINE)))

    assert (at.fractions_partial, at.next_fraction_number, at.next_is_continuation) == (0, 2, False)


def test_a_partial_fraction_passed_over_is_shown_and_still_comes_first() -> None:
    at = stands(record("9.9", delivery(1, 1)), fraction(2), fraction(3))

    assert (at.next_fraction_number, at.next_is_continuation) == (1, True)
    assert ConflictKind.PARTIAL_LEFT_BEHIND in kinds(at)


def test_a_full_meterset_without_a_normal_end_stays_open_and_is_shown() -> None:
    at = stands(record("9.1", delivery(1, termination_status=MACHINE), delivery(2)))

    assert at.fractions_complete == 0
    assert kinds(at) == {ConflictKind.ENDED_ABNORMALLY}


# --- tolerance and over-delivery (2.4, 2.5 rule 3) ------------------------------------------------


@pytest.mark.parametrize(
    ("planned", "given", "complete"),
    [
        (509.07073, 509.07054, True),  # CyberKnife
        (9335.681486, 9335.681, True),  # proton
        (100.0, 99.9, True),
        (100.0, 99.89, False),
        (1000.0, 999.0, True),  # 0.1 % is the larger bound
        (1000.0, 998.9, False),
    ],
)
def test_a_beam_is_complete_within_the_larger_of_a_tenth_mu_and_a_permille(
    planned: float,
    given: float,
    *,
    complete: bool,
) -> None:
    one = plan(beams=(beam(1, planned),))
    at = stands(record("9.1", delivery(1, 1, given, specified_meterset=planned)), plans=(one,))

    assert at.fractions_complete == complete


def test_the_tolerance_can_be_set() -> None:
    one = plan(beams=(beam(1),))
    strict = MetersetTolerance(absolute_mu=0.01, relative=0.0)

    assert stands(record("9.1", delivery(1, 1, 99.95)), plans=(one,)).fractions_complete == 1
    assert (
        stands(record("9.1", delivery(1, 1, 99.95)), plans=(one,), tolerance=strict).fractions_complete == 0
    )


def test_too_much_is_shown_and_offers_nothing_to_continue() -> None:
    at = stands(record("9.1", delivery(1, 1, 102.0), delivery(2)))

    assert (at.fractions_complete, at.next_fraction_number) == (1, 2)
    assert kinds(at) == {ConflictKind.OVER_DELIVERY}
    assert "102" in at.conflicts[0].text


def test_particle_numbers_have_the_relative_bound_alone() -> None:
    one = plan(beams=(beam(1, 2.0e9, primary_dosimeter_unit=DosimeterUnit.NP),))
    given = delivery(1, 1, 1.999e9, specified_meterset=2.0e9, primary_dosimeter_unit=DosimeterUnit.NP)

    assert stands(record("9.1", given), plans=(one,)).fractions_complete == 1
    assert (
        stands(record("9.1", replace(given, delivered_meterset=1.9e9)), plans=(one,)).fractions_partial == 1
    )


def test_minutes_are_not_forgiven_a_tenth() -> None:
    one = plan(beams=(beam(1, 1.5, primary_dosimeter_unit=DosimeterUnit.MINUTE),))
    given = delivery(1, 1, 1.42, specified_meterset=1.5, primary_dosimeter_unit=DosimeterUnit.MINUTE)

    assert stands(record("9.1", given), plans=(one,)).fractions_partial == 1


def test_another_unit_is_no_number_and_the_beam_counts_as_begun() -> None:
    at = stands(record("9.1", delivery(1, primary_dosimeter_unit=DosimeterUnit.MINUTE), delivery(2)))

    assert (at.fractions_complete, at.next_is_continuation) == (0, True)
    assert kinds(at) == {ConflictKind.UNIT_DIFFERS}


@pytest.mark.parametrize("mu", [None, float("nan"), float("inf"), -3.0])
def test_no_meterset_counts_as_begun_never_as_given_or_not_begun(mu: float | None) -> None:
    at = stands(record("9.1", delivery(1, 1, mu)))

    assert (at.fractions_complete, at.next_fraction_number, at.next_is_continuation) == (0, 1, True)
    assert kinds(at) == {ConflictKind.NO_METERSET}


def test_a_record_specifying_another_meterset_than_the_plan_is_shown() -> None:
    at = stands(record("9.1", delivery(1, specified_meterset=120.0), delivery(2)))

    assert kinds(at) == {ConflictKind.METERSET_DIFFERS}


def test_a_plan_without_metersets_is_counted_against_the_records() -> None:
    bare = plan(beams=(beam(1, None), beam(2, None)))
    at = stands(fraction(1), record("9.9", delivery(1, 2, 40.0)), plans=(bare,))

    assert (at.fractions_complete, at.fractions_partial) == (1, 1)


# --- what counts at all (2.5 rules 1 and 2) -------------------------------------------------------


def test_setup_and_verification_deliveries_are_not_counted() -> None:
    at = stands(
        record("9.1", delivery(1, delivery_type=DeliveryType.SETUP)),
        record("9.2", delivery(1, delivery_type=DeliveryType.VERIFICATION)),
    )

    assert (at.fractions, at.conflicts) == ((), ())


def test_setup_beams_of_the_plan_are_not_waited_for() -> None:
    with_setup = plan(beams=(beam(1), beam(9, None, delivery_type=DeliveryType.SETUP)))

    assert stands(record("9.1", delivery(1)), plans=(with_setup,)).fractions_complete == 1


def test_a_treatment_portfilm_counts_and_an_open_one_is_reported_apart() -> None:
    at = stands(
        record("9.1", delivery(1, delivery_type=DeliveryType.TRMT_PORTFILM), delivery(2)),
        record("9.2", delivery(1, 1, 2.0, delivery_type=DeliveryType.OPEN_PORTFILM)),
    )

    assert (at.fractions_complete, at.conflicts) == (1, ())
    assert [film.delivered_meterset for film in at.open_portfilms] == [2.0]


def test_an_empty_delivery_type_is_decided_by_the_plan_and_said() -> None:
    at = stands(record("9.1", delivery(1, delivery_type=DeliveryType.UNKNOWN), delivery(2)))

    assert at.fractions_complete == 1
    assert kinds(at) == {ConflictKind.NO_DELIVERY_TYPE}


def test_a_beam_without_number_is_found_by_its_name() -> None:
    at = stands(record("9.1", delivery(None, beam_name="Arc 1 "), delivery(2)))

    assert (at.fractions_complete, at.conflicts) == (1, ())


def test_a_name_that_two_beams_share_is_not_guessed() -> None:
    twins = plan(beams=(beam(1, beam_name="Arc"), beam(2, beam_name="Arc")))
    found = position(record("9.1", delivery(None, beam_name="Arc")), plans=(twins,))

    assert found.plans[0].fractions == ()
    assert kinds(found.plans[0]) == {ConflictKind.UNKNOWN_BEAM}
    assert found.unassigned_record_uids == ("9.1",)


def test_an_unknown_number_is_not_saved_by_a_known_name() -> None:
    at = stands(record("9.1", delivery(7, beam_name="Arc 1")))

    assert (at.fractions, kinds(at)) == ((), {ConflictKind.UNKNOWN_BEAM})


@pytest.mark.parametrize("number", [None, 0, -1])
def test_a_missing_fraction_number_is_never_guessed(number: int | None) -> None:
    found = position(fraction(1), record("9.9", delivery(1, number)))

    assert found.plans[0].next_fraction_number == 2
    assert kinds(found.plans[0]) == {ConflictKind.NO_FRACTION_NUMBER}
    assert found.unassigned_record_uids == ("9.9",)


def test_a_record_that_names_no_beam_at_all_is_not_forgotten() -> None:
    found = position(record("9.1"))

    assert kinds(found.plans[0]) == {ConflictKind.UNKNOWN_BEAM}
    assert found.unassigned_record_uids == ("9.1",)


def test_numbers_beyond_the_planned_and_skipped_ones_are_shown() -> None:
    at = stands(fraction(1), fraction(4), fraction(31))

    assert kinds(at) == {ConflictKind.BEYOND_PLANNED, ConflictKind.SKIPPED_FRACTION}
    assert [c.text.split(" left")[0] for c in at.conflicts if c.kind is ConflictKind.SKIPPED_FRACTION] == [
        "Fractions 2 to 3",
        "Fractions 5 to 30",
    ]
    assert at.fractions_complete == 3


def test_a_skipped_fraction_at_the_end_is_neither_finished_nor_guessed() -> None:
    at = stands(*(fraction(n) for n in range(1, 31) if n != 12))

    assert (at.fractions_complete, at.next_fraction_number, at.is_finished) == (29, None, False)
    assert kinds(at) == {ConflictKind.SKIPPED_FRACTION}


def test_a_fraction_number_of_two_thousand_million_costs_nothing() -> None:
    assert kinds(stands(fraction(1), record("9.9", delivery(1, 2_000_000_000)))) >= {
        ConflictKind.SKIPPED_FRACTION,
    }


# --- twice recorded (2.5 rule 5) ------------------------------------------------------------------


def test_the_same_record_twice_counts_once_without_a_word() -> None:
    assert stands(fraction(1), fraction(1)) == stands(fraction(1))


def test_the_same_delivery_under_two_uids_counts_once_and_asks_a_person() -> None:
    half = delivery(1, 1, 50.0, termination_status=MACHINE)
    at = stands(record("9.1", half), record("9.2", half, at=MONDAY + timedelta(microseconds=300_000)))

    assert at.fractions[0].partial_beams == ((1, 50.0, 100.0),)
    assert kinds(at) == {ConflictKind.SUSPECTED_DUPLICATE}
    assert at.conflicts[0].record_uids == ("9.1", "9.2")
    assert "100 MU" in at.conflicts[0].text


def test_a_whole_fraction_exported_twice_is_one_fraction_and_no_over_delivery() -> None:
    at = stands(fraction(1), fraction(1, uid="8"))

    assert (at.fractions_complete, at.next_fraction_number) == (1, 2)
    assert kinds(at) == {ConflictKind.SUSPECTED_DUPLICATE}


def test_a_copy_without_time_is_suspected_too() -> None:
    half = delivery(1, 1, 50.0, termination_status=MACHINE)
    at = stands(record("9.1", half), record("9.2", half, at=None))

    assert at.fractions[0].partial_beams == ((1, 50.0, 100.0),)
    assert kinds(at) == {ConflictKind.SUSPECTED_DUPLICATE}


def test_one_beam_in_two_fractions_in_the_same_second_is_shown() -> None:
    at = stands(record("9.1", delivery(1, 1), delivery(2, 1)), record("9.2", delivery(1, 2), delivery(2, 2)))

    assert at.fractions_complete == 2
    assert kinds(at) == {ConflictKind.SUSPECTED_DUPLICATE}
    assert "fractions 1, 2" in at.conflicts[0].text


def test_two_halves_are_two_deliveries_when_the_second_says_it_continues() -> None:
    at = stands(
        record("9.1", delivery(1, 1, 50.0, termination_status=MACHINE), delivery(2), at=None),
        record("9.2", delivery(1, 1, 50.0, delivery_type=CONTINUATION), at=None),
    )

    assert (at.fractions_complete, at.conflicts) == (1, ())


def test_the_same_meterset_an_hour_later_is_another_delivery() -> None:
    half = delivery(1, 1, 50.0)
    at = stands(record("9.1", half, delivery(2)), record("9.2", half, at=MONDAY + timedelta(hours=1)))

    assert (at.fractions_complete, at.conflicts) == (1, ())


def test_two_copies_of_one_record_that_differ_are_shown() -> None:
    found = position(record("9.1", delivery(1), delivery(2)), record("9.1", delivery(1, 1, 10.0)))

    assert kinds(found) == {ConflictKind.RECORD_CHANGED}
    assert found.plans[0].fractions_complete == 1


# --- several plans, groups, patients --------------------------------------------------------------


def test_plans_are_counted_apart() -> None:
    boost = plan(
        "1.2",
        fraction_groups=(
            FractionGroup(fraction_group_number=1, number_of_fractions_planned=8, beam_numbers=(1, 2)),
        ),
    )
    boosted = record("8.1", delivery(1), delivery(2), plan_uid="1.2", at=MONDAY + timedelta(days=1))
    found = position(fraction(1), fraction(2), boosted, plans=(boost, plan()))

    assert [(at.plan_uid, at.fractions_complete, at.fractions_planned) for at in found.plans] == [
        ("1.1", 2, 30),
        ("1.2", 1, 8),
    ]


def test_records_of_no_plan_or_an_unknown_one_are_unassigned_with_a_reason() -> None:
    found = position(record("9.1", delivery(), plan_uid=None), record("9.2", delivery(), plan_uid="1.7"))

    assert found.unassigned_record_uids == ("9.1", "9.2")
    assert kinds(found) == {ConflictKind.NO_PLAN, ConflictKind.PLAN_UNKNOWN}
    assert found.plans[0].fractions == ()


def test_another_patient_id_is_shown_and_not_merged() -> None:
    found = position(record("9.1", delivery(), patient_id="P2"), plans=(plan(), plan("1.2", patient_id="P2")))

    assert [at.plan_uid for at in found.plans] == ["1.1"]
    assert kinds(found) == {ConflictKind.PATIENT_DIFFERS}
    assert found.unassigned_record_uids == ("9.1",)


def test_verification_plans_and_their_records_are_left_out() -> None:
    checked = plan("1.2", plan_intent="VERIFICATION")
    found = position(record("9.1", delivery(), plan_uid="1.2"), plans=(plan(), checked))

    assert ([at.plan_uid for at in found.plans], found.unassigned_record_uids) == (["1.1"], ())


@pytest.mark.parametrize(
    ("relationship", "approval", "shown"),
    [
        ("PRIOR", ApprovalStatus.APPROVED, {ConflictKind.FOLLOWED}),
        ("PREDECESSOR", ApprovalStatus.APPROVED, {ConflictKind.SUPERSEDED}),
        ("PRIOR", ApprovalStatus.UNAPPROVED, set()),
        ("ALTERNATIVE", ApprovalStatus.APPROVED, set()),
    ],
)
def test_an_unfinished_plan_shows_the_approved_plan_that_follows_it(
    relationship: str, approval: ApprovalStatus, shown: set[ConflictKind]
) -> None:
    later = plan("1.2", related_plan_uids=((relationship, "1.1"),), approval_status=approval)

    assert kinds(stands(fraction(1), plans=(plan(), later))) == shown
    assert kinds(stands(*(fraction(n) for n in range(1, 31)), plans=(plan(), later))) == set()


def test_a_wrong_fraction_group_number_does_not_matter_where_there_is_one_group() -> None:
    at = stands(record("9.1", delivery(1, 4), delivery(2, 4), referenced_fraction_group_number=4))

    assert at.fractions_complete == 1


def two_groups(first: tuple[int, ...] = (1,), second: tuple[int, ...] = (2,)) -> Plan:
    group = FractionGroup(fraction_group_number=1, number_of_fractions_planned=2, beam_numbers=first)
    boost = FractionGroup(fraction_group_number=2, number_of_fractions_planned=1, beam_numbers=second)
    return plan(fraction_groups=(boost, group))


def test_fraction_groups_are_counted_apart_by_their_beams() -> None:
    at = stands(record("9.1", delivery(1, 1), delivery(1, 2), delivery(2, 1)), plans=(two_groups(),))

    assert (at.fractions_complete, at.fractions_planned, at.is_finished) == (3, 3, True)


def test_the_order_of_open_groups_is_not_pretended() -> None:
    at = stands(plans=(two_groups(),))

    assert (at.next_fraction_group_number, at.next_fraction_number) == (1, 1)
    assert kinds(at) == {ConflictKind.FRACTION_GROUP_ORDER}


def test_a_beam_of_two_groups_needs_the_record_to_say_which() -> None:
    shared = two_groups((1,), (1, 2))
    said = stands(record("9.1", delivery(1, 1), referenced_fraction_group_number=1), plans=(shared,))
    unsaid = position(record("9.1", delivery(1, 1)), plans=(shared,))

    assert said.fractions_complete == 1
    assert ConflictKind.NO_FRACTION_GROUP in kinds(unsaid.plans[0])
    assert unsaid.unassigned_record_uids == ("9.1",)
