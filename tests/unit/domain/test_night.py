"""What a night counts."""

from __future__ import annotations

from datetime import UTC, date, datetime

from beamkeeper.domain.change import DOCUMENT, Grade, ObjectComparison
from beamkeeper.domain.night import NightOutcome, NightReport, PatientNight
from beamkeeper.protect.report.words import counted

AT = datetime(2026, 11, 22, 2, tzinfo=UTC)


def changed(kind: str, grade: Grade) -> ObjectComparison:
    return ObjectComparison(
        sop_instance_uid="", sop_class_uid="", kind=kind, modality="", label="", grade=grade
    )


def test_documents_are_told_from_objects_of_the_same_grade() -> None:
    found = (
        changed("plan", Grade.CLINICAL),
        changed(DOCUMENT, Grade.CLINICAL),
        changed("dose", Grade.CLINICAL),
        changed(DOCUMENT, Grade.MISSING),
    )
    patient = PatientNight(pseudonym="p1", patient_id="1", patient_name="A^B", comparisons=found)
    report = NightReport(
        run_on=date(2026, 11, 22),
        site_name="Example",
        time_zone="UTC",
        started_at=AT,
        finished_at=AT,
        outcome=NightOutcome.COMPLETE,
        sources=(),
        patients=(patient,),
    )

    assert (report.count(Grade.CLINICAL), report.documents(Grade.CLINICAL)) == (3, 1)
    assert (report.count(Grade.MISSING), report.documents(Grade.MISSING)) == (1, 1)
    assert counted(report, Grade.CLINICAL) == "2 objects and 1 document"
    assert counted(report, Grade.MISSING) == "1 document"
