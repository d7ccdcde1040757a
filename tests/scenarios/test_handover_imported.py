"""A received patient goes into the partner's own systems: a real Orthanc, and another library's receiver."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from hl7apy.parser import parse_message
from night_site import SmallSite
from pydicom import dcmread
from tests.listening import free_port
from tests.peers.test_hl7 import Receiver
from two_houses import Houses, beamkeeper, told

from beamkeeper.app.jobs import import_reporting
from beamkeeper.errors import ConfigError
from beamkeeper.rehearse.sim.orthanc import OrthancArchive, orthanc_program
from beamkeeper.respond.handover.import_report import verify_import

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.peer
THEIRS = "N-20231"


@pytest.fixture(scope="module")
def met(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    return Houses.met(root, SmallSite.copied(kept_root, root / "site"))


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory, program) -> Iterator[OrthancArchive]:
    if orthanc_program() is None:
        program("Orthanc")
    with OrthancArchive(tmp_path_factory.mktemp("orthanc"), ae_title="NOORD") as running:
        yield running


@pytest.fixture(scope="module")
def taken(met: Houses) -> dict[str, Any]:
    """A patient who was received, whom the partner knows by its own number."""
    found = met.receive(
        met.make(met.persons()[0], "--first-on", "2090-01-02", "--at", "09:40", "--machine", "TB2")
    )
    bundle_id = found["manifest"]["bundle_id"]
    beamkeeper("desk", "known-as", bundle_id, THEIRS, "--desk", met.desk)
    return found


def systems(folder: Path, *, dicom: int | None, hl7: int | None) -> Path:
    text = ""
    if dicom is not None:
        text += '[[dicom]]\nname = "tps"\nkind = "dicom"\nae_title = "NOORD"\nhost = "127.0.0.1"\n'
        text += f"port = {dicom}\n"
    if hl7 is not None:
        text += f'[[hl7]]\nname = "ois"\nhost = "127.0.0.1"\nport = {hl7}\n'
    path = folder / "systems.toml"
    path.write_text(text)
    return path


def test_objects_go_under_the_partners_number_and_the_systems_are_told(
    met: Houses, taken: dict[str, Any], orthanc: OrthancArchive, tmp_path: Path
) -> None:
    bundle_id = taken["manifest"]["bundle_id"]
    sent = {item["sop_instance_uid"] for item in taken["manifest"]["packed"] if item["role"] == "dicom"}
    with Receiver("AA") as receiver:
        files = systems(tmp_path, dicom=orthanc.port, hl7=receiver.port)
        first = told("desk", "import", bundle_id, "--systems", files, "--desk", met.desk)
        again = told("desk", "import", bundle_id, "--systems", files, "--desk", met.desk)
    kinds = [str(message.segment("MSH")(9)) for message in receiver.messages]
    numbers = [str(message.segment("MSH")(10)) for message in receiver.messages]
    half = len(kinds) // 2

    assert set(orthanc.uids_of(THEIRS)) == sent
    assert (first["patient_id"], first["stores"][0]["done"]) == (THEIRS, len(sent))
    assert again["stores"] == first["stores"]
    assert {kind[:7] for kind in kinds} == {"ADT^A28", "ADT^A04", "SIU^S12", "MDM^T02"}
    assert kinds[:half].count("SIU^S12^SIU_S12") == len(taken["manifest"]["sessions"])
    assert numbers[:half] == numbers[half:], "a receiver sees by the number that it has it already"
    assert all(str(message.segment("PID")(3)).startswith(THEIRS) for message in receiver.messages)


def test_both_identities_stand_in_the_copy_and_the_original_stays(met: Houses, taken: dict[str, Any]) -> None:
    beamkeeper("desk", "import", taken["manifest"]["bundle_id"], "--systems", empty(met), "--desk", met.desk)
    copies = list((met.desk / "copies").rglob("*.dcm"))
    originals = list((met.desk / "received" / taken["manifest"]["bundle_id"] / "dicom").rglob("*.dcm"))
    ours = taken["manifest"]["patient"]["patient_id"]

    assert len(copies) == len(originals)
    for path in copies:
        found = dcmread(path, stop_before_pixels=True)
        assert found.PatientID == THEIRS
        assert found.OtherPatientIDsSequence[0].PatientID == ours
    assert {dcmread(path, stop_before_pixels=True).PatientID for path in originals} == {ours}


def empty(met: Houses) -> Path:
    path = met.root / "empty.toml"
    path.write_text("")
    return path


def test_nobody_is_told_of_a_patient_whose_objects_are_not_there(
    met: Houses, taken: dict[str, Any], tmp_path: Path
) -> None:
    with Receiver("AA") as receiver:
        files = systems(tmp_path, dicom=free_port(), hl7=receiver.port)
        arguments = ("desk", "import", taken["manifest"]["bundle_id"], "--systems", files, "--desk", met.desk)
        status, said = beamkeeper(*arguments)

    assert status == 20
    assert "Not told" in said
    assert not receiver.messages


def test_a_receiver_that_refuses_is_named_and_gets_nothing_more(
    met: Houses, taken: dict[str, Any], tmp_path: Path
) -> None:
    with Receiver("AE") as receiver:
        files = systems(tmp_path, dicom=None, hl7=receiver.port)
        arguments = ("desk", "import", taken["manifest"]["bundle_id"], "--systems", files, "--desk", met.desk)
        status, said = beamkeeper(*arguments)

    assert status == 20
    assert "ADT^A28 was refused with AE" in said
    assert len(receiver.messages) == 1


def test_the_messages_in_a_bundle_are_hl7_and_the_summary_says_how_far_the_course_is(
    met: Houses, taken: dict[str, Any]
) -> None:
    folder = met.desk / "received" / taken["manifest"]["bundle_id"]
    for path in sorted((folder / "hl7").glob("*.hl7")):
        is_strict = "mdm" not in path.name  # the library has room for 199 characters of a PDF
        parse_message(path.read_bytes().decode(), validation_level=1 if is_strict else 2)
    (summary,) = (item for item in taken["manifest"]["packed"] if "summary" in item["title"])

    found = dcmread(folder / summary["name"])
    assert found.Modality == "RTRECORD"
    assert found.Manufacturer == "Beamkeeper"
    assert int(found.FractionGroupSummarySequence[0].NumberOfFractionsDelivered) == 2


def test_a_file_of_systems_that_is_wrong_says_where(
    met: Houses, taken: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "systems.toml").write_text('[[dicom]]\nname = "tps"\nkind = "fax"\n')
    arguments = ("--systems", tmp_path / "systems.toml", "--desk", met.desk)
    with pytest.raises(ConfigError, match="is wrong"):
        beamkeeper("desk", "import", taken["manifest"]["bundle_id"], *arguments)
    assert json.loads((met.desk / "card.json").read_text())["format"] == "beamkeeper-card"


def test_what_came_is_judged_against_what_the_sender_says(met: Houses, taken: dict[str, Any]) -> None:
    bundle_id = taken["manifest"]["bundle_id"]
    found = told("desk", "check", bundle_id, "--by", "C. Willems", "--desk", met.desk)
    given = [one["grade"] for one in found["findings"] if one["what"] == "Fractions given so far"]
    last = (met.desk / "journal.jsonl").read_text().splitlines()[-1]
    names = {path.name for path in (met.desk / "reports" / bundle_id).iterdir()}

    assert given == ["ok"] * len(taken["manifest"]["plans"])
    assert {one["what"] for one in found["findings"] if one["grade"] == "stop"} == {
        "Images under the structures"  # the small department keeps two of 24 slices
    }
    assert names == {f"import-report.{kind}" for kind in ("pdf", "html", "txt", "json")}
    assert "bundle verified" in last
    assert taken["manifest"]["patient"]["name"].split("^")[0] not in last


def test_a_file_that_changed_after_it_came_stops_the_set(met: Houses, taken: dict[str, Any]) -> None:
    bundle_id = taken["manifest"]["bundle_id"]
    folder = met.desk / "received" / bundle_id / "dicom"
    path = min(folder.rglob("*.dcm"), key=lambda one: one.stat().st_size)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # still read, and not what was signed
    try:
        status, said = beamkeeper("desk", "check", bundle_id, "--by", "C. Willems", "--desk", met.desk)
    finally:
        path.write_bytes(whole)

    assert status == 20
    assert "STOP Files that could be read" in said
    assert "physicist who takes the patient in decides" in " ".join(said.split())


def test_records_of_the_partners_own_archive_come_home(
    met: Houses, taken: dict[str, Any], orthanc: OrthancArchive, tmp_path: Path
) -> None:
    bundle_id = taken["manifest"]["bundle_id"]
    files = systems(tmp_path, dicom=orthanc.port, hl7=None)
    beamkeeper("desk", "import", bundle_id, "--systems", files, "--desk", met.desk)
    given = met.records(met.persons()[0], 2, 2)
    for data in given.values():
        found = dcmread(BytesIO(data))
        found.PatientID = THEIRS
        found.save_as(tmp_path / "theirs.dcm")
        orthanc.store((tmp_path / "theirs.dcm").read_bytes())
    arguments = ("--systems", files, "--out", tmp_path / "export", "--desk", met.desk)
    fetched = told("desk", "records", bundle_id, *arguments)["records"]
    again = told("desk", "records", bundle_id, *arguments)["records"]
    made = told("desk", "return", bundle_id, tmp_path / "export", "--desk", met.desk)
    back = told("handover", "back", made["folder"], "--incident", met.incident)

    assert (len(fetched), again) == (len(given), [])
    assert back["position"]["plans"][0]["fractions_complete"] == 4


def all_slices_are_there(patch: pytest.MonkeyPatch) -> None:
    """Leave out what the report rightly stops: the small department keeps two of 24 slices."""

    def judged(*arguments: Any) -> Any:
        report = verify_import(*arguments)
        found = tuple(one for one in report.findings if one.what != "Images under the structures")
        return replace(report, findings=found)

    patch.setattr(import_reporting, "verify_import", judged)


def test_a_patient_is_taken_in_by_one_command_and_the_records_go_home_by_another(
    met: Houses, orthanc: OrthancArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, line = met.persons()[2], tmp_path / "line"
    line.mkdir()
    (tmp_path / "line.toml").write_text(f'name = "line"\nkind = "directory"\npath = "{line}"\n')
    files = systems(tmp_path, dicom=orthanc.port, hl7=None)
    files.write_text(f'place = "line.toml"\n{files.read_text()}')
    bundle, theirs = met.make(person), "N-40404"
    take_in = ("receive", bundle, "--systems", files, "--desk", met.desk)
    desk = ("--systems", files, "--desk", met.desk)

    stopped, said = beamkeeper(*take_in, "--known-as", theirs)
    assert (stopped, orthanc.uids_of(theirs)) == (20, ())
    assert "the report says stop" in " ".join(said.split())

    all_slices_are_there(monkeypatch)
    assert beamkeeper(*take_in)[0] == 0
    assert beamkeeper(*take_in)[0] == 0, "it may be done again"
    assert orthanc.uids_of(theirs)

    def followed() -> dict[str, Any]:
        """Look once; return what became of this patient."""
        (one,) = (one for one in told("desk", "follow", *desk)["followed"] if one["bundle_id"] == bundle.name)
        assert isinstance(one, dict)
        return one

    assert (followed()["answer"], followed()["problem"]) == (None, "")
    for data in met.records(person, 0, 5).values():
        found = dcmread(BytesIO(data))
        found.PatientID = theirs
        found.save_as(tmp_path / "theirs.dcm")
        orthanc.store((tmp_path / "theirs.dcm").read_bytes())
    made, again = followed()["answer"], followed()["answer"]
    back = told(
        "handover", "back", line / "handover" / made["header"]["bundle_id"], "--incident", met.incident
    )

    assert again is None
    assert len(back["records"]) == made["record_count"] > 0
    told("desk", "return", bundle.name, met.desk / "records" / bundle.name, "--last", *desk[2:])
    assert bundle.name not in {one["bundle_id"] for one in told("desk", "follow", *desk)["followed"]}


def test_without_the_own_number_a_patient_waits_and_nothing_goes_anywhere(
    met: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_slices_are_there(monkeypatch)
    bundle, files = met.make(met.persons()[1]), systems(tmp_path, dicom=free_port(), hl7=None)
    status, said = beamkeeper("receive", bundle, "--systems", files, "--desk", met.desk)

    assert status == 3
    assert "--known-as NUMBER goes on" in " ".join(said.split())
    assert (met.desk / "reports" / bundle.name / "import-report.pdf").is_file()


def test_a_receiver_hears_that_appointments_are_made_moved_and_cancelled(met: Houses, tmp_path: Path) -> None:
    person, days = met.persons()[2], ("--first-on", "2090-01-02", "--at")
    heard = []
    for more in ((*days, "09:40"), (*days, "10:20"), ("--cancel",)):
        bundle_id = met.receive(met.make(person, *more))["manifest"]["bundle_id"]
        beamkeeper("desk", "known-as", bundle_id, "N-50505", "--desk", met.desk)
        with Receiver("AA") as receiver:
            files = systems(tmp_path, dicom=None, hl7=receiver.port)
            assert beamkeeper("desk", "import", bundle_id, "--systems", files, "--desk", met.desk)[0] == 0
        heard.append([str(message.segment("MSH")(9)) for message in receiver.messages])

    counts = [
        sum(kind.startswith(f"SIU^{event}") for kind in kinds)
        for event, kinds in zip(("S12", "S13", "S15"), heard, strict=True)
    ]
    assert counts[0] == counts[1] == counts[2] > 0
    assert [sum(kind.startswith("SIU") for kind in kinds) for kinds in heard] == counts
    packed = (met.desk / "received" / bundle_id / "hl7").iterdir()
    assert sum("siu-s15" in path.name for path in packed) == counts[2]
