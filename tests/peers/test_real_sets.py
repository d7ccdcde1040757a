"""Every file of the real sets is read, or named with its reason; what the catalogue remarks on is seen."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from beamkeeper.domain.clinical import ClinicalObject
from beamkeeper.domain.objects import ObjectKind, ReferenceRole
from beamkeeper.domain.plan import Plan
from beamkeeper.domain.record import TerminationStatus, TreatmentRecord
from beamkeeper.errors import ObjectUnreadable
from beamkeeper.wire.dicom.identify import identify, is_storage_object
from beamkeeper.wire.dicom.reader import read_object

pytestmark = pytest.mark.peer
UTC = ZoneInfo("UTC")
MESSAGE = "A DICOM message, not a stored object: it has neither SOP class nor modality."


@pytest.fixture(scope="module")
def read(real_data) -> dict[str, ClinicalObject | str]:
    """Every file by its path inside the sets: the object, or the reason why it is none."""
    found: dict[str, ClinicalObject | str] = {}
    for path in sorted(real_data.glob("*/dicom/**/*")):
        if path.is_file():
            name = str(path.relative_to(real_data))
            try:
                found[name] = read_object(path.read_bytes(), zone=UTC)
            except ObjectUnreadable as error:
                found[name] = error.message
    return found


def objects(read, part="") -> list[ClinicalObject]:
    return [item for name, item in read.items() if part in name and isinstance(item, ClinicalObject)]


def contents(read, kind, part=""):
    return [item.content for item in objects(read, part) if isinstance(item.content, kind)]


def test_all_265_files_are_read_or_named(read):
    reasons = Counter(item for item in read.values() if isinstance(item, str))

    assert len(read) == 265
    assert reasons == {MESSAGE: 11}  # nine without the elements, two queries with them empty
    assert {name.split("/")[0] for name, item in read.items() if isinstance(item, str)} == {
        "ihero-treatment-records"
    }


def test_the_kinds_are_those_of_the_catalogue(read):
    assert Counter(item.kind for item in objects(read)) == {
        ObjectKind.IMAGE: 139,
        ObjectKind.OTHER: 31,
        ObjectKind.PLAN: 26,
        ObjectKind.DOSE: 24,
        ObjectKind.RT_IMAGE: 13,
        ObjectKind.STRUCTURE_SET: 11,
        ObjectKind.TREATMENT_RECORD: 7,
        ObjectKind.REGISTRATION: 2,
        ObjectKind.TREATMENT_SUMMARY: 1,
    }


def test_identify_and_read_agree_on_every_file(real_data, read):
    for name, item in read.items():
        if isinstance(item, ClinicalObject):
            assert identify((real_data / name).read_bytes()) == item.ref


def test_monaco_is_read_without_preamble_and_file_meta(read):
    monaco = objects(read, "monaco-hn-proknow")

    assert len(monaco) == 8
    assert all("no preamble and no file meta" in item.warnings for item in monaco)
    assert {item.ref.transfer_syntax_uid for item in monaco} == {"1.2.840.10008.1.2"}


@pytest.mark.parametrize(
    ("part", "role", "resolved", "total"),
    [
        ("monaco-hn-proknow", ReferenceRole.IMAGE, 5, 5),
        ("simple_phantom_case", ReferenceRole.IMAGE, 5, 5),
        ("ihero-brto-fullrefset", ReferenceRole.IMAGE, 39, 39),
        ("eclipse-breast-dicompyler", ReferenceRole.IMAGE, 1, 98),
        ("eclipse-prostate-slicerrt", ReferenceRole.IMAGE, 0, 92),
        ("proton-dcpt-let", ReferenceRole.IMAGE, 0, 61),
        ("ihero-mmro-transparency/dicom/RTSTRUCT", ReferenceRole.IMAGE, 0, 222),
        ("monaco/TinyVMAT", ReferenceRole.IMAGE, 5, 5),
        ("monaco-hn-proknow", ReferenceRole.PLAN, 1, 1),
        ("ihero-brto-fullrefset", ReferenceRole.DOSE, 1, 1),
    ],
)
def test_references_are_those_the_catalogue_counts(read, part, role, resolved, total):
    here = {item.ref.sop_instance_uid for item in objects(read, part)}
    targets = {r.sop_instance_uid for item in objects(read, part) for r in item.references if r.role is role}

    assert (len(targets & here), len(targets)) == (resolved, total)


def record(read, name) -> TreatmentRecord:
    (found,) = contents(read, TreatmentRecord, name)
    return found


def test_the_interrupted_photon_fraction_says_what_was_given(read):
    (delivery,) = record(read, "Interupted/RTRecord1.dcm").deliveries

    assert delivery.delivered_meterset == pytest.approx(46.3, abs=0.05)
    assert delivery.specified_meterset == pytest.approx(509.1, abs=0.05)
    assert delivery.termination_status is TerminationStatus.MACHINE


def test_the_interrupted_proton_fraction_says_what_was_given(read):
    (delivery,) = record(read, "PartialTR.dcm").deliveries

    assert delivery.delivered_meterset == pytest.approx(4294.7, abs=0.05)
    assert delivery.specified_meterset == pytest.approx(9335.7, abs=0.05)
    assert (delivery.current_fraction_number, delivery.referenced_beam_number) == (4, 1)


def test_a_cyberknife_record_names_a_fraction_group_its_plan_does_not_have(read):
    given = record(read, "UPSData/RTRecord.dcm")
    (plan,) = contents(read, Plan, "UPSData/RTPlan.dcm")

    assert given.referenced_fraction_group_number == 4
    assert [group.fraction_group_number for group in plan.fraction_groups] == [1]
    assert given.referenced_plan_uid == plan.sop_instance_uid
    assert given.deliveries[0].delivered_meterset == pytest.approx(509.07054)
    assert given.deliveries[0].current_fraction_number == 4


def test_a_proton_record_is_rounded_against_its_plan(read):
    given = record(read, "UPSDataIonPlan/TreatmentRecordComplete.dcm")
    plan = next(p for p in contents(read, Plan) if p.sop_instance_uid == given.referenced_plan_uid)

    assert plan.beams[0].beam_meterset == pytest.approx(9335.681486, abs=1e-6)
    assert given.deliveries[0].specified_meterset == pytest.approx(9335.68, abs=1e-6)
    assert given.deliveries[0].delivered_meterset == pytest.approx(9335.681, abs=1e-6)


def test_every_record_leads_to_its_plan(read):
    plans = {plan.sop_instance_uid for plan in contents(read, Plan)}
    records = contents(read, TreatmentRecord)

    assert len({r.sop_instance_uid for r in records}) == 5
    assert all(r.referenced_plan_uid in plans for r in records)


def test_delivery_instructions_are_no_plans(read):
    instructions = [item for item in objects(read) if item.label == "beams delivery instruction"]

    assert len(instructions) == 6
    assert all(item.content is None and len(item.references) == 1 for item in instructions)


def test_worklist_steps_are_told_from_stored_objects(read):
    steps = [item for item in objects(read) if not is_storage_object(item.ref)]

    assert len(steps) == 25
    assert all("UPS" in name or "Cache" in name for name, item in read.items() if item in steps)


def test_two_patient_ids_in_one_study_stay_two(read):
    ramp = objects(read, "plan03_ramp_full")

    assert len({item.ref.study_instance_uid for item in ramp}) == 1
    assert {item.ref.patient_id for item in ramp} == {"test_LET_ramp", "WTR303030"}


def test_the_same_object_in_two_folders_has_one_digest(read):
    structure_sets = [item for item in objects(read, "proton") if item.kind is ObjectKind.STRUCTURE_SET]

    assert len(structure_sets) == 2
    assert len({item.ref.sha256 for item in structure_sets}) == 1


@pytest.mark.parametrize(
    ("part", "techniques"),
    [
        ("varian-aria-drr", {"VMAT", "setup"}),
        ("TinyFS_TinyVMAT", {"VMAT"}),
        ("eclipse-breast", {"IMRT sliding window"}),
        ("single_plan", {"electron"}),
        ("proton-dcpt-let", {"proton spot scanning"}),
        ("pinnacle", {"3D"}),
        ("monaco-hn-proknow", {"3D"}),
    ],
)
def test_techniques_are_named_in_words(read, part, techniques):
    assert {beam.technique for plan in contents(read, Plan, part) for beam in plan.beams} == techniques


@pytest.mark.parametrize(
    ("part", "maximum_gy"),
    [
        ("ihero-brto-fullrefset", 124.01),
        ("monaco-hn-proknow", 85.35),
        ("eclipse-breast", 14.68),
        ("raystation/RD.wedge", 1.96),
        ("pinnacle", 49.87),
    ],
)
def test_dose_maxima_are_those_pydicom_and_numpy_find(real_data, read, part, maximum_gy):
    (item,) = [item for item in objects(read, part) if item.kind is ObjectKind.DOSE]

    assert item.content.maximum_dose_gy == pytest.approx(maximum_gy, abs=0.005)


@pytest.mark.parametrize(
    "set_name", ["monaco-hn-proknow", "ihero-treatment-records", "eclipse-breast-dicompyler"]
)
def test_line_ending_conversion_of_a_real_file_is_named(real_data, set_name):
    named = 0
    for path in sorted(real_data.glob(f"{set_name}/dicom/**/*"))[:40]:
        raw = path.read_bytes() if path.is_file() else b""
        damaged = raw.replace(b"\n", b"\r\n")
        if raw.count(b"\n") < 4 or b"\r\n" in raw:
            continue
        with pytest.raises(ObjectUnreadable) as raised:
            identify(damaged)
        named += "line-ending conversion" in raised.value.message
        assert "line-ending" in raised.value.message or "message, not" in raised.value.message

    assert named


def test_every_real_file_cut_short_is_named(real_data):
    for path in sorted(real_data.glob("*/dicom/**/*.dcm"))[::7]:
        raw = path.read_bytes()
        with pytest.raises(ObjectUnreadable):
            identify(raw[: len(raw) - 1 - len(raw) // 3])
