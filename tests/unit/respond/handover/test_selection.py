"""What goes along with the plans of a patient: everything they lead to, and what was given by any other."""

from __future__ import annotations

import pytest
from course_builders import plan

from beamkeeper.domain.clinical import ClinicalObject, Content
from beamkeeper.domain.objects import ObjectKind, ObjectRef, Reference, ReferenceRole
from beamkeeper.domain.volume import Image, Registration, StructureSet
from beamkeeper.respond.handover.selection import select

PLANNED, OTHER = "5.1", "5.9"
"""Frames of reference: of the planning CT, and of a course years ago."""


def item(kind: ObjectKind, uid: str, content: Content | None = None, **names: str) -> ClinicalObject:
    ref = ObjectRef(
        sop_class_uid="",
        sop_instance_uid=uid,
        study_instance_uid="4.1",
        series_instance_uid="4.2",
        patient_id="P1",
        modality="",
        transfer_syntax_uid="",
        sha256="0" * 64,
        size_bytes=1,
    )
    references = tuple(
        Reference(role=ReferenceRole[role.upper()], sop_instance_uid=to) for role, to in names.items()
    )
    return ClinicalObject(ref=ref, kind=kind, label="", references=references, content=content)


def image(uid: str, frame: str) -> ClinicalObject:
    content = Image(sop_instance_uid=uid, patient_id="P1", modality="CT", frame_of_reference_uid=frame)
    return item(ObjectKind.IMAGE, uid, content)


def structures(uid: str, frame: str, *images: str) -> ClinicalObject:
    content = StructureSet(
        sop_instance_uid=uid,
        patient_id="P1",
        structure_set_label="",
        referenced_image_uids=images,
        frame_of_reference_uids=(frame,),
    )
    return item(ObjectKind.STRUCTURE_SET, uid, content)


EVERYTHING = {
    "plan": item(ObjectKind.PLAN, "1.1", plan("1.1", referenced_structure_set_uid="2.1")),
    "structures": structures("2.1", PLANNED, "3.1"),
    "planning CT": image("3.1", PLANNED),
    "set-up CT in the same frame": image("3.2", PLANNED),
    "dose": item(ObjectKind.DOSE, "7.1", plan="1.1"),
    "record": item(ObjectKind.TREATMENT_RECORD, "9.1", plan="1.1"),
    "portal image": item(ObjectKind.RT_IMAGE, "8.1", plan="1.1"),
    "registration": item(
        ObjectKind.REGISTRATION,
        "6.1",
        Registration(sop_instance_uid="6.1", patient_id="P1", frame_of_reference_uids=(PLANNED, "5.5")),
    ),
    "image joined by it": image("3.3", "5.5"),
    "record of another plan": item(ObjectKind.TREATMENT_RECORD, "9.2", plan="1.2"),
}
LEFT = {
    "another plan": item(ObjectKind.PLAN, "1.2", plan("1.2", referenced_structure_set_uid="2.2")),
    "its structures": structures("2.2", OTHER, "3.9"),
    "its CT": image("3.9", OTHER),
    "its dose": item(ObjectKind.DOSE, "7.2", plan="1.2"),
    "its portal image": item(ObjectKind.RT_IMAGE, "8.2", plan="1.2"),
}


@pytest.mark.parametrize("what", EVERYTHING)
def test_what_a_plan_leads_to_goes_along(what: str) -> None:
    found = select([*EVERYTHING.values(), *LEFT.values()], ["1.1"])

    assert EVERYTHING[what].ref in found.chosen


def test_what_no_chosen_plan_leads_to_stays_and_is_counted() -> None:
    found = select([*EVERYTHING.values(), *LEFT.values()], ["1.1"])

    assert {one.sop_instance_uid for one in found.left_out} == {
        one.ref.sop_instance_uid for one in LEFT.values()
    }
