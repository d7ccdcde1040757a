"""The copy of a class A plan for a matched machine: what changes, what does not, and when none is made."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RTPlanStorage,
)

from beamkeeper.clock import zone
from beamkeeper.domain.chain import Chain, PlanChain, RelatedPlan
from beamkeeper.domain.plan import ApprovalStatus, Plan
from beamkeeper.domain.readiness import readiness
from beamkeeper.errors import (
    BeamkeeperError,
    ConfigError,
    IntegrityError,
    NotDeliverable,
    SourceAnswerInvalid,
)
from beamkeeper.protect.lists.text import page_text
from beamkeeper.respond.placement import MachineProfile, public_profiles, read_machines
from beamkeeper.respond.placement import retarget as subject
from beamkeeper.respond.placement.retarget import Retargeted, label_on, retarget, two_people
from beamkeeper.respond.placement.retarget_sheet import retarget_page
from beamkeeper.wire.dicom.elements import flatten, open_object
from beamkeeper.wire.dicom.reader import read_object

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
BOTH = ("A. Jansen", "B. Peeters")
EDGES = public_profiles()["Varian TrueBeam, Millennium 120"].mlc["MLCX"]
MACHINES = """format = 1
[[machine]]
id = "p"
name = "{name}"
site = "Partner"
profile = "Varian TrueBeam, Millennium 120"
commissioned = ["IMRT step-and-shoot", "3D"]
[[machine.matched_with]]
machine = "TB3"
energies = ["6"]
declared_by = "A"
declared_on = 2026-01-10
"""


def machine(name: str = "TB1") -> MachineProfile:
    (found,) = read_machines(MACHINES.format(name=name))
    return found


def items(**values: Any) -> Dataset:
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def beam(number: int, named: str, kind: str = "TREATMENT") -> Dataset:
    devices = [items(RTBeamLimitingDeviceType=one, NumberOfLeafJawPairs=1) for one in ("ASYMX", "ASYMY")]
    leaves = items(RTBeamLimitingDeviceType="MLCX", NumberOfLeafJawPairs=60, LeafPositionBoundaries=[*EDGES])
    positions = [
        items(RTBeamLimitingDeviceType=one, LeafJawPositions=[-50, 50.123456]) for one in ("ASYMX", "ASYMY")
    ]
    shut = [-1.25] * 60 + [1.5] * 60
    first = items(
        ControlPointIndex=0,
        NominalBeamEnergy=6,
        GantryAngle=0,
        GantryRotationDirection="NONE",
        PatientSupportAngle=0,
        CumulativeMetersetWeight=0,
        BeamLimitingDevicePositionSequence=[
            *positions,
            items(RTBeamLimitingDeviceType="MLCX", LeafJawPositions=shut),
        ],
    )
    return items(
        Manufacturer="Varian Medical Systems",
        ManufacturerModelName="TDS",
        DeviceSerialNumber="4711",
        BeamNumber=number,
        BeamName=f"Field {number}",
        BeamType="STATIC",
        RadiationType="PHOTON",
        TreatmentMachineName=named,
        TreatmentDeliveryType=kind,
        PrimaryDosimeterUnit="MU",
        SourceAxisDistance=1000,
        BeamLimitingDeviceSequence=[*devices, leaves],
        NumberOfControlPoints=2,
        ControlPointSequence=[first, items(ControlPointIndex=1, CumulativeMetersetWeight=1)],
        FinalCumulativeMetersetWeight=1,
    )


def plan(change: Callable[[Dataset], object] | None = None, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Return a plan for TB3 with a setup beam on it, one elsewhere, private elements, an older plan."""
    found = items(
        SpecificCharacterSet="ISO_IR 100",
        InstanceCreationDate="20260301",
        InstanceCreationTime="101500",
        SOPClassUID=RTPlanStorage,
        SOPInstanceUID="1.2.3.4",
        Modality="RTPLAN",
        PatientName="Müller^Zoë",
        PatientID="0012345",
        StudyInstanceUID="1.2.3.1",
        SeriesInstanceUID="1.2.3.2",
        RTPlanLabel="VMAT1",
        RTPlanDescription="as agreed for TB3",
        PlanIntent="CURATIVE",
        ApprovalStatus="APPROVED",
        ReviewDate="20260301",
        ReviewTime="101500",
        ReviewerName="Someone",
        ToleranceTableSequence=[items(ToleranceTableNumber=1, ToleranceTableLabel="PROSTATE")],
        FractionGroupSequence=[
            items(
                FractionGroupNumber=1,
                NumberOfFractionsPlanned=30,
                NumberOfBeams=1,
                ReferencedBeamSequence=[items(ReferencedBeamNumber=1, BeamMeterset="211.1230000")],
            )
        ],
        BeamSequence=[beam(1, "TB3"), beam(2, "TB3", "SETUP"), beam(3, "OTHER", "SETUP")],
        ReferencedRTPlanSequence=[
            items(
                ReferencedSOPClassUID=RTPlanStorage,
                ReferencedSOPInstanceUID="1.2.3.0",
                RTPlanRelationship="PRIOR",
            )
        ],
    )
    block = found.private_block(0x3253, "Varian Medical Systems VISION 3253", create=True)
    block.add_new(0x00, "OB", b"<a>TB3</a>\0\0")
    found.private_block(0x3253, "Nobody", create=True).add_new(0x01, "UN", bytes(range(6)))
    if change is not None:
        change(found)
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = syntax
    file = io.BytesIO()
    found.save_as(file, enforce_file_format=True)
    return file.getvalue()


