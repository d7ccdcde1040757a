"""Ready to treat, or the named things that are missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from course_builders import beam, delivery, fraction, plan, position, record

from beamkeeper.domain.chain import Chain, ForeignObject, PlanChain, RelatedPlan
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import ApprovalStatus, DeliveryType, FractionGroup, Plan
from beamkeeper.domain.readiness import Readiness, readiness

APPROVED = plan(approval_status=ApprovalStatus.APPROVED)
WHOLE = PlanChain(
    plan_uid="1.1",
    structure_set_uid="2.1",
    structure_set_found=True,
    image_uids=("3.1", "3.2"),
    images_in_frame_count=2,
    dose_uids=("7.1",),
)


def judge(said: Plan = APPROVED, chain: PlanChain = WHOLE, *records: object) -> Readiness:
    return readiness(said, Chain(plans=(chain,)), position(*records, plans=(said,)))  # type: ignore[arg-type]


def test_a_whole_approved_plan_is_ready_and_needs_no_remark() -> None:
    found = judge(APPROVED, WHOLE, fraction(1))

    assert found.is_ready
    assert found.remarks == ()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (ApprovalStatus.UNAPPROVED, "Not approved: the plan says UNAPPROVED."),
        (ApprovalStatus.REJECTED, "Not approved: the plan says REJECTED."),
        (
            ApprovalStatus.UNKNOWN,
            "Not approved as far as anyone can tell: the plan says nothing about approval.",
        ),
    ],
)
def test_only_an_approved_plan_is_ready(status: ApprovalStatus, words: str) -> None:
    assert judge(replace(APPROVED, approval_status=status)).blocking == (words,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"structure_set_found": False}, "The structure set is missing (2.1)."),
        ({"structure_set_uid": None, "structure_set_found": False}, "The plan refers to no structure set."),
        ({"missing_image_uids": ("3.3",)}, "1 of 3 planning images are missing (3.3)."),
        (
            {"missing_image_uids": tuple(f"3.{n}" for n in range(10, 18))},
            "8 of 10 planning images are missing (3.10, 3.11 and 6 more).",
        ),
        ({"image_uids": (), "images_in_frame_count": 0}, "No planning image is here."),
        ({"dose_uids": ()}, "No dose refers to the plan."),
        ({"missing_dose_uids": ("7.2",)}, "A dose the plan refers to is missing (7.2)."),
        (
            {"foreign": (ForeignObject(sop_instance_uid="7.3", kind=ObjectKind.DOSE, patient_id="P2"),)},
            "The plan has Patient ID 'P1', but its dose 'P2'.",
        ),
        (
            {"missing_plan_uids": (("CONCURRENT", "1.2"),)},
            "It is given together with a plan that is missing (1.2).",
        ),
    ],
)
def test_what_is_missing_from_the_chain_is_named(change: dict[str, object], words: str) -> None:
    assert judge(APPROVED, replace(WHOLE, **change)).blocking == (words,)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"plan_intent": "VERIFICATION"}, "The plan is for VERIFICATION, not for treating a patient."),
        (
            {"beams": (beam(1), beam(2, treatment_machine_name=" "))},
            "No machine is named for beam 2.",
        ),
        (
            {"beams": (beam(1), beam(2, None))},
            "No meterset for beam 2 (Arc 2): a setup field, or something is missing.",
        ),
        (
            {"beams": (beam(1, None), beam(2, None))},
            "No meterset for beam 1 (Arc 1), 2 (Arc 2): a setup field, or something is missing.",
        ),
        (
            {"beams": (beam(1, None, delivery_type=DeliveryType.SETUP),)},
            "The plan has no beam to treat with.",
        ),
        (
            {
                "fraction_groups": (
                    FractionGroup(
                        fraction_group_number=1, number_of_fractions_planned=None, beam_numbers=(1, 2)
                    ),
                )
            },
            "The plan does not say how many fractions are planned.",
        ),
    ],
)
def test_what_the_plan_lacks_is_named(change: dict[str, object], words: str) -> None:
    assert judge(replace(APPROVED, **change)).blocking == (words,)  # type: ignore[arg-type]


def test_a_setup_beam_needs_no_meterset() -> None:
    assert judge(replace(APPROVED, beams=(beam(1), beam(9, None, delivery_type=DeliveryType.SETUP)))).is_ready


def test_a_plan_without_patient_geometry_needs_no_structure_set() -> None:
    found = judge(
        replace(APPROVED, geometry="TREATMENT_DEVICE"),
        replace(WHOLE, structure_set_uid=None, structure_set_found=False),
    )

    assert found.is_ready
    assert len(found.remarks) == 1


def test_an_uncertain_position_blocks_and_says_why() -> None:
    found = judge(APPROVED, WHOLE, record("9.1", delivery(1, None)))

    assert [text for text in found.blocking if "which fraction" in text]


def test_a_record_without_plan_blocks_every_plan_of_the_patient() -> None:
    assert not judge(APPROVED, WHOLE, record("9.1", delivery(), plan_uid=None)).is_ready


def test_a_record_of_another_plan_does_not_block_this_one() -> None:
    found = judge(APPROVED, WHOLE, record("9.1", delivery(), plan_uid="1.7"))

    assert found.is_ready
    assert "1.7" in found.remarks[0]


def test_an_uncounted_position_blocks() -> None:
    found = readiness(APPROVED, Chain(plans=(WHOLE,)), None)

    assert found.blocking == ("Where the course stands is not known.",)


def test_a_begun_fraction_and_a_finished_plan_are_remarked() -> None:
    begun = judge(APPROVED, WHOLE, record("9.1", delivery(1)))
    finished = judge(APPROVED, WHOLE, *(fraction(n) for n in range(1, 31)))

    assert begun.remarks == ("Fraction 1 was begun and must be completed first.",)
    assert finished.remarks == ("All 30 fractions are given.",)


@pytest.mark.parametrize(
    ("relationship", "approved", "ready"),
    [
        ("PREDECESSOR", True, False),
        ("PREDECESSOR", False, True),
        ("PRIOR", False, True),
        ("CONCURRENT", True, True),
    ],
)
def test_only_an_approved_plan_derived_from_this_one_blocks_it(
    relationship: str, *, approved: bool, ready: bool
) -> None:
    other = RelatedPlan(
        relationship=relationship, sop_instance_uid="1.2", rt_plan_label="replan", is_approved=approved
    )
    found = judge(APPROVED, replace(WHOLE, named_by=(other,)))

    assert found.is_ready == ready
    assert "'replan'" in (*found.blocking, *found.remarks)[0]


def test_an_approved_plan_that_follows_is_remarked_and_does_not_block() -> None:
    boost = replace(
        APPROVED, sop_instance_uid="1.2", rt_plan_label="boost", related_plan_uids=(("PRIOR", "1.1"),)
    )
    found = readiness(APPROVED, Chain(plans=(WHOLE,)), position(plans=(APPROVED, boost)))

    assert found.is_ready
    assert [text for text in found.remarks if "'boost'" in text]


def test_a_plan_that_is_not_among_the_objects_is_not_ready() -> None:
    assert not readiness(APPROVED, Chain(plans=()), position(plans=(APPROVED,))).is_ready
