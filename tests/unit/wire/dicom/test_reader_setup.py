"""What a partner has to know besides the beams is read from the plan, and absence is said as absence."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from reader_objects import file_of, plan

from beamkeeper.domain.codec import from_json, to_json
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.setup import BeamSetup, DoseReference, PatientSetup
from beamkeeper.wire.dicom.reader import read_object
from beamkeeper.wire.dicom.reader_demand import read_demand


def read(**more: object) -> Plan:
    content = read_object(file_of(plan(**more)), zone=ZoneInfo("Europe/Brussels")).content
    assert isinstance(content, Plan)
    return content


def test_position_devices_and_shifts_are_read_in_words() -> None:
    setup = {
        "PatientSetupNumber": "4",
        "PatientPosition": "FFP",
        "SetupTechnique": "ISOCENTRIC",
        "SetupTechniqueDescription": "SGRT, breath hold",
        "TableTopVerticalSetupDisplacement": "3.5",
        "TableTopLateralSetupDisplacement": "-20",
        "FixationDeviceSequence": [{"FixationDeviceType": "MASK", "FixationDeviceLabel": "M1"}],
        "MotionSynchronizationSequence": [{"RespiratoryMotionCompensationTechnique": "BREATH_HOLD"}],
    }

    assert read(PatientSetupSequence=[setup]).patient_setups == (
        PatientSetup(
            patient_setup_number=4,
            patient_position="FFP",
            technique="ISOCENTRIC: SGRT, breath hold",
            devices=("mask M1", "respiration: breath hold"),
            shifts_mm=(("vertical", 3.5), ("lateral", -20.0)),
        ),
    )


def test_what_lies_in_a_cupboard_is_told_apart_from_how_the_patient_breathes() -> None:
    setup = {
        "FixationDeviceSequence": [
            {"FixationDeviceType": "MASK", "FixationDeviceLabel": "M1"},
            {"FixationDeviceType": "BITEBLOCK", "FixationDeviceLabel": "B2"},
        ],
        "MotionSynchronizationSequence": [{"RespiratoryMotionCompensationTechnique": "BREATH_HOLD"}],
    }
    demand = read_demand(file_of(plan(PatientSetupSequence=[setup])), zone=ZoneInfo("UTC"))

    assert demand.things == ("mask M1", "biteblock B2")
    assert demand.motion_techniques == ("BREATH_HOLD",)


def test_a_beam_says_machine_fluence_tolerance_and_leaf_edges() -> None:
    beam = {
        "BeamNumber": "1",
        "Manufacturer": "Varian",
        "ManufacturerModelName": "TDS",
        "ReferencedToleranceTableNumber": "2",
        "ReferencedPatientSetupNumber": "1",
        "PrimaryFluenceModeSequence": [{"FluenceMode": "NON_STANDARD", "FluenceModeID": "FFF"}],
        "BeamLimitingDeviceSequence": [
            {"RTBeamLimitingDeviceType": "MLCX", "LeafPositionBoundaries": ["-5", "0", "5"]}
        ],
        "ControlPointSequence": [{"TableTopVerticalPosition": "-110.5", "GantryRotationDirection": "CC"}],
    }
    tables = [{"ToleranceTableNumber": "2", "ToleranceTableLabel": "THORAX"}]

    assert read(BeamSequence=[beam], ToleranceTableSequence=tables).beams[0].setup == BeamSetup(
        manufacturer="Varian",
        model="TDS",
        fluence_mode="NON_STANDARD FFF",
        tolerance_table="THORAX",
        gantry_rotation="CC",
        patient_setup_number=1,
        leaf_boundaries_mm=(-5.0, 0.0, 5.0),
        control_point_count=1,
        couch_mm=(("vertical", -110.5),),
    )


def test_a_tolerance_table_that_is_not_in_the_plan_is_named_by_number() -> None:
    beam = {"BeamNumber": "1", "ReferencedToleranceTableNumber": "7"}

    assert read(BeamSequence=[beam]).beams[0].setup.tolerance_table == "table 7"


def test_an_implausible_dose_is_left_out_and_its_reference_stays() -> None:
    references = [{"DoseReferenceType": "TARGET", "TargetPrescriptionDose": "1.8e-295"}]

    assert read(DoseReferenceSequence=references).dose_references == (
        DoseReference(dose_reference_type="TARGET"),
    )


def test_facts_of_before_setups_were_read_still_open() -> None:
    facts = to_json(read())
    assert isinstance(facts, dict)
    for name in ("patient_setups", "dose_references", "prescription_description", "approved_by"):
        del facts[name]

    assert from_json(Plan, facts).patient_setups == ()
