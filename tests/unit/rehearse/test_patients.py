"""What the invented patients must be: coherent, typed as real ones, made again byte for byte."""

from __future__ import annotations

from collections import Counter
from datetime import date
from io import BytesIO
from itertools import chain
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydicom import dcmread

from beamkeeper.rehearse.sim.patients import (
    cast_member,
    planning_objects,
    session_objects,
    sessions_before,
    working_day,
)
from beamkeeper.rehearse.sim.people import LONG_PATIENT_ID, person
from beamkeeper.rehearse.sim.seeded import Seed

ZONE = ZoneInfo("Europe/Brussels")
FIRST_DAY = date(2026, 3, 3)
CAST = range(8)


def _patient(index, seed=1):
    return cast_member(Seed(seed), index, FIRST_DAY)


@pytest.fixture(scope="module")
def planned():
    """For each patient: modality to its data sets."""
    found = {}
    for index in CAST:
        by_modality = found.setdefault(index, {})
        for _, data in planning_objects(_patient(index), ZONE):
            dataset = dcmread(BytesIO(data))
            by_modality.setdefault(dataset.Modality, []).append(dataset)
    return found


def _records(index):
    patient = _patient(index)
    for session in sessions_before(patient, FIRST_DAY):
        for _, data in session_objects(patient, session, ZONE):
            dataset = dcmread(BytesIO(data))
            if dataset.Modality == "RTRECORD":
                yield dataset


def _session_beams(record):
    return record.get("TreatmentSessionBeamSequence") or record.TreatmentSessionIonBeamSequence


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_uids():
    first = dict(planning_objects(_patient(3), ZONE))

    assert first == dict(planning_objects(_patient(3), ZONE))
    assert not set(first) & set(dict(planning_objects(_patient(3, seed=2), ZONE)))


def test_uids_are_made_from_uuids_and_within_64_characters(planned):
    for by_modality in planned.values():
        for dataset in chain.from_iterable(by_modality.values()):
            assert dataset.SOPInstanceUID.startswith("2.25.")
            assert len(dataset.SOPInstanceUID) <= 64


def test_the_cast_has_the_names_and_ids_that_break_software():
    people = [person(index) for index in CAST]
    names = Counter(one.name for one in people)

    assert names["Jansen^Maria"] == 2
    assert len({one.birth_on for one in people if one.name == "Jansen^Maria"}) == 2
    assert len(LONG_PATIENT_ID) == 64
    assert LONG_PATIENT_ID in {one.patient_id for one in people}
    assert any(one.patient_id.startswith("0") for one in people)
    assert {one.character_set for one in people} >= {("ISO_IR 100",), ("ISO_IR 192",), ("", "ISO 2022 IR 87")}
    assert any(one.name.count("=") == 2 for one in people)


def test_many_patients_have_different_ids():
    ids = [person(index).patient_id for index in range(400)]

    assert len(set(ids)) == 400


def test_every_name_reads_back_as_it_was_meant(planned):
    for index in CAST:
        assert str(planned[index]["RTPLAN"][0].PatientName) == person(index).name


