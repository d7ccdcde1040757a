"""What changed is told in a physicist's words, graded, and without names."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING

import pytest
from pydicom import Dataset
from tests.unit.protect.compare.re_encoding import encoded, whole
from tests.unit.protect.compare.synthetic_objects import OBJECTS, ct_slice, dose, record, structure_set
from tests.unit.protect.compare.synthetic_plans import (
    brachy_plan,
    electron_plan,
    ion_plan,
    item,
    photon_plan,
    vmat_plan,
)

from beamkeeper.domain.change import Change, Grade, ObjectComparison
from beamkeeper.protect.compare import CompareRules, compare_objects

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = CompareRules()


def compared(build: Callable[[], Dataset], edit: Callable[[Dataset], object]) -> ObjectComparison:
    altered = build()
    edit(altered)
    return compare_objects(whole(build()), whole(altered), rules=RULES)


def only(build: Callable[[], Dataset], edit: Callable[[Dataset], object]) -> Change:
    (change,) = compared(build, edit).changes
    return change


def point(plan: Dataset, beam: int, index: int) -> Dataset:
    return plan.BeamSequence[beam - 1].ControlPointSequence[index]


def test_one_leaf_is_told_by_beam_control_point_pair_and_bank() -> None:
    def edit(plan: Dataset) -> None:
        point(plan, 2, 7).BeamLimitingDevicePositionSequence[0].LeafJawPositions[31] = "9.1"

    old = point(vmat_plan(), 2, 7).BeamLimitingDevicePositionSequence[0].LeafJawPositions[31]
    change = only(vmat_plan, edit)

    assert change.text == f"Beam 2, control point 7, leaf pair 12 (bank X2): {float(old):g} → 9.1 mm"
    assert change.path == (
        "BeamSequence[BeamNumber=2]/ControlPointSequence[7]/"
        "BeamLimitingDevicePositionSequence[RTBeamLimitingDeviceType=MLCX]/LeafJawPositions[31]"
    )
    assert (change.old, change.new) == (str(old), "9.1")
    assert change.grade is Grade.CLINICAL


def test_many_leaves_are_one_sum_with_the_largest_then_the_first_ten() -> None:
    def edit(plan: Dataset) -> None:
        for index in range(12):
            position = point(plan, 1, index).BeamLimitingDevicePositionSequence[-1]
            position.LeafJawPositions = [float(value) + 0.5 for value in position.LeafJawPositions]
        point(plan, 1, 3).BeamLimitingDevicePositionSequence[0].LeafJawPositions[0] = "-150"

    found = compared(vmat_plan, edit)

    assert len(found.changes) == 11
    assert found.changes[0].text.startswith("Beam 1: 480 leaf and jaw positions changed at 12 control points")
    assert "largest: control point 3, leaf pair 1 (bank X1)" in found.changes[0].text
    assert found.changes[0].text.endswith("→ -150 mm")


CASES = [
    (vmat_plan, "beam 1 3 GantryAngle", "17.5", "Beam 1, control point 3: Gantry Angle 187 → 17.5°"),
    (vmat_plan, "beam 1 0 NominalBeamEnergy", "10", "Beam 1, control point 0: Nominal Beam Energy 6 → 10 MV"),
    (
        electron_plan,
        "beam 1 0 NominalBeamEnergy",
        "9",
        "Beam 1, control point 0: Nominal Beam Energy 12 → 9 MeV",
    ),
    (vmat_plan, "beam 2 0 DoseRateSet", "400", "Beam 2, control point 0: Dose Rate Set 600 → 400 MU/min"),
    (
        vmat_plan,
        "beam 2 0 IsocenterPosition",
        ["1.5", "-20", "31"],
        "Beam 2, control point 0: Isocenter Position (1.5, -20, 30) → (1.5, -20, 31) mm",
    ),
    (
        vmat_plan,
        "FractionGroupSequence 0 NumberOfFractionsPlanned",
        "25",
        "Fraction group 1: Number of Fractions Planned 30 → 25",
    ),
    (
        vmat_plan,
        "FractionGroupSequence 0 ReferencedBeamSequence 1 BeamMeterset",
        "260",
        "Fraction group 1, beam 2: Beam Meterset 252.5 → 260 MU",
    ),
    (
        vmat_plan,
        "FractionGroupSequence 0 ReferencedBeamSequence 0 BeamDose",
        "1.1",
        "Fraction group 1, beam 1: Beam Dose 1 → 1.1 Gy",
    ),
    (
        vmat_plan,
        "DoseReferenceSequence 0 TargetPrescriptionDose",
        "66",
        "Dose reference 1: Target Prescription Dose 60 → 66 Gy",
    ),
    (vmat_plan, "ApprovalStatus", "UNAPPROVED", "Approval Status APPROVED → UNAPPROVED"),
    (
        vmat_plan,
        "BeamSequence 0 TreatmentMachineName",
        "LINAC2",
        "Beam 1: Treatment Machine Name LINAC1 → LINAC2",
    ),
    (photon_plan, "BeamSequence 0 WedgeSequence 0 WedgeAngle", "30", "Beam 1, wedge 1: Wedge Angle 15 → 30°"),
    (
        photon_plan,
        "beam 1 0 BeamLimitingDevicePositionSequence 0 LeafJawPositions",
        ["-50.5", "61"],
        "Beam 1, control point 0, jaw X2: 60 → 61 mm",
    ),
    (
        electron_plan,
        "BeamSequence 0 ApplicatorSequence 0 ApplicatorID",
        "A15",
        "Beam 1, Applicator, item 1: Applicator ID A10 → A15",
    ),
    (
        brachy_plan,
        "ApplicationSetupSequence 0 ChannelSequence 0 ChannelTotalTime",
        "26",
        "Application setup 1, channel 3: Channel Total Time 25.5 → 26 s",
    ),
    (
        ion_plan,
        "IonBeamSequence 0 IonControlPointSequence 4 NominalBeamEnergy",
        "99",
        "Beam 1, control point 4: Nominal Beam Energy 142.2 → 99 MeV",
    ),
    (
        record,
        "TreatmentSessionBeamSequence 1 DeliveredPrimaryMeterset",
        "46.3",
        "Beam 2: Delivered Primary Meterset 250.5 → 46.3 MU",
    ),
    (
        record,
        "TreatmentSessionBeamSequence 0 CurrentFractionNumber",
        "8",
        "Beam 1: Current Fraction Number 7 → 8",
    ),
    (record, "OperatorsName", "Roe^Richard", "Operators' Name added"),
    (
        structure_set,
        "StructureSetROISequence 0 ROIName",
        "Rektum",
        "ROI 1 (Rectum): ROI Name Rectum → Rektum",
    ),
    (structure_set, "StructureSetROISequence 2 ROINumber", "9", "ROI 3 (PTV): ROI Number 3 → 9"),
    (
        structure_set,
        "RTROIObservationsSequence 1 RTROIInterpretedType",
        "PTV",
        "ROI 2 (Bladder): RT ROI Interpreted Type ORGAN → PTV",
    ),
    (
        dose,
        "DoseGridScaling",
        "0.002",
        "Dose Grid Scaling changed: every voxel is scaled, maximum dose 1.059 → 2.118 Gy",
    ),
    (
        ct_slice,
        "ImagePositionPatient",
        ["-10", "-20", "4"],
        "Image Position (Patient) (-10, -20, 3) → (-10, -20, 4) mm",
    ),
]


def set_at(dataset: Dataset, path: str, value: object) -> None:
    """Set a value by path; `beam 1 3` is control point 3 of beam 1."""
    level: object = dataset
    *steps, keyword = path.split()
    if steps[:1] == ["beam"]:
        level, steps = point(dataset, int(steps[1]), int(steps[2])), steps[3:]
    for step in steps:
        level = level[int(step)] if step.isdecimal() else getattr(level, step)
    setattr(level, keyword, value)


@pytest.mark.parametrize(("build", "path", "value", "text"), CASES)
def test_a_clinical_change_is_told_in_words(build, path: str, value: object, text: str) -> None:
    change = only(build, lambda dataset: set_at(dataset, path, value))

    assert change.text == text
    assert change.grade is Grade.CLINICAL


def test_a_removed_beam_is_told_by_its_number() -> None:
    assert only(photon_plan, lambda p: p.BeamSequence.pop(1)).text == "Beam 2 removed"


def test_a_removed_contour_is_told_by_its_slice() -> None:
    change = only(structure_set, lambda s: s.ROIContourSequence[1].ContourSequence.pop(3))

    assert change.text == "ROI 2 (Bladder): 1 contour removed (slice z = -5 mm)"


def test_a_moved_contour_is_told_with_the_largest_distance() -> None:
    def edit(structures: Dataset) -> None:
        structures.ROIContourSequence[1].ContourSequence[2].ContourData[3] = "24.2"

    text = "ROI 2 (Bladder): 1 contour moved, at most 4.2 mm (slice z = -7.5 mm)"
    assert only(structure_set, edit).text == text


def test_changed_voxels_are_told_in_gray() -> None:
    change = only(dose, lambda d: setattr(d, "PixelData", d.PixelData[:-4] + b"\x00\x10\x00\x00"))

    assert (
        change.text
        == "Pixel Data: 1 of 60 voxels changed, by at most 3.037 Gy; maximum dose 1.059 → 4.096 Gy"
    )


def test_changed_pixels_of_an_image_are_counted() -> None:
    change = only(ct_slice, lambda c: setattr(c, "PixelData", b"\x09\x00" + c.PixelData[2:]))

    assert change.text == "Pixel Data: 1 of 16 pixels changed, by at most 9"


def test_a_spot_is_told_by_layer_and_number() -> None:
    def edit(plan: Dataset) -> None:
        layer = plan.IonBeamSequence[0].IonControlPointSequence[2]
        layer.ScanSpotPositionMap[9] = 99.5
        layer.ScanSpotMetersetWeights[4] = 7.0

    texts = [change.text for change in compared(ion_plan, edit).changes]

    assert texts[0].startswith("Beam 1, control point 2, spot 5 y: ")
    assert texts[0].endswith("→ 99.5 mm")
    assert texts[1].startswith("Beam 1, control point 2, spot 5 weight: ")


def test_beams_are_matched_by_number_and_a_new_order_is_administrative() -> None:
    found = compared(vmat_plan, lambda p: p.BeamSequence.reverse())

    assert found.grade is Grade.ADMINISTRATIVE
    assert [change.text for change in found.changes] == ["Order of Beam items changed"]


def test_a_change_in_a_beam_that_also_moved_in_the_list_is_told_by_its_number() -> None:
    def edit(plan: Dataset) -> None:
        point(plan, 2, 5).GantryAngle = "3"
        plan.BeamSequence.reverse()

    assert "Beam 2, control point 5: Gantry Angle 191 → 3°" in [
        change.text for change in compared(vmat_plan, edit).changes
    ]


def test_contours_in_another_order_are_not_called_moved() -> None:
    found = compared(structure_set, lambda s: s.ROIContourSequence[0].ContourSequence.reverse())

    assert "moved" not in " ".join(change.text for change in found.changes)


def test_a_contour_drawn_with_other_points_is_measured_outline_to_outline() -> None:
    def edit(structures: Dataset) -> None:
        contour = structures.ROIContourSequence[0].ContourSequence[0]
        contour.ContourData = [
            "0",
            "0",
            "-12.5",
            "5",
            "0",
            "-12.5",
            "10",
            "0",
            "-12.5",
            "10",
            "12",
            "-12.5",
            "0",
            "10",
            "-12.5",
        ]
        contour.NumberOfContourPoints = "5"

    texts = [change.text for change in compared(structure_set, edit).changes]

    assert texts[0] == "ROI 1 (Rectum): 1 contour moved, at most 2 mm (slice z = -12.5 mm)"


@pytest.mark.parametrize("keyword", ["PatientName", "PatientBirthDate", "PatientID", "ReviewerName"])
def test_names_and_birth_dates_stand_in_old_and_new_and_never_in_the_text(keyword: str) -> None:
    value = "19700101" if keyword.endswith("Date") else "Secret^Person"
    change = only(vmat_plan, lambda p: setattr(p, keyword, value))

    assert change.new == value
    assert change.grade is Grade.CLINICAL
    assert "1970" not in change.text
    assert "Secret" not in change.text
    assert change.text.endswith("changed")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyDescription", "John Doe"),
        ("Manufacturer", "OTHER"),
        ("RTPlanLabel", "PLAN2"),
        ("RTPlanDescription", "x"),
    ],
)
def test_what_no_machine_acts_on_is_administrative(keyword: str, value: str) -> None:
    found = compared(vmat_plan, lambda p: setattr(p, keyword, value))

    assert found.grade is Grade.ADMINISTRATIVE
    assert "John" not in found.changes[0].text


def test_unknown_private_elements_inside_a_beam_are_clinical_and_outside_administrative() -> None:
    def with_private(value: str, *, inside: bool) -> Callable[[Dataset], None]:
        def edit(plan: Dataset) -> None:
            level = plan.BeamSequence[0] if inside else plan
            level.private_block(0x3253, "VENDOR", create=True).add_new(1, "LO", value)

        return edit

    assert compared(vmat_plan, with_private("a", inside=True)).grade is Grade.CLINICAL
    assert compared(vmat_plan, with_private("a", inside=False)).grade is Grade.ADMINISTRATIVE


@pytest.mark.parametrize("smuggled", [photon_plan, electron_plan])
def test_a_second_beam_sequence_beside_the_first_is_clinical(smuggled) -> None:
    second = Dataset()
    second.BeamSequence = smuggled().BeamSequence
    twice = encoded(vmat_plan(), bare=True) + encoded(second, bare=True)

    found = compare_objects(encoded(vmat_plan(), bare=True), twice, rules=RULES)

    assert found.grade is Grade.CLINICAL
    assert found.changes[0].path.startswith("BeamSequence#2[0]")


@pytest.mark.parametrize("keyword", ["Manufacturer", "StudyDescription", "InstitutionName"])
def test_a_record_is_immutable_so_any_change_is_clinical(keyword: str) -> None:
    assert compared(record, lambda r: setattr(r, keyword, "x")).grade is Grade.CLINICAL


def test_a_volatile_element_never_counts_and_a_site_may_name_more() -> None:
    def edit(plan: Dataset) -> None:
        plan.InstanceCreationTime = "235959"
        plan.StationName = "other"

    old, new = whole(vmat_plan()), vmat_plan()
    edit(new)

    assert compare_objects(old, whole(new), rules=RULES).grade is Grade.ADMINISTRATIVE
    tolerant = CompareRules(volatile_by_modality={"RTPLAN": frozenset({"StationName"})})
    assert compare_objects(old, whole(new), rules=tolerant).grade is Grade.RE_ENCODED


def test_one_number_written_twice_is_re_encoded_and_a_last_digit_is_a_change() -> None:
    def dose_of(text: str) -> bytes:
        plan = vmat_plan()
        plan.FractionGroupSequence[0].ReferencedBeamSequence[0].BeamDose = text
        return whole(plan)

    assert compare_objects(dose_of("1.50"), dose_of("1.5"), rules=RULES).grade is Grade.RE_ENCODED
    assert compare_objects(dose_of("1.5"), dose_of("15e-1"), rules=RULES).grade is Grade.RE_ENCODED
    close = compare_objects(dose_of("1.5000000000001"), dose_of("1.5000000000002"), rules=RULES)
    assert close.changes[0].text.endswith("1.5000000000001 → 1.5000000000002 Gy")


def test_text_in_another_character_set_is_the_same_text() -> None:
    other = vmat_plan()
    data = whole(vmat_plan())
    other.SpecificCharacterSet = "ISO_IR 192"
    in_utf8 = encoded(other).replace("Müller^Zoë".encode("latin-1"), "Müller^Zoë".encode())
    length = in_utf8.index("Müller".encode()) - 2
    in_utf8 = in_utf8[:length] + bytes([in_utf8[length] + 2]) + in_utf8[length + 1 :]

    assert compare_objects(data, in_utf8, rules=RULES).grade is Grade.RE_ENCODED


def test_the_same_bytes_under_another_character_set_are_another_name() -> None:
    other = vmat_plan()
    other.SpecificCharacterSet = "ISO_IR 144"

    found = compare_objects(whole(vmat_plan()), encoded(other), rules=RULES)

    assert [change.path for change in found.changes] == ["PatientName"]


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_an_object_compared_with_itself_is_identical(name: str) -> None:
    data = whole(OBJECTS[name]())

    found = compare_objects(data, copy.copy(data), rules=RULES)

    assert found.grade is Grade.IDENTICAL
    assert found.changes == ()


def test_an_object_on_one_side_only_is_new_or_missing() -> None:
    data = whole(record())

    new, missing = compare_objects(None, data, rules=RULES), compare_objects(data, None, rules=RULES)

    assert (new.grade, new.kind, new.label) == (Grade.NEW, "treatment record", "fraction 7")
    assert missing.grade is Grade.MISSING
    assert missing.sop_instance_uid == record().SOPInstanceUID


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04" * 90, whole(vmat_plan())[:900]])
def test_a_copy_that_cannot_be_read_is_graded_unreadable_with_the_reason(broken: bytes) -> None:
    data = whole(vmat_plan())

    for old, new in ((data, broken), (broken, data), (None, broken), (broken, None)):
        found = compare_objects(old, new, rules=RULES)
        assert found.grade is Grade.UNREADABLE
        assert found.changes[0].text.endswith(".")


def test_another_object_altogether_ends_in_a_bounded_list() -> None:
    def edit(plan: Dataset) -> None:
        plan.BeamSequence = [item(BeamNumber=str(n), BeamName="x") for n in range(1000)]

    found = compared(vmat_plan, edit)

    assert found.grade is Grade.CLINICAL
    assert len(found.changes) == 201
    assert found.changes[-1].text.startswith("and ")


def test_what_is_told_does_not_depend_on_the_encoding() -> None:
    altered = vmat_plan()
    point(altered, 2, 7).GantryAngle = "1"
    plain = compare_objects(whole(vmat_plan()), whole(altered), rules=RULES)

    for seed in range(6):
        other = encoded(
            altered, syntax="1.2.840.10008.1.2" + ("", ".1", ".2")[seed % 3], rng=random.Random(seed)
        )
        assert compare_objects(whole(vmat_plan()), other, rules=RULES).changes == plain.changes
