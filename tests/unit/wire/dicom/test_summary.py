"""A computed summary says how far a course is, by whom it was counted, and nothing that is not known."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmread
from tests.unit.domain.course_builders import MACHINE, MONDAY, beam, delivery, fraction, plan, record, stands

from beamkeeper.clock import zone
from beamkeeper.domain.objects import ObjectKind, ObjectRef
from beamkeeper.domain.patient import Patient
from beamkeeper.domain.plan import FractionGroup
from beamkeeper.domain.position import Conflict, ConflictKind
from beamkeeper.domain.record import TerminationStatus, TreatmentSummary
from beamkeeper.domain.setup import DoseReference
from beamkeeper.wire.dicom.reader import read_object, read_patient
from beamkeeper.wire.dicom.summary import SummaryFacts, treatment_summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom import Dataset

BRUSSELS = zone("Europe/Brussels")
TARGET = DoseReference(dose_reference_type="TARGET", description="PTV 60", target_prescription_dose_gy=60.0)
PLAN = plan(dose_references=(TARGET,))
JANE = Patient(
    patient_id="4711", issuer_of_patient_id="HOME", name="Doë^Jane", birth_on=date(1970, 1, 31), sex="F"
)


def ref(uid: str = "1.1", kind: str = "481.5") -> ObjectRef:
    return ObjectRef(
        sop_class_uid=f"1.2.840.10008.5.1.4.1.1.{kind}",
        sop_instance_uid=uid,
        study_instance_uid="1.2.3",
        series_instance_uid="1.2.4",
        patient_id="4711",
        modality="RTPLAN",
        transfer_syntax_uid="",
        sha256="",
        size_bytes=0,
    )


def facts(*records: object, of: object = PLAN, **more: object) -> SummaryFacts:
    said: dict[str, object] = {
        "patient": JANE,
        "site_name": "Höme",
        "plan": of,
        "plan_ref": ref(),
        "position": stands(*records, plans=(of,)),
        "records": tuple(ref(f"1.2.{one.sop_instance_uid}", "481.4") for one in records),
        "known_until": MONDAY + timedelta(days=20),
        "made_at": datetime(2026, 3, 22, 20, tzinfo=UTC),
        "zone": BRUSSELS,
    }
    return SummaryFacts(**(said | more))


def read(given: SummaryFacts) -> Dataset:
    return dcmread(io.BytesIO(treatment_summary(given)))


HALFWAY = facts(*(fraction(number) for number in range(1, 13)))
BEGUN = facts(fraction(1), record("8", delivery(1, 2, 40.0, termination_status=MACHINE)))
FINISHED = facts(*(fraction(number) for number in range(1, 31)))
NOT_STARTED = facts()


def test_another_reader_counts_what_was_counted() -> None:
    """Our own reader, told that somebody else made it: ours are no second opinion."""
    data = treatment_summary(HALFWAY).replace(b"Beamkeeper\x08\x00", b"Another   \x08\x00")
    item = read_object(data, zone=BRUSSELS)
    summary = item.content

    assert isinstance(summary, TreatmentSummary)
    assert (summary.number_of_fractions_planned, summary.number_of_fractions_delivered) == (30, 12)
    assert summary.current_treatment_status == "ON_TREATMENT"
    assert summary.referenced_plan_uid == "1.1"
    assert [one.fraction_number for one in summary.fractions] == list(range(1, 13))
    assert summary.fractions[0].treated_at == MONDAY
    assert {one.termination_status for one in summary.fractions} == {TerminationStatus.NORMAL}
    assert item.warnings == ()
    assert read_patient(data, zone=BRUSSELS) == JANE


def test_our_count_of_earlier_is_no_second_opinion_when_it_comes_back() -> None:
    item = read_object(treatment_summary(HALFWAY), zone=BRUSSELS)

    assert item.content is None
    assert item.kind is ObjectKind.TREATMENT_SUMMARY
    assert item.label == "summary, computed by Beamkeeper"
    assert next(one.sop_instance_uid for one in item.references) == "1.1"


@pytest.mark.parametrize(
    ("given", "status"), [(NOT_STARTED, "NOT_STARTED"), (BEGUN, "ON_TREATMENT"), (FINISHED, "COMPLETED")]
)
def test_the_status_is_what_records_can_show(given: SummaryFacts, status: str) -> None:
    assert read(given).CurrentTreatmentStatus == status


def test_a_fraction_that_was_begun_is_not_counted_and_is_named() -> None:
    item = read(BEGUN)
    (group,) = item.FractionGroupSummarySequence

    assert group.NumberOfFractionsDelivered == 1
    assert [one.TreatmentTerminationStatus for one in group.FractionStatusSummarySequence] == [
        "NORMAL",
        "UNKNOWN",
    ]
    assert "1 begun and not finished" in item.TreatmentStatusComment
    assert "TreatmentSummaryCalculatedDoseReferenceSequence" not in item


def test_it_is_marked_as_ours_and_as_computed_from_named_records() -> None:
    item = read(HALFWAY)

    assert item.Manufacturer == "Beamkeeper"
    assert item.TreatmentStatusComment.startswith("Computed by Beamkeeper from 12 treatment records")
    assert "no record of a delivery" in item.TreatmentStatusComment
    assert [one.ReferencedSOPInstanceUID for one in item.ReferencedTreatmentRecordSequence] == [
        f"1.2.9.{number}" for number in range(1, 13)
    ]
    assert item.StudyInstanceUID == "1.2.3"
    assert (item.FirstTreatmentDate, item.MostRecentTreatmentDate) == ("20260302", "20260313")


def test_the_dose_to_the_target_is_said_where_it_is_known() -> None:
    (dose,) = read(HALFWAY).TreatmentSummaryCalculatedDoseReferenceSequence

    assert (dose.DoseReferenceDescription, dose.CumulativeDoseToDoseReference) == ("PTV 60", 24)


@pytest.mark.parametrize(
    "of",
    [
        plan(),
        replace(PLAN, beams=(beam(1, beam_dose_gy=1.2), beam(2))),
        replace(
            PLAN,
            fraction_groups=(
                FractionGroup(fraction_group_number=1, number_of_fractions_planned=None, beam_numbers=(1, 2)),
            ),
        ),
    ],
    ids=["no prescription", "the beams say another dose", "no number planned"],
)
def test_a_dose_that_is_not_known_is_not_said(of: object) -> None:
    assert "TreatmentSummaryCalculatedDoseReferenceSequence" not in read(facts(fraction(1), of=of))


def test_what_the_records_do_not_agree_on_is_said() -> None:
    item = read(facts(fraction(1), fraction(3)))

    assert "NOT CERTAIN" in item.TreatmentStatusComment
    assert "Fraction 2 left no record" in item.TreatmentStatusComment


def test_more_disagreements_than_there_is_room_for_are_counted() -> None:
    conflicts = tuple(
        Conflict(kind=ConflictKind.SKIPPED_FRACTION, text=f"Fraction {n} " + "é" * 90) for n in range(40)
    )
    comment = read(
        replace(HALFWAY, position=replace(HALFWAY.position, conflicts=conflicts))
    ).TreatmentStatusComment

    assert len(comment) <= 1024
    assert comment.endswith("more sentences are in the dossier.)")
    assert "NOT CERTAIN, 40 things" in comment


def test_the_same_facts_are_the_same_object_and_one_more_fraction_another() -> None:
    later = facts(*(fraction(number) for number in range(1, 14)))
    once, twice, more = (read(one) for one in (HALFWAY, HALFWAY, later))

    assert treatment_summary(HALFWAY) == treatment_summary(HALFWAY)
    assert once.SOPInstanceUID == twice.SOPInstanceUID != more.SOPInstanceUID
    assert once.SeriesInstanceUID == more.SeriesInstanceUID


def test_a_position_of_another_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="different plans"):
        replace(HALFWAY, plan_ref=ref("1.9"))


@pytest.mark.parametrize(
    "given",
    [
        HALFWAY,
        BEGUN,
        FINISHED,
        NOT_STARTED,
        replace(HALFWAY, patient=Patient(patient_id="x\\y" * 40, name="A\x00^B" * 30 + "=" * 9, sex="?")),
    ],
    ids=["halfway", "begun", "finished", "not started", "hostile"],
)
def test_the_validator_has_no_complaint(
    given: SummaryFacts, tmp_path: Path, program: Callable[[str], str]
) -> None:
    path = tmp_path / "summary.dcm"
    path.write_bytes(treatment_summary(given))
    done = subprocess.run(
        [program("dciodvfy"), "-new", str(path)], capture_output=True, text=True, check=False
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]

    assert done.returncode == 0, said
    assert [line for line in said if "DICOMDIR" not in line and "dicomdir" not in line] == [
        "RTTreatmentSummaryRecord"
    ]