def test_every_contour_lies_on_the_slice_it_names_and_inside_the_body(planned):
    for by_modality in planned.values():
        slices = {ct.SOPInstanceUID: ct for ct in by_modality["CT"]}
        (structures,) = by_modality["RTSTRUCT"]
        body = _patient_body(by_modality, structures)
        for roi in structures.ROIContourSequence:
            for contour in roi.ContourSequence:
                image = slices[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
                points = np.array(contour.ContourData, float).reshape(-1, 3)
                assert np.allclose(points[:, 2], float(image.ImagePositionPatient[2]), atol=0.005)
                assert (np.abs(points[:, :2]) <= body + 0.01).all()
        drawn_on = {
            item.ReferencedSOPInstanceUID
            for item in structures.ReferencedFrameOfReferenceSequence[0]
            .RTReferencedStudySequence[0]
            .RTReferencedSeriesSequence[0]
            .ContourImageSequence
        }
        assert drawn_on == set(slices)


def _patient_body(by_modality, structures):
    number = next(r.ROINumber for r in structures.StructureSetROISequence if r.ROIName == "BODY")
    roi = next(r for r in structures.ROIContourSequence if number == r.ReferencedROINumber)
    points = np.array(roi.ContourSequence[0].ContourData, float).reshape(-1, 3)
    return np.abs(points[:, :2]).max(axis=0)


def test_the_ct_shows_the_target_where_the_contours_are(planned):
    for index in CAST:
        target = _patient(index).anatomy().targets[0]
        ct = min(
            planned[index]["CT"],
            key=lambda one: abs(float(one.ImagePositionPatient[2]) - target.centre_mm[2]),
        )
        x0, y0 = (float(v) for v in ct.ImagePositionPatient[:2])
        spacing = float(ct.PixelSpacing[0])
        column, row = (round((c - o) / spacing) for c, o in zip(target.centre_mm[:2], (x0, y0), strict=True))
        hounsfield = ct.pixel_array.astype(int)[row - 1 : row + 2, column - 1 : column + 2] - 1024
        assert abs(hounsfield.mean() - _inner_hounsfield(index)) < 25


def _inner_hounsfield(index):
    return _patient(index).anatomy().targets[-1].hounsfield


def test_the_dose_lies_on_ct_voxels_and_gives_the_prescription_in_the_target(planned):
    for index in CAST:
        patient = _patient(index)
        for treatment, dose in zip(patient.treatments, planned[index]["RTDOSE"], strict=True):
            gy = dose.pixel_array * float(dose.DoseGridScaling)
            inside, distance = _in_target(dose, patient.anatomy().targets[treatment.target_index])
            ct = planned[index]["CT"][0]
            off = (
                np.array(dose.ImagePositionPatient[:2], float) - np.array(ct.ImagePositionPatient[:2], float)
            ) / (float(ct.PixelSpacing[0]))

            assert np.allclose(off, np.round(off), atol=1e-3)
            assert gy[inside].mean() == pytest.approx(treatment.total_dose_gy, rel=0.005)
            assert gy[inside].min() > 0.9 * treatment.total_dose_gy
            assert treatment.total_dose_gy < gy.max() < 1.075 * treatment.total_dose_gy
            assert inside[np.unravel_index(gy.argmax(), gy.shape)]
            assert gy[distance > 2.5].mean() < 0.3 * treatment.total_dose_gy


def _in_target(dose, target):
    frames, rows, columns = dose.pixel_array.shape
    x0, y0, z0 = (float(v) for v in dose.ImagePositionPatient)
    spacing = float(dose.PixelSpacing[0])
    z = z0 + np.array([float(v) for v in dose.GridFrameOffsetVector])[:, None, None]
    y = (y0 + spacing * np.arange(rows))[None, :, None]
    x = (x0 + spacing * np.arange(columns))[None, None, :]
    cx, cy, cz = target.centre_mm
    a, b, c = target.semi_axes_mm
    radius = np.sqrt(((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 + ((z - cz) / c) ** 2)
    assert frames == len(z)
    return radius < 1, radius


def test_beam_doses_add_up_to_the_prescription(planned):
    for by_modality in planned.values():
        for plan in by_modality["RTPLAN"]:
            (group,) = plan.FractionGroupSequence
            total = sum(float(beam.get("BeamDose") or 0) for beam in group.ReferencedBeamSequence)
            prescribed = float(plan.DoseReferenceSequence[0].TargetPrescriptionDose)

            assert total * int(group.NumberOfFractionsPlanned) == pytest.approx(prescribed, rel=0.001)


def test_leaves_open_around_the_target_and_never_cross(planned):
    for plan in (p for by_modality in planned.values() for p in by_modality["RTPLAN"] if "BeamSequence" in p):
        for beam in plan.BeamSequence:
            for point in beam.ControlPointSequence:
                for device in point.get("BeamLimitingDevicePositionSequence") or []:
                    first, second = np.array(device.LeafJawPositions, float).reshape(2, -1)
                    assert (first <= second).all()
                    assert device.RTBeamLimitingDeviceType != "MLCX" or (second - first).max() > 12


def test_all_techniques_of_a_department_are_there(planned):
    plans = [plan for by_modality in planned.values() for plan in by_modality["RTPLAN"]]
    beams = [beam for plan in plans for beam in plan.get("BeamSequence") or plan.IonBeamSequence]

    assert any(beam.get("NumberOfWedges") == 1 for beam in beams)
    assert any(beam.get("NumberOfBlocks") == 1 for beam in beams)
    assert any("ApplicatorSequence" in beam for beam in beams)
    assert {beam.RadiationType for beam in beams} == {"PHOTON", "ELECTRON", "PROTON"}
    assert any(len(planned[index]["RTPLAN"]) == 2 for index in CAST)
    assert any(
        len({p.get("GantryAngle") for p in beam.get("ControlPointSequence", [])}) > 40 for beam in beams
    )


@pytest.mark.parametrize("index", CAST)
def test_every_fraction_adds_up_to_the_metersets_of_its_plan(planned, index):
    planned_meterset = {
        (plan.SOPInstanceUID, int(beam.ReferencedBeamNumber)): float(beam.BeamMeterset)
        for plan in planned[index]["RTPLAN"]
        for beam in plan.FractionGroupSequence[0].ReferencedBeamSequence
        if "BeamMeterset" in beam
    }
    given = Counter()
    for record in _records(index):
        plan_uid = record.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID
        for beam in _session_beams(record):
            key = (plan_uid, int(beam.ReferencedBeamNumber), int(beam.CurrentFractionNumber))
            given[key] += float(beam.DeliveredPrimaryMeterset)
            assert float(beam.SpecifiedPrimaryMeterset) == pytest.approx(planned_meterset[key[:2]], abs=0.001)

    assert given
    for (plan_uid, beam_number, _), meterset in given.items():
        assert meterset == pytest.approx(planned_meterset[plan_uid, beam_number], abs=0.01)


def test_one_fraction_was_interrupted_and_continued_on_the_next_day():
    beams = [beam for record in _records(1) for beam in _session_beams(record)]
    stopped = [beam for beam in beams if beam.TreatmentTerminationStatus != "NORMAL"]
    rest = [beam for beam in beams if beam.TreatmentDeliveryType == "CONTINUATION"]

    assert [beam.TreatmentDeliveryType for beam in stopped] == ["TREATMENT"]
    assert [beam.CurrentFractionNumber for beam in rest] == [stopped[0].CurrentFractionNumber]
    assert float(stopped[0].DeliveredPrimaryMeterset) < 0.5 * float(stopped[0].SpecifiedPrimaryMeterset)


def test_some_machines_write_one_record_a_beam_and_some_one_a_fraction():
    per_record = {index: {len(_session_beams(record)) for record in _records(index)} for index in (0, 2)}

    assert per_record == {0: {2}, 2: {1}}


def test_nobody_is_treated_at_the_weekend_before_the_first_night():
    for index in CAST:
        for session in sessions_before(_patient(index), FIRST_DAY):
            assert session.on.weekday() < 5
            assert session.on < FIRST_DAY


def test_working_days_skip_the_weekend_both_ways():
    assert working_day(date(2026, 3, 6), 1) == date(2026, 3, 9)
    assert working_day(date(2026, 3, 9), -1) == date(2026, 3, 6)
