"""An object that came for one patient and names another is never merely new."""

from __future__ import annotations

from beamkeeper.app.jobs.standing import foreign_in_words, with_foreign_named, with_moved_named
from beamkeeper.domain.change import Grade, ObjectComparison
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.objects import ObjectKind, ObjectRef


def named(uid: str, kind: ObjectKind) -> ClinicalObject:
    ref = ObjectRef(
        sop_class_uid="1.2",
        sop_instance_uid=uid,
        study_instance_uid="1.2",
        series_instance_uid="1.2.3",
        patient_id="SOMEBODY-ELSE",
        modality="RTPLAN",
        transfer_syntax_uid="",
        sha256="aa" * 32,
        size_bytes=1,
    )
    return ClinicalObject(ref=ref, kind=kind, label=uid)


def new(uid: str, grade: Grade = Grade.NEW) -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid=uid,
        sop_class_uid="1.2",
        modality="RTPLAN",
        kind="plan",
        label=uid,
        grade=grade,
        expected="kept for the first time",
    )


def test_a_new_plan_of_another_patient_needs_eyes_although_new_ones_were_expected() -> None:
    foreign, own = with_foreign_named([new("1"), new("2")], [named("1", ObjectKind.PLAN)])

    assert foreign.needs_eyes
    assert "another Patient ID" in foreign.changes[0].text
    assert "SOMEBODY-ELSE" not in foreign.changes[0].text
    assert not own.needs_eyes


def test_foreign_images_are_counted_in_one_sentence() -> None:
    images = [named(str(number), ObjectKind.IMAGE) for number in range(3)]
    (compared,) = with_foreign_named([new("1")], images)

    assert not compared.needs_eyes
    assert foreign_in_words(images)[0].startswith("3 objects name another Patient ID")
    assert foreign_in_words([]) == ()


def test_a_new_object_that_another_patient_has_needs_eyes_although_new_ones_were_expected() -> None:
    held = frozenset({"1", "3"})
    items = [new("1"), new("2"), new("3", Grade.RE_ENCODED)]
    moved, own, known = with_moved_named(items, lambda uids: held & frozenset(uids))

    assert moved.needs_eyes
    assert "kept under another patient" in moved.changes[0].text
    assert (own, known) == (items[1], items[2])
