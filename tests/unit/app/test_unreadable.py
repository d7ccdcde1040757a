"""Bytes that cannot be read are kept as they are, and never take the place of a good copy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from beamkeeper.app.jobs.looked import Arrived, Looked, PatientFacts
from beamkeeper.app.jobs.sealing import tonights_state
from beamkeeper.app.jobs.standing import current_versions, stand
from beamkeeper.domain.census import CensusEntry
from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.meterset import DEFAULT_TOLERANCE
from beamkeeper.domain.night import PatientNight
from beamkeeper.domain.objects import ObjectKind, ObjectRef, Reference, ReferenceRole
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import ApprovalStatus, Plan
from beamkeeper.vault import StoredObject

NIGHT_1, NIGHT_2 = date(2026, 3, 2), date(2026, 3, 3)
STRUCTURES, PLAN, DOSE = "1.2.3.1", "1.2.3.2", "1.2.3.3"
DOSE_CLASS = "1.2.840.10008.5.1.4.1.1.481.2"
STRUCTURE_SET_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
FACTS = PatientFacts(
    pseudonym="p", entry=CensusEntry(patient=Patient(patient_id="4711", name="A^B"), claims=())
)
GOOD = StoredObject(
    sop_class_uid=STRUCTURE_SET_CLASS,
    sop_instance_uid=STRUCTURES,
    study_instance_uid="1.2",
    series_instance_uid="1.2.3",
    patient_id="4711",
    modality="RTSTRUCT",
    transfer_syntax_uid="1.2.840.10008.1.2",
    sha256="aa" * 32,
    size_bytes=100,
    parcel="p/2026-03-02-1",
    member="dicom/RTSTRUCT/1.2.3.1.dcm",
    first_seen_on=NIGHT_1,
    last_seen_on=NIGHT_1,
)
CUT_SHORT = Arrived(
    sop_class_uid=STRUCTURE_SET_CLASS,
    sop_instance_uid=STRUCTURES,
    study_instance_uid="1.2",
    series_instance_uid="1.2.3",
    patient_id="4711",
    modality="RTSTRUCT",
    transfer_syntax_uid="1.2.840.10008.1.2",
    sha256="bb" * 32,
    size_bytes=50,
    pack="0.pack",
    offset=0,
    readable=False,
)


def looked(*arrived: Arrived) -> Looked:
    night = PatientNight(pseudonym="p", patient_id="4711", patient_name="A^B")
    seen = tuple((item.sop_instance_uid, item.sha256) for item in arrived)
    return Looked(night=night, facts=FACTS, arrived=arrived, seen=seen)


def test_what_cannot_be_read_does_not_supersede_the_last_good_version() -> None:
    after = tonights_state(looked(CUT_SHORT), [GOOD], night=NIGHT_2)

    assert {(item.sha256, item.superseded) for item in after} == {
        (GOOD.sha256, False),
        (CUT_SHORT.sha256, False),
    }
    assert current_versions(after)[STRUCTURES].sha256 == GOOD.sha256


def test_a_readable_version_supersedes_what_could_not_be_read() -> None:
    broken = tonights_state(looked(CUT_SHORT), [GOOD], night=NIGHT_2)
    mended = replace(CUT_SHORT, sha256="cc" * 32, readable=True)
    after = tonights_state(looked(mended), broken, night=NIGHT_2)

    assert [item.sha256 for item in after if not item.superseded] == [mended.sha256]


def test_a_plan_is_not_ready_by_a_dose_that_cannot_be_read() -> None:
    plan = Plan(
        sop_instance_uid=PLAN,
        patient_id="4711",
        rt_plan_label="P",
        approval_status=ApprovalStatus.APPROVED,
        referenced_dose_uids=(DOSE,),
    )
    ref = ObjectRef(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.481.5",
        sop_instance_uid=PLAN,
        study_instance_uid="1.2",
        series_instance_uid="1.2.4",
        patient_id="4711",
        modality="RTPLAN",
        transfer_syntax_uid="",
        sha256="dd" * 32,
        size_bytes=1,
    )
    to_dose = Reference(role=ReferenceRole.DOSE, sop_instance_uid=DOSE)
    described = ClinicalObject(ref=ref, kind=ObjectKind.PLAN, label="P", references=(to_dose,), content=plan)
    facts = replace(FACTS, objects=(described,))
    dose = {"sop_instance_uid": DOSE, "sop_class_uid": DOSE_CLASS, "modality": "RTDOSE"}
    missing = f"A dose the plan refers to is missing ({DOSE})."
    _, (unreadable,) = stand(facts, [replace(CUT_SHORT, **dose)], tolerance=DEFAULT_TOLERANCE)
    _, (readable,) = stand(facts, [replace(GOOD, **dose)], tolerance=DEFAULT_TOLERANCE)

    assert missing in unreadable.blocking
    assert missing not in readable.blocking
