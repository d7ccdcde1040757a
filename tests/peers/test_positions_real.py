"""Positions from records that real systems wrote (IHE-RO test data): whole and interrupted fractions."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.domain.chain import resolve_chain
from beamkeeper.domain.counting import course_position
from beamkeeper.domain.objects import ObjectKind
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.position import ConflictKind, PlanPosition
from beamkeeper.domain.readiness import readiness
from beamkeeper.domain.record import TreatmentRecord
from beamkeeper.errors import SourceAnswerInvalid
from beamkeeper.wire.dicom.reader import read_object

PATIENT, OTHER_PATIENT = "IHE-RO TDW-II 2013", "TDW-2010"


def read_all(folder):
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix == ".dcm":
            try:
                found.append(read_object(path.read_bytes(), zone=ZoneInfo("UTC")))
            except SourceAnswerInvalid:
                continue  # worklist messages lie beside the objects
    return found


@pytest.fixture(scope="module")
def objects(real_data):
    return read_all(real_data / "ihero-treatment-records" / "dicom")


def contents(objects, kind):
    return [item.content for item in objects if isinstance(item.content, kind)]


def stands(objects, *, merge: bool = False) -> dict[str, PlanPosition]:
    records = contents(objects, TreatmentRecord)
    if merge:
        records = [replace(record, patient_id=PATIENT) for record in records]
    plans = [plan for plan in contents(objects, Plan) if plan.patient_id == PATIENT]
    position = course_position(plans, records, patient_id=PATIENT)
    return {at.rt_plan_label: at for at in position.plans}


def test_the_whole_proton_fraction_is_told_from_the_interrupted_one(objects):
    at = stands(objects)["Plan3"]

    assert (at.fractions_planned, at.fractions_complete, at.fractions_partial) == (30, 1, 1)
    assert [(state.fraction_number, state.complete) for state in at.fractions] == [(1, True), (4, False)]
    ((beam_number, delivered, specified),) = at.fractions[1].partial_beams
    assert (beam_number, round(delivered, 1), round(specified, 1)) == (1, 4294.7, 9335.7)
    assert (at.next_fraction_number, at.next_is_continuation) == (4, True)
    assert {conflict.kind for conflict in at.conflicts} == {ConflictKind.SKIPPED_FRACTION}


def test_a_photon_fraction_rounded_short_of_its_meterset_is_whole(objects):
    at = stands(objects)["76Plan2_1path"]

    assert (at.fractions_complete, at.fractions_partial, at.next_fraction_number) == (1, 0, 5)


def test_the_interrupted_photon_record_names_another_patient_and_is_shown_not_merged(objects):
    records = contents(objects, TreatmentRecord)
    plans = [plan for plan in contents(objects, Plan) if plan.patient_id == PATIENT]
    position = course_position(plans, records, patient_id=PATIENT)
    interrupted = [record.sop_instance_uid for record in records if record.patient_id == OTHER_PATIENT]
    (shown,) = [c for c in position.conflicts if OTHER_PATIENT in c.text]

    assert shown.kind is ConflictKind.PATIENT_DIFFERS
    assert list(shown.record_uids) == interrupted
    assert set(interrupted) <= set(position.unassigned_record_uids)


def test_under_one_patient_id_the_interrupted_photon_fraction_comes_first(objects):
    at = stands(objects, merge=True)["76Plan2_1path"]

    assert [(state.fraction_number, state.complete) for state in at.fractions] == [(3, False), (4, True)]
    assert at.fractions[0].partial_beams == ((1, 46.27914, pytest.approx(509.0707)),)
    assert (at.next_fraction_number, at.next_is_continuation) == (3, True)
    assert ConflictKind.PARTIAL_LEFT_BEHIND in {conflict.kind for conflict in at.conflicts}


def test_records_lying_in_two_folders_count_once(objects):
    uids = [record.sop_instance_uid for record in contents(objects, TreatmentRecord)]

    assert len(uids) > len(set(uids))
    assert ConflictKind.SUSPECTED_DUPLICATE not in {
        c.kind for at in stands(objects).values() for c in at.conflicts
    }


def test_a_plan_without_beams_counts_nothing_and_says_so(objects):
    records = contents(objects, TreatmentRecord)
    position = course_position(contents(objects, Plan), records, patient_id="IHERO-2009")
    (at,) = position.plans

    assert at.fractions == ()
    assert {conflict.kind for conflict in at.conflicts} == {ConflictKind.UNKNOWN_BEAM}
    assert set(at.conflicts[0].record_uids) <= set(position.unassigned_record_uids)


def test_the_two_patient_ids_of_the_proton_study_are_shown_not_merged(real_data):
    found = read_all(real_data / "proton-dcpt-let" / "dicom" / "plan03_ramp_full")
    chain = resolve_chain(found)
    foreign = {(item.kind, item.patient_id) for one in chain.plans for item in one.foreign}

    assert foreign == {(ObjectKind.STRUCTURE_SET, "WTR303030"), (ObjectKind.DOSE, "WTR303030")}
    for plan in contents(found, Plan):
        verdict = readiness(plan, chain, course_position([plan], [], patient_id=plan.patient_id))
        assert [text for text in verdict.blocking if "'WTR303030'" in text]


@pytest.mark.parametrize(
    ("folder", "here", "missing"),
    [
        ("monaco-hn-proknow", 5, 0),
        ("ihero-brto-fullrefset", 39, 0),
        ("eclipse-breast-dicompyler", 0, 97),
        ("eclipse-prostate-slicerrt", 0, 92),
    ],
)
def test_the_slices_a_plan_stands_on_are_counted_by_name(real_data, folder, here, missing):
    (found, *_) = resolve_chain(read_all(real_data / folder / "dicom")).plans

    assert (found.structure_set_found, len(found.image_uids), len(found.missing_image_uids)) == (
        True,
        here,
        missing,
    )