def made(data: bytes, *, to: MachineProfile | None = None) -> Retargeted:
    return retarget(data, to or machine(), signers=BOTH, made_at=NOW)


SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_everything_but_the_named_elements_is_the_same_byte_by_byte(syntax: str) -> None:
    original = plan(syntax=syntax)
    copy = made(original).data
    before = {path: value for path, _, value in flatten(open_object(original).dataset)}
    after = {path: value for path, _, value in flatten(open_object(copy).dataset)}
    beams, name, related = 0x300A00B0, 0x300A00B2, 0x300C0002
    gone = {(0x300E0004,), (0x300E0005,), (0x300E0008,)}
    replaced = {(0x00080012,), (0x00080013,), (0x00080018,), (0x0020000E,), (0x300A0002,), (0x300E0002,)}
    added = {(related, 1, tag) for tag in (0x00081150, 0x00081155, 0x300A0055)}

    assert before.keys() - after.keys() == gone
    assert after.keys() - before.keys() == added
    assert {path for path in before.keys() & after.keys() if before[path] != after[path]} == {
        *replaced,
        (related,),
        (beams, 0, name),
        (beams, 1, name),
    }


def test_treatment_and_setup_beams_of_the_machine_change_and_no_other_beam() -> None:
    found = made(plan())
    copy = dcmread(io.BytesIO(found.data))

    assert [one.TreatmentMachineName for one in copy.BeamSequence] == ["TB1", "TB1", "OTHER"]
    assert found.beam_numbers == (1, 2)
    assert any("Beam 3 names OTHER" in look for look in found.looks)


def test_the_copy_is_a_new_unapproved_plan_that_names_the_original() -> None:
    copy = dcmread(io.BytesIO(made(plan()).data))
    other = dcmread(io.BytesIO(made(plan()).data))

    assert (copy.ApprovalStatus, copy.RTPlanLabel) == ("UNAPPROVED", "VMAT1@TB1")
    assert not {"ReviewDate", "ReviewTime", "ReviewerName"} & set(copy.dir())
    assert copy.file_meta.MediaStorageSOPInstanceUID == copy.SOPInstanceUID
    assert len({copy.SOPInstanceUID, other.SOPInstanceUID, "1.2.3.4"}) == 3
    assert len({copy.SeriesInstanceUID, other.SeriesInstanceUID, "1.2.3.2"}) == 3
    assert [
        (one.ReferencedSOPInstanceUID, one.RTPlanRelationship) for one in copy.ReferencedRTPlanSequence
    ] == [("1.2.3.0", "PRIOR"), ("1.2.3.4", "PREDECESSOR")]


def test_the_time_of_making_is_told_in_the_zone_the_plan_states() -> None:
    stated = plan(lambda found: setattr(found, "TimezoneOffsetFromUTC", "+0800"))

    copy = dcmread(io.BytesIO(made(stated).data))

    assert (copy.InstanceCreationDate, copy.InstanceCreationTime) == ("20261123", "013000")


def test_the_list_tells_every_difference_and_what_goes_along_unchanged() -> None:
    found = made(plan())
    texts = [change.text for change in found.changes]
    sheet = page_text(retarget_page(found))

    assert len(texts) == 12
    assert {"Beam 1: Treatment Machine Name TB3 → TB1", "Approval Status APPROVED → UNAPPROVED"} <= set(texts)
    for said in (
        "plans 30 fractions",
        "Device Serial Number of the beams stays 4711",
        "1 PROSTATE",
        "RTPlanDescription names TB3 still",
        "of Varian Medical Systems VISION 3253 names TB3 still",
    ):
        assert any(said in look for look in found.looks), said
    assert all(text.split(" → ", maxsplit=1)[0][:30] in sheet for text in texts)
    assert "Not approved: the physicist of the machine approves it" in sheet
    assert sheet.count("Signature ___") == 3
    assert all(name in sheet for name in (*BOTH, "Müller, Zoë", "0012345"))


def _plan_of(data: bytes) -> Plan:
    content = read_object(data, zone=zone("UTC")).content
    assert isinstance(content, Plan)
    return content


