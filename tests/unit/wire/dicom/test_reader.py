"""Objects become domain values: the same in every encoding, odd ones with a warning, none with a crash."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from reader_objects import (
    BIG,
    CT,
    DEFLATED,
    DOSE,
    EXPLICIT,
    IMPLICIT,
    RT_IMAGE,
    STORAGE,
    STRUCTURE_SET,
    data_set,
    file_of,
    header,
    identity,
    part10,
    plan,
)

from beamkeeper.domain.objects import ObjectKind, ReferenceRole
from beamkeeper.domain.plan import ApprovalStatus, DeliveryType, Plan
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.reader import read_object, read_object_and_patient, read_patient
from beamkeeper.wire.dicom.values import ITEMS_MAX

BRUSSELS = ZoneInfo("Europe/Brussels")


def read(content, syntax=EXPLICIT, **how: bool):
    return read_object(file_of(content, syntax, **how), zone=BRUSSELS)


def read_plan(**more: object) -> Plan:
    content = read(plan(**more)).content
    assert isinstance(content, Plan)
    return content


def only_beam(**more: object):
    beam = {"BeamNumber": "1", "RadiationType": "PHOTON", **more}
    return read_plan(BeamSequence=[beam]).beams[0]


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("how", [{"undefined": True}, {"group_lengths": True}, {}])
def test_a_plan_says_the_same_in_every_encoding(syntax, how):
    item = read(plan(), syntax, **how)

    assert item.content == read(plan()).content
    assert item.kind is ObjectKind.PLAN
    assert item.label == "plan VMAT1"
    assert item.references == read(plan()).references


def test_beams_and_metersets_are_paired_by_number_never_by_position():
    beams = read_plan().beams

    assert [(b.beam_number, b.beam_meterset, b.beam_dose_gy) for b in beams] == [
        (9, None, None),
        (1, 111.0, 0.8),
        (2, 222.0, 1.2),
    ]


def test_a_setup_beam_is_no_treatment_beam():
    beam = read_plan().beams[0]

    assert (beam.delivery_type, beam.technique, beam.is_treatment) == (DeliveryType.SETUP, "setup", False)


def test_control_point_values_are_carried_forward():
    first, last = read_plan().beams[1].control_points

    assert last.cumulative_meterset_weight == 1.0
    assert (last.gantry_angle_deg, last.collimator_angle_deg, last.nominal_beam_energy) == (10.0, 5.0, 6.0)
    assert last.isocenter_mm == first.isocenter_mm == (1.5, -2.0, 3.0)
    assert last.jaw_positions_mm == (("ASYMX", -50.0, 50.0),)
    assert last.leaf_positions_mm == (-1.0, -2.0, 1.0, 2.0)


def test_a_plan_carries_approval_prescription_and_fractions():
    content = read_plan(
        DoseReferenceSequence=[
            {"DoseReferenceType": "TARGET", "TargetPrescriptionDose": "50"},
            {"DoseReferenceType": "TARGET", "TargetPrescriptionDose": "1.7e-295"},
            {"DoseReferenceType": "ORGAN_AT_RISK", "TargetPrescriptionDose": "70"},
        ]
    )

    assert content.approval_status is ApprovalStatus.APPROVED
    assert content.approved_at == datetime(2026, 1, 3, 9, 11, 12, tzinfo=UTC)
    assert content.planned_on == date(2026, 1, 2)
    assert content.target_prescription_dose_gy == 50.0
    assert content.number_of_fractions_planned == 25
    assert content.dose_per_fraction_gy == pytest.approx(2.0)
    assert content.referenced_structure_set_uid == "1.2.3.9"


def test_a_stated_offset_from_utc_goes_before_the_zone():
    content = read_plan(TimezoneOffsetFromUTC="-0500")

    assert content.approved_at == datetime(2026, 1, 3, 15, 11, 12, tzinfo=UTC)


def test_empty_type_2_values_are_none_without_a_warning():
    item = read(
        plan(
            RTPlanDate="",
            ApprovalStatus="",
            FractionGroupSequence=[{"FractionGroupNumber": "1", "NumberOfFractionsPlanned": ""}],
            BeamSequence=[],
        )
    )

    assert item.warnings == ()
    assert item.content.number_of_fractions_planned is None
    assert (item.content.planned_on, item.content.approval_status) == (None, ApprovalStatus.UNKNOWN)


def test_a_whole_number_with_decimals_is_read_and_a_broken_one_is_warned_of():
    group = {"FractionGroupNumber": "1", "NumberOfFractionsPlanned": "25.0"}

    assert read_plan(FractionGroupSequence=[group]).number_of_fractions_planned == 25
    odd = read(plan(FractionGroupSequence=[group | {"NumberOfFractionsPlanned": "25.5"}]))
    assert odd.content.number_of_fractions_planned is None
    assert "NumberOfFractionsPlanned is 25.5, not a whole number: ignored" in odd.warnings


@pytest.mark.parametrize(
    "garbage", ["nan", "inf", "1,5", "0x10", "1_000", "--1", "1e999", "-1e31", "1" * 65, "é".encode()]
)
def test_a_senseless_number_is_none_with_a_warning(garbage):
    group = {
        "FractionGroupNumber": "1",
        "ReferencedBeamSequence": [{"ReferencedBeamNumber": "1", "BeamMeterset": garbage}],
    }
    item = read(plan(FractionGroupSequence=[group]))

    assert item.content.beams[1].beam_meterset is None
    assert "BeamMeterset is not a number: ignored" in item.warnings


@pytest.mark.parametrize("garbage", ["20261301", "soon", "2026", "99999999"])
def test_a_senseless_date_is_none_with_a_warning(garbage):
    item = read(plan(RTPlanDate=garbage))

    assert item.content.planned_on is None
    assert "RTPlanDate is not a date: ignored" in item.warnings


@pytest.mark.parametrize("year", ["0001", "1799", "2200", "9999"])
def test_a_date_beyond_every_calendar_is_none_with_a_warning(year):
    item = read(plan(RTPlanDate=f"{year}1231"))

    assert item.content.planned_on is None
    assert "RTPlanDate is beyond the calendar: ignored" in item.warnings


def test_a_beam_number_used_twice_is_kept_once_and_said():
    beam = {"BeamNumber": "1", "RadiationType": "PHOTON"}
    item = read(plan(BeamSequence=[beam | {"BeamName": "first"}, beam | {"BeamName": "second"}]))

    assert [b.beam_name for b in item.content.beams] == ["first"]
    assert "beam number 1 is used twice: only the first is kept" in item.warnings


def test_a_brachytherapy_plan_counts_application_setups_in_minutes():
    content = read_plan(
        BrachyTreatmentType="HDR",
        BeamSequence=[],
        TreatmentMachineSequence=[{"TreatmentMachineName": "AFTERLOADER"}],
        ApplicationSetupSequence=[
            {
                "ApplicationSetupNumber": "3",
                "ApplicationSetupName": "ring",
                "ChannelSequence": [{"ChannelTotalTime": "90"}, {"ChannelTotalTime": "30"}],
            }
        ],
        FractionGroupSequence=[
            {
                "FractionGroupNumber": "1",
                "NumberOfFractionsPlanned": "4",
                "ReferencedBrachyApplicationSetupSequence": [
                    {"ReferencedBrachyApplicationSetupNumber": "3", "BrachyApplicationSetupDose": "7"}
                ],
            }
        ],
    )
    (setup,) = content.beams

    assert (setup.beam_number, setup.beam_name, setup.technique) == (3, "ring", "brachy HDR")
    assert (setup.beam_meterset, setup.primary_dosimeter_unit.value, setup.beam_dose_gy) == (
        2.0,
        "MINUTE",
        7.0,
    )
    assert (setup.treatment_machine_name, setup.is_treatment) == ("AFTERLOADER", True)
    assert content.fraction_groups[0].beam_numbers == (3,)


def test_accessories_are_named():
    beam = only_beam(
        WedgeSequence=[{"WedgeNumber": "1", "WedgeID": "W30"}],
        BlockSequence=[{"BlockNumber": "4"}],
        ReferencedBolusSequence=[{"ReferencedROINumber": "7"}],
    )

    assert beam.accessories == ("wedge W30", "block 4", "bolus ROI 7")


def test_a_sequence_sent_as_unknown_is_read_as_implicit_little_endian():
    inner = data_set({"BeamNumber": "7", "BeamName": "in UN"}, IMPLICIT)
    items = bytes.fromhex("feff00e0") + len(inner).to_bytes(4, "little") + inner
    body = data_set(identity()) + header(0x300A00B0, "UN", len(items)) + items

    assert read_object(part10(body), zone=BRUSSELS).content.beams[0].beam_name == "in UN"


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("ISO_IR 192", "é中".encode(), "é中"),
        ("ISO_IR 100", b"Fran\xe7ois", "François"),
        ("ISO_IR 101", b"Ji\xf8\xed", "Jiří"),
        ("\\ISO 2022 IR 87", b"\x1b$B;3ED\x1b(B", "山田"),
        ("GB18030", "王小东".encode("gb18030"), "王小东"),
    ],
)
def test_text_is_read_in_its_declared_character_set(charset, raw, text):
    item = read(plan(SpecificCharacterSet=charset, RTPlanLabel=raw + b" " * (len(raw) % 2)))

    assert item.content.rt_plan_label == text
    assert item.warnings == ()


@pytest.mark.parametrize("charset", ["ISO_IR 192", "", "ISO_IR 6", "no such set"])
def test_text_outside_its_declared_character_set_is_kept_and_warned_of(charset):
    item = read(plan(SpecificCharacterSet=charset, RTPlanLabel=b"Fran\xe7ois"))

    assert item.content.rt_plan_label.startswith("Fran")
    assert any("not in the declared character set" in text for text in item.warnings)


def test_a_label_cannot_act_on_a_terminal():
    assert read(plan(RTPlanLabel=b"A\x1b[2JB\x07")).content.rt_plan_label == "A [2JB"


def structure_set():
    def refers(uid):
        return {"ReferencedSOPClassUID": STORAGE + CT, "ReferencedSOPInstanceUID": uid}

    contour = {
        "NumberOfContourPoints": "2",
        "ContourData": ["0"] * 6,
        "ContourImageSequence": [refers("1.8.2")],
    }
    return identity(
        STRUCTURE_SET,
        "RTSTRUCT",
        StructureSetLabel="planning",
        ReferencedFrameOfReferenceSequence=[
            {
                "FrameOfReferenceUID": "1.7",
                "RTReferencedStudySequence": [
                    {
                        "RTReferencedSeriesSequence": [
                            {"ContourImageSequence": [refers("1.8.1"), refers("1.8.2")]}
                        ]
                    }
                ],
            }
        ],
        StructureSetROISequence=[
            {"ROINumber": "2", "ROIName": "PTV", "ReferencedFrameOfReferenceUID": "1.7"},
            {"ROINumber": "1", "ROIName": "BODY"},
        ],
        ROIContourSequence=[
            {"ReferencedROINumber": "1", "ContourSequence": [contour, contour]},
            {"ReferencedROINumber": "2", "ContourSequence": [{"ContourData": ["0"] * 9}]},
        ],
        RTROIObservationsSequence=[{"ReferencedROINumber": "1", "RTROIInterpretedType": "EXTERNAL"}],
    )


def test_a_structure_set_pairs_regions_by_number_and_names_every_image_once():
    item = read(structure_set())
    ptv, body = item.content.rois

    assert (ptv.roi_name, ptv.contour_count, ptv.point_count, ptv.interpreted_type) == ("PTV", 1, 3, "")
    assert (body.roi_name, body.contour_count, body.point_count) == ("BODY", 2, 4)
    assert body.interpreted_type == "EXTERNAL"
    assert item.content.referenced_image_uids == ("1.8.1", "1.8.2")
    assert {r.role for r in item.references} == {ReferenceRole.IMAGE}
    assert item.content.frame_of_reference_uids == ("1.7",)


def dose(**more: object):
    return identity(
        DOSE,
        "RTDOSE",
        DoseUnits="GY",
        DoseType="PHYSICAL",
        DoseSummationType="PLAN",
        DoseGridScaling="0.01",
        NumberOfFrames="2",
        Rows=2,
        Columns=2,
        BitsAllocated=16,
        SamplesPerPixel=1,
        **more,
    )


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_the_maximum_of_a_dose_is_its_largest_value_times_the_scaling(syntax):
    order = "big" if syntax == BIG else "little"
    pixels = b"".join(value.to_bytes(2, order) for value in (1, 2, 3, 5000, 4, 5, 6, 256))
    content = read(dose(PixelData=pixels), syntax).content

    assert content.maximum_dose_gy == pytest.approx(50.0)
    assert content.grid_shape == (2, 2, 2)


@pytest.mark.parametrize("more", [{"DoseUnits": "RELATIVE"}, {"DoseGridScaling": "x"}, {"BitsAllocated": 1}])
def test_a_dose_that_does_not_count_in_gray_has_no_maximum(more):
    assert read(dose(PixelData=bytes(16)) | more).content.maximum_dose_gy is None


def test_a_dose_without_pixel_data_is_read():
    assert read(dose()).content.maximum_dose_gy is None


@pytest.mark.parametrize("frames", ["-1", "-2"])
def test_a_dose_with_a_senseless_number_of_frames_has_no_maximum(frames):
    content = read(dose(PixelData=bytes(16)) | {"NumberOfFrames": frames}).content

    assert content.maximum_dose_gy is None


def test_images_carry_their_geometry():
    content = read(
        identity(
            CT,
            "CT",
            Rows=512,
            Columns=256,
            ImagePositionPatient=["-1", "2", "3.5"],
            PixelSpacing=["0.9", "0.8"],
            InstanceNumber="7",
            FrameOfReferenceUID="1.7",
        )
    ).content

    assert (content.rows, content.columns, content.instance_number) == (512, 256, 7)
    assert (content.image_position_mm, content.pixel_spacing_mm) == ((-1.0, 2.0, 3.5), (0.9, 0.8))


def test_an_rt_image_names_its_plan_and_beam():
    item = read(
        identity(
            RT_IMAGE,
            "RTIMAGE",
            RTImageLabel="portal",
            ReferencedRTPlanSequence=[{"ReferencedSOPInstanceUID": "1.5"}],
            ReferencedBeamNumber="2",
        )
    )

    assert (item.content.referenced_plan_uid, item.content.referenced_beam_number) == ("1.5", 2)
    assert item.label == "RT image portal"


@pytest.mark.parametrize("kind", ["481.10", "481.12", "481.25", "104.1", "77.1.1"])
def test_second_generation_and_unknown_objects_are_kept_untouched(kind):
    item = read(identity(kind, "RTRAD"))

    assert (item.kind, item.content) == (ObjectKind.OTHER, None)


def test_a_delivery_instruction_is_no_plan_but_names_one():
    instruction = identity(ReferencedRTPlanSequence=[{"ReferencedSOPInstanceUID": "1.5"}], Modality="PLAN")
    item = read(instruction | {"SOPClassUID": "1.2.840.10008.5.1.4.34.7"})

    assert (item.kind, item.label) == (ObjectKind.OTHER, "beams delivery instruction")
    assert [(r.role, r.sop_instance_uid) for r in item.references] == [(ReferenceRole.PLAN, "1.5")]


def test_an_object_without_sop_class_is_known_by_its_modality():
    assert read(plan() | {"SOPClassUID": ""}).kind is ObjectKind.PLAN


def test_what_was_odd_is_said():
    item = read(plan(), IMPLICIT, meta=False)

    assert item.warnings == (
        "no preamble and no file meta",
        "no transfer syntax is stated: read as implicit VR little endian",
    )


def test_the_patient_is_read_apart_from_the_object():
    data = file_of(identity(PatientBirthDate="19600203", PatientSex="F"))
    person = read_patient(data, zone=BRUSSELS)

    assert person is not None
    assert (person.patient_id, person.name, person.birth_on, person.sex) == (
        "P1",
        "Doe^Jane",
        date(1960, 2, 3),
        "F",
    )
    assert read_object_and_patient(data, zone=BRUSSELS)[1] == person
    assert read_patient(file_of(identity(PatientID="")), zone=BRUSSELS) is None


def test_no_label_carries_the_patients_name():
    for content in (plan(), structure_set(), dose(), identity(CT, "CT"), identity("481.10", "X")):
        item = read(content)

        assert "Doe" not in item.label
        assert "Doe" not in " ".join(item.warnings)


def test_items_of_one_object_are_bounded():
    count = ITEMS_MAX + 1
    items = bytes.fromhex("feff00e000000000") * count
    huge = part10(data_set(identity()) + header(0x300A00B0, "SQ", len(items)) + items)

    with pytest.raises(ObjectUnreadable, match="sequence items; it was not read"):
        read_object(huge, zone=BRUSSELS)
