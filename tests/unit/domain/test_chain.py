"""What a plan stands on: found, missing by name, or another patient's."""

from __future__ import annotations

from course_builders import plan
from hypothesis import given
from hypothesis import strategies as st

from beamkeeper.domain.chain import Chain, ForeignObject, PlanChain, resolve_chain
from beamkeeper.domain.clinical import ClinicalObject, Content
from beamkeeper.domain.objects import ObjectKind, ObjectRef, Reference, ReferenceRole
from beamkeeper.domain.plan import ApprovalStatus
from beamkeeper.domain.volume import Image, Registration, StructureSet

STRUCTURE, FRAME = "2.1", "5.1"


def item(
    kind: ObjectKind,
    uid: str,
    content: Content | None = None,
    *,
    patient_id: str = "P1",
    **names: str,
) -> ClinicalObject:
    """Return an object; `plan="1.1"` and the like are its references."""
    ref = ObjectRef(
        sop_class_uid="",
        sop_instance_uid=uid,
        study_instance_uid="4.1",
        series_instance_uid="4.2",
        patient_id=patient_id,
        modality="",
        transfer_syntax_uid="",
        sha256="0" * 64,
        size_bytes=1,
    )
    references = tuple(
        Reference(role=ReferenceRole[role.upper()], sop_instance_uid=target) for role, target in names.items()
    )
    return ClinicalObject(ref=ref, kind=kind, label="", references=references, content=content)


def plan_item(uid: str = "1.1", **more: object) -> ClinicalObject:
    said = {"referenced_structure_set_uid": STRUCTURE} | more
    return item(ObjectKind.PLAN, uid, plan(uid, **said))


def structure(*images: str, patient_id: str = "P1") -> ClinicalObject:
    content = StructureSet(
        sop_instance_uid=STRUCTURE,
        patient_id=patient_id,
        structure_set_label="",
        referenced_image_uids=images,
        frame_of_reference_uids=(FRAME,),
    )
    return item(ObjectKind.STRUCTURE_SET, STRUCTURE, content, patient_id=patient_id)


def image(uid: str, patient_id: str = "P1") -> ClinicalObject:
    content = Image(sop_instance_uid=uid, patient_id=patient_id, modality="CT", frame_of_reference_uid=FRAME)
    return item(ObjectKind.IMAGE, uid, content, patient_id=patient_id)


def whole() -> list[ClinicalObject]:
    registration = Registration(
        sop_instance_uid="6.1", patient_id="P1", frame_of_reference_uids=("5.9", FRAME)
    )
    return [
        plan_item(),
        structure("3.1", "3.2"),
        image("3.1"),
        image("3.2"),
        item(ObjectKind.DOSE, "7.1", plan="1.1"),
        item(ObjectKind.TREATMENT_RECORD, "9.1", plan="1.1"),
        item(ObjectKind.RT_IMAGE, "8.1", plan="1.1"),
        item(ObjectKind.REGISTRATION, "6.1", registration),
    ]


def only(chain: Chain) -> PlanChain:
    (found,) = chain.plans
    return found


def test_a_whole_chain_is_followed_to_every_end() -> None:
    found = only(resolve_chain(whole()))

    assert (found.structure_set_found, found.image_uids) == (True, ("3.1", "3.2"))
    assert (found.dose_uids, found.record_uids) == (("7.1",), ("9.1",))
    assert (found.rt_image_uids, found.registration_uids) == (("8.1",), ("6.1",))
    assert (found.missing_image_uids, found.missing_dose_uids, found.foreign) == ((), (), ())


def test_missing_slices_are_named() -> None:
    found = only(resolve_chain([plan_item(), structure("3.1", "3.2", "3.3"), image("3.2")]))

    assert found.missing_image_uids == ("3.1", "3.3")


def test_a_missing_structure_set_is_named() -> None:
    found = only(resolve_chain([plan_item()]))

    assert (found.structure_set_uid, found.structure_set_found) == (STRUCTURE, False)


def test_an_object_that_is_no_structure_set_does_not_pass_for_one() -> None:
    found = only(resolve_chain([plan_item(), item(ObjectKind.OTHER, STRUCTURE)]))

    assert not found.structure_set_found


def test_another_patient_id_is_shown_and_not_merged() -> None:
    found = only(resolve_chain([plan_item(), structure("3.1", patient_id="P2"), image("3.1")]))

    assert not found.structure_set_found
    assert found.foreign == (
        ForeignObject(sop_instance_uid=STRUCTURE, kind=ObjectKind.STRUCTURE_SET, patient_id="P2"),
    )


def test_a_dose_that_names_no_plan_is_only_a_possible_one() -> None:
    found = only(resolve_chain([plan_item(), item(ObjectKind.DOSE, "7.1", structure_set=STRUCTURE)]))

    assert (found.dose_uids, found.possible_dose_uids) == ((), ("7.1",))


def test_doses_the_plan_names_are_looked_for() -> None:
    found = only(
        resolve_chain([plan_item(referenced_dose_uids=("7.1", "7.2")), item(ObjectKind.DOSE, "7.1")])
    )

    assert (found.dose_uids, found.missing_dose_uids) == (("7.1",), ("7.2",))


def test_what_names_no_plan_that_is_here_is_an_orphan() -> None:
    chain = resolve_chain(
        [*whole(), item(ObjectKind.TREATMENT_RECORD, "9.2"), item(ObjectKind.DOSE, "7.9", plan="1.9")]
    )

    assert chain.orphan_uids == ("7.9", "9.2")


def test_a_plan_that_derives_from_another_is_known_to_it() -> None:
    replan = plan_item(
        "1.2", related_plan_uids=(("PREDECESSOR", "1.1"),), approval_status=ApprovalStatus.APPROVED
    )
    chain = resolve_chain([plan_item(), replan])
    old = chain.find("1.1")

    assert old is not None
    assert [(other.relationship, other.sop_instance_uid, other.is_approved) for other in old.named_by] == [
        ("PREDECESSOR", "1.2", True)
    ]
    assert chain.find("1.7") is None


@given(st.permutations(whole()), st.lists(st.sampled_from(whole())))
def test_neither_order_nor_repetition_changes_a_chain(
    order: list[ClinicalObject], again: list[ClinicalObject]
) -> None:
    assert resolve_chain([*order, *again]) == resolve_chain(whole())