@pytest.mark.parametrize(("status", "blocks"), [("UNAPPROVED", False), ("APPROVED", True)])
def test_the_original_stays_ready_until_somebody_approves_the_copy(status: str, *, blocks: bool) -> None:
    original = _plan_of(plan())
    copy = replace(_plan_of(made(plan()).data), approval_status=ApprovalStatus[status])
    ((how, named),) = [one for one in copy.related_plan_uids if one[0] == "PREDECESSOR"]
    naming = RelatedPlan(
        relationship=how,
        sop_instance_uid=copy.sop_instance_uid,
        rt_plan_label=copy.rt_plan_label,
        is_approved=copy.approval_status is ApprovalStatus.APPROVED,
    )
    own = PlanChain(
        plan_uid=original.sop_instance_uid,
        structure_set_uid=None,
        structure_set_found=False,
        named_by=(naming,),
    )
    judged = readiness(original, Chain(plans=(own,)), None)

    assert named == original.sop_instance_uid
    assert any("which of them is valid" in text for text in judged.blocking) == blocks
    assert any("which of them is valid" in text for text in judged.remarks) != blocks


def _add_beam(found: Dataset, named: str) -> None:
    found.BeamSequence.append(beam(4, named))
    found.FractionGroupSequence[0].ReferencedBeamSequence.append(
        items(ReferencedBeamNumber=4, BeamMeterset="100")
    )


REFUSED = {
    "another energy": lambda found: setattr(
        found.BeamSequence[0].ControlPointSequence[0], "NominalBeamEnergy", 15
    ),
    "no match declared": lambda found: setattr(found.BeamSequence[0], "TreatmentMachineName", "TB9"),
    "no model stated": lambda found: delattr(found.BeamSequence[0], "ManufacturerModelName"),
    "for that machine already": lambda found: setattr(found.BeamSequence[0], "TreatmentMachineName", "TB1"),
    "for two machines": lambda found: _add_beam(found, "TB1"),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_no_copy_is_made_of_a_plan_that_cannot_be_given_directly(change: Callable[[Dataset], object]) -> None:
    with pytest.raises(NotDeliverable) as refused:
        made(plan(change))

    assert refused.value.do_next


def test_of_the_machines_own_plan_no_copy_is_made() -> None:
    own = replace(machine(), is_own=True)
    of_it = plan(lambda found: setattr(found.BeamSequence[0], "TreatmentMachineName", "TB1"))

    with pytest.raises(NotDeliverable, match="names TB1 already: there is nothing to change"):
        made(of_it, to=own)


def test_a_plan_with_a_digital_signature_or_without_patient_gets_no_copy() -> None:
    with pytest.raises(SourceAnswerInvalid, match="digital signature"):
        made(plan(lambda found: setattr(found, "DigitalSignaturesSequence", [Dataset()])))
    with pytest.raises(SourceAnswerInvalid, match="no Patient ID"):
        made(plan(lambda found: delattr(found, "PatientID")))


@pytest.mark.parametrize("name", ["Tрилогия", "A name beyond sixteen"])
def test_a_machine_name_that_no_plan_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        made(plan(), to=machine(name))


@pytest.mark.parametrize("names", [(), ("A",), ("A. Jansen", " a.  JANSEN "), ("A", ""), ("A", "B", "C")])
def test_a_copy_needs_two_different_people(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="2 different people"):
        two_people(names)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b"50.123456", b"50.123457", r"ControlPointSequence\[1\].*LeafJawPositions"),
        (b"211.1230000", b"211.1230001", "BeamMeterset"),
        (b"as agreed", b"as argued", "RTPlanDescription"),
        (b"1.2.3.0", b"1.2.3.9", r"ReferencedRTPlanSequence\[1\]"),
        (b"<a>TB3", b"<b>TB3", "private"),
    ],
)
def test_a_copy_that_differs_in_anything_else_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes, where: str
) -> None:
    written = subject.retargeted_plan

    def careless(data: bytes, **how: Any) -> Any:
        found = written(data, **how)
        return replace(found, data=found.data.replace(old, new))

    monkeypatch.setattr(subject, "retargeted_plan", careless)

    with pytest.raises(IntegrityError, match=where):
        made(plan())


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=16),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=16),
)
def test_a_label_fits_and_says_the_machine(label: str, named: str) -> None:
    found = label_on(label, named)

    assert len(found) <= 16
    assert found.endswith(f"@{named[-7:]}")


def test_two_long_labels_that_differ_at_the_end_stay_apart() -> None:
    assert label_on("Prostate_phase1", "TB1") == "Prosta~hase1@TB1"
    assert label_on("Prostate_phase2", "TB1") == "Prosta~hase2@TB1"


WHOLE = plan()


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255), st.booleans())
def test_damaged_plans_end_in_a_sentence_or_in_a_copy_that_was_proved(
    place: int, value: int, cut: bool
) -> None:
    damaged = WHOLE[:place] if cut else WHOLE[:place] + bytes([value]) + WHOLE[place + 1 :]
    with suppress(BeamkeeperError):
        assert made(damaged).changes
