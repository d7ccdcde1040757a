"""Why a plan may not be dropped for a session, and what has to be looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from course_builders import MACHINE, MONDAY, beam, delivery, fraction, plan, record, stands
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.demand import BeamDemand, PlanDemand, Wedge
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import ApprovalStatus, FractionGroup, Plan, RadiationType
from beamkeeper.errors import PatientMismatch
from beamkeeper.respond.filemode import Asked, Facts, cautions, folder_name, refusals, session_beams

if TYPE_CHECKING:
    from beamkeeper.domain.position import PlanPosition

BORN = date(1961, 4, 7)
PATIENT = Patient(patient_id="P1", name="Jansen^Maria", birth_on=BORN)
APPROVED = plan(approval_status=ApprovalStatus.APPROVED)
TUESDAY = MONDAY + timedelta(days=1)
ASKED = Asked(fraction_number=2, born_on=BORN, reason="outage")
DEMAND = PlanDemand(
    sop_instance_uid="1.1",
    rt_plan_label="plan 1.1",
    beams=(),
    patient_positions=("HFS",),
    setup_words=("MASK",),
)
AT = stands(fraction(1), plans=(APPROVED,))


def facts(at: PlanPosition | None = AT, of: Plan = APPROVED, **more: object) -> Facts:
    said: dict[str, object] = {
        "patient": PATIENT,
        "plan": of,
        "demand": DEMAND,
        "at": at,
        "blocking": (),
        "machine_name": "TB1",
        "machine_profile": "Varian TrueBeam, Millennium 120",
        "machine_refusal": "",
    }
    return Facts(**(said | more))  # type: ignore[arg-type]


def asked(**more: object) -> Asked:
    return replace(ASKED, **more)  # type: ignore[arg-type]


def refused(of: Facts | None = None, said: Asked = ASKED) -> str:
    return " ".join(refusals(of or facts(), said))


def test_the_next_fraction_of_an_approved_plan_on_its_machine_may_be_dropped() -> None:
    assert refusals(facts(), ASKED) == ()


def test_a_fraction_that_is_complete_is_refused() -> None:
    assert "Fraction 1 is complete" in refused(said=asked(fraction_number=1))


def test_a_fraction_that_is_not_the_next_is_refused() -> None:
    assert "Fraction 3 is not the next one" in refused(said=asked(fraction_number=3))


def test_a_plan_whose_fractions_are_all_given_is_refused() -> None:
    short = replace(
        APPROVED,
        fraction_groups=(
            FractionGroup(fraction_group_number=1, number_of_fractions_planned=1, beam_numbers=(1, 2)),
        ),
    )

    assert "the plan is complete" in refused(facts(stands(fraction(1), plans=(short,)), short))


@pytest.mark.parametrize(
    "status", [ApprovalStatus.UNAPPROVED, ApprovalStatus.REJECTED, ApprovalStatus.UNKNOWN]
)
def test_a_plan_that_is_not_approved_is_refused(status: ApprovalStatus) -> None:
    assert "not approved" in refused(facts(of=replace(APPROVED, approval_status=status)))


def test_whatever_blocks_the_plan_or_leaves_the_count_in_doubt_refuses_it() -> None:
    assert "No dose refers to the plan." in refused(facts(blocking=("No dose refers to the plan.",)))


def test_a_course_that_is_not_known_is_refused() -> None:
    assert "not known" in refused(facts(at=None))


def test_another_birth_date_than_the_patients_is_refused_and_not_told() -> None:
    said = refused(said=asked(born_on=date(1960, 1, 1)))

    assert "not this patient's" in said
    assert str(BORN) not in said
    assert "not typed" in refused(said=asked(born_on=None))


def test_a_birth_date_typed_for_a_patient_of_whom_none_is_known_is_refused() -> None:
    unknown = facts(patient=replace(PATIENT, birth_on=None))

    assert "not this patient's" in refused(unknown)
    assert refusals(unknown, asked(born_on=None)) == ()


def test_a_plan_of_another_patient_id_is_refused() -> None:
    assert "another Patient ID" in refused(facts(of=replace(APPROVED, patient_id="P2")))


def test_a_machine_that_does_not_give_the_plan_directly_is_refused() -> None:
    assert "TB1 does not give this plan directly: beam match" in refused(
        facts(machine_refusal="beam match: nothing declared.")
    )


def test_a_machine_without_file_mode_is_refused() -> None:
    assert "known of TrueBeam only" in refused(facts(machine_profile="Elekta Versa HD or Infinity, Agility"))


def test_one_plan_at_a_time() -> None:
    assert "One plan at a time" in refused(facts(other_drops=("drop d1 on TB1 was not collected.",)))
    assert "One plan at a time: the share holds 2" in refused(facts(other_plans=2))


def test_a_plan_of_several_fraction_groups_is_refused() -> None:
    groups = tuple(
        FractionGroup(fraction_group_number=one, number_of_fractions_planned=5, beam_numbers=(one,))
        for one in (1, 2)
    )

    assert "several fraction groups" in refused(facts(of=replace(APPROVED, fraction_groups=groups)))


def test_a_release_needs_a_reason() -> None:
    assert "needs a reason" in refused(said=asked(reason="  "))


PARTIAL = (fraction(1), record("9.2", delivery(1, 2, 40.0, termination_status=MACHINE), at=TUESDAY))


def test_a_begun_fraction_goes_on_only_when_a_physicist_decided() -> None:
    begun = facts(stands(*PARTIAL, plans=(APPROVED,)))

    assert "for a physicist to decide" in refused(begun)
    assert refusals(begun, asked(physicist="C. Maes")) == ()


def test_of_a_begun_fraction_every_beam_says_what_was_given_and_what_is_left() -> None:
    beams = session_beams(APPROVED, stands(*PARTIAL, plans=(APPROVED,)))

    assert [(one.delivered, one.left) for one in beams] == [(40.0, 60.0), (0.0, 100.0)]
    assert [one.left for one in session_beams(APPROVED, AT)] == [100.0, 100.0]


def test_a_beam_of_a_begun_fraction_that_was_given_whole_has_nothing_left() -> None:
    given_whole = (record("9.2", delivery(1, 1), delivery(2, 1, 30.0, termination_status=MACHINE)),)
    beams = session_beams(APPROVED, stands(*given_whole, plans=(APPROVED,)))

    assert [one.left for one in beams] == [0.0, 70.0]


def warned(of: Facts, now: datetime = TUESDAY) -> str:
    return " ".join(cautions(of, now=now, zone=ZoneInfo("Europe/Brussels")))


def test_a_second_fraction_on_one_day_is_warned_of() -> None:
    assert "given today already, at 10:00" in warned(facts(), MONDAY + timedelta(hours=7))
    assert warned(facts()) == ""


def test_what_the_machine_must_have_and_the_plan_does_not_say_is_warned_of() -> None:
    one = BeamDemand(
        beam_number=1,
        beam_name="a",
        radiation_type=RadiationType.PHOTON,
        technique="3D",
        treatment_machine_name="TB1",
        wedges=(Wedge(wedge_type="STANDARD", wedge_id="W30"),),
        bolus_count=1,
    )
    said = warned(facts(demand=replace(DEMAND, beams=(one,), setup_words=(), patient_positions=())))

    assert "Beam 1 needs wedge W30, bolus: at the machine?" in said
    assert "neither setup technique nor devices" in said
    assert "how the patient lies" in said


def test_a_matched_machine_of_another_name_is_warned_of() -> None:
    assert "The plan names TB1, not TB2" in warned(facts(machine_name="TB2"))


def test_a_folder_bears_two_identifiers_and_the_fraction() -> None:
    without = replace(PATIENT, birth_on=None, name="Müller-Lüdenscheidt^Jo")

    assert folder_name(PATIENT, 13, is_continuation=False) == "P1_born-1961-04-07_fraction-13"
    assert folder_name(without, 2, is_continuation=True) == "P1_name-MULLER-LUDENSCHEIDT_finish-fraction-2"
    with pytest.raises(PatientMismatch, match="no second identifier"):
        folder_name(replace(PATIENT, birth_on=None, name="山田^太郎"), 1, is_continuation=False)


@given(one=st.text(min_size=1, max_size=20), other=st.text(min_size=1, max_size=20))
def test_a_folder_name_is_one_plain_name_and_no_two_patient_ids_share_it(one: str, other: str) -> None:
    names = [
        folder_name(Patient(patient_id=text, name="X", birth_on=BORN), 1, is_continuation=False)
        for text in (one, other)
    ]

    assert (names[0] == names[1]) is (one == other)
    assert all(name.isascii() and name.isprintable() for name in names)
    assert not {"/", "\\", " ", ":", "*"} & set(names[0])
    assert not names[0].startswith(".")


def test_beams_without_meterset_are_no_part_of_a_session() -> None:
    setup = plan(beams=(beam(1, None), beam(2)), approval_status=ApprovalStatus.APPROVED)
    at = stands(record("9.1", delivery(2, 1)), plans=(setup,))

    assert [one.beam_number for one in session_beams(setup, at)] == [2]
    assert at.last_treated_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
