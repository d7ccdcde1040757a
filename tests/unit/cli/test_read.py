"""`beamkeeper read`: what files say, on a page and as JSON; honest about what could not be read."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beamkeeper.app.cli.describe_text import clean, outcome
from beamkeeper.app.cli.main import app
from beamkeeper.domain.plan import DeliveryType, DosimeterUnit
from beamkeeper.domain.record import BeamDelivery, TerminationStatus
from beamkeeper.errors import ConfigError

DOCUMENT = Path(__file__).parents[3] / "docs" / "formats" / "read-json.md"
WIDTH = 80
sys.path.insert(0, str(Path(__file__).parents[1] / "wire" / "dicom"))
from reader_objects import CT, RECORD, file_of, identity, plan  # noqa: E402 - found by the line above


def run(*arguments: str):
    return CliRunner(env={"COLUMNS": str(WIDTH), "TERM": "dumb"}).invoke(app, ["read", *arguments])


def delivery(**more: object) -> BeamDelivery:
    values: dict[str, object] = {
        "referenced_beam_number": 1,
        "beam_name": "one",
        "current_fraction_number": 7,
        "delivery_type": DeliveryType.TREATMENT,
        "termination_status": TerminationStatus.NORMAL,
        "specified_meterset": 100.0,
        "delivered_meterset": 99.99,
        "primary_dosimeter_unit": DosimeterUnit.MU,
    }
    return BeamDelivery(**{**values, **more})


@pytest.fixture
def folder(tmp_path):
    """A plan, an interrupted fraction, two CT slices of another Patient ID, a text file, a cut file."""
    session = {
        "ReferencedBeamNumber": "1",
        "CurrentFractionNumber": "3",
        "TreatmentDeliveryType": "TREATMENT",
        "TreatmentTerminationStatus": "MACHINE",
        "SpecifiedPrimaryMeterset": "111",
        "DeliveredPrimaryMeterset": "40",
    }
    record = identity(
        RECORD,
        "RTRECORD",
        SOPInstanceUID="1.2.3.5",
        TreatmentDate="20260701",
        TreatmentTime="0830",
        PrimaryDosimeterUnit="MU",
        ReferencedRTPlanSequence=[{"ReferencedSOPInstanceUID": "1.2.3.4"}],
        TreatmentSessionBeamSequence=[session],
    )
    (tmp_path / "plan.dcm").write_bytes(file_of(plan()))
    (tmp_path / "again.dcm").write_bytes(file_of(plan()))
    (tmp_path / "record.dcm").write_bytes(file_of(record))
    for number in (1, 2):
        slice_ = identity(CT, "CT", SOPInstanceUID=f"1.2.3.6.{number}", PatientID="P2", Rows=4, Columns=4)
        (tmp_path / f"ct{number}.dcm").write_bytes(file_of(slice_))
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "cut.dcm").write_bytes(file_of(plan(SOPInstanceUID="1.2.3.7"))[:-9])
    return tmp_path


def test_a_folder_says_plans_fractions_and_what_is_missing(folder):
    page = run(str(folder)).output

    assert "Plan VMAT1  approved" in page
    assert "25 fractions of 2.00 Gy" in page
    assert re.search(r"fraction 3, beam 1 +interrupted 40\.0 of 111\.0 MU, machine", page)
    assert "0 of 25 fractions complete, 1 begun and not finished" in " ".join(page.split())
    assert "1 treatment record of plan VMAT1" in page
    assert "✗ plan VMAT1 → 1 structure set not here" in page
    assert "2 images of 4 × 4" in page


def test_two_patient_ids_in_one_study_are_shown_and_kept_apart(folder):
    page = " ".join(run(str(folder)).output.split())

    assert "One study names 2 Patient IDs: P1, P2. They are shown apart, not merged." in page


def test_files_that_cannot_be_read_are_named_and_change_the_exit_status(folder):
    result = run(str(folder))
    page = " ".join(result.output.split())

    assert result.exit_code == 1
    assert "Not read: Not DICOM" in page
    assert "notes.txt" in page
    assert "Truncated" in page
    assert "7 files: 4 objects of 2 patients; 2 files could not be read." in page


def test_the_exit_status_is_zero_when_every_file_was_read(folder):
    result = run(str(folder / "plan.dcm"))

    assert result.exit_code == 0
    assert "every file could be read" in " ".join(result.output.split())


def test_a_path_that_is_not_there_is_a_mistake_of_the_caller(tmp_path):
    result = run(str(tmp_path / "none"))

    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_status == 2


def test_the_page_keeps_within_80_columns(folder):
    long = plan(RTPlanLabel="x" * 90, SOPInstanceUID="1.2.3.8", PatientID="y" * 64)
    (folder / "a long name that goes on and on and on and on and on and on and on and on.dcm").write_bytes(
        file_of(long)
    )

    assert max(map(len, run(str(folder)).output.splitlines())) <= WIDTH


def test_nothing_read_can_act_on_the_terminal(tmp_path):
    hostile = plan(RTPlanLabel=b"\x1b[2Jred[bold]x[/bold]", PatientID=b"P\x1b]0;owned\x07")
    (tmp_path / "x.dcm").write_bytes(file_of(hostile))
    page = run(str(tmp_path)).output

    assert "\x1b[2J" not in page
    assert "\x1b]0" not in page
    assert "[bold]x[/bold]" in page
    assert clean("a\u202eb\x07") == "a·b·"


def test_json_has_exactly_the_documented_members(folder):
    result = run(str(folder), "--json")
    document = json.loads(result.output)
    described = DOCUMENT.read_text(encoding="utf-8")

    assert result.exit_code == 1
    assert (document["format"], document["version"]) == ("beamkeeper-read", 1)
    for member in (*document, *document["patients"][0], *document["patients"][0]["plans"][0]["beams"][0]):
        assert f"`{member}`" in described, member
    for member in document["patients"][0]["records"][0]["deliveries"][0]:
        assert f"`{member}`" in described, member
    assert "control_points" not in result.output


def test_json_says_what_the_page_says(folder):
    document = json.loads(run(str(folder), "--json").output)
    first, second = document["patients"]

    assert (document["file_count"], document["object_count"]) == (7, 4)
    assert [patient["patient_id"] for patient in document["patients"]] == ["P1", "P2"]
    assert [beam["beam_number"] for beam in first["plans"][0]["beams"]] == [9, 1, 2]
    assert first["position"]["plans"][0]["fractions_partial"] == 1
    assert second["image_series"][0]["image_count"] == 2
    assert [item["path"] for item in document["unreadable"]] == ["cut.dcm", "notes.txt"]
    assert document["repeated"] == [
        {"sop_instance_uid": "1.2.3.4", "paths": ["again.dcm", "plan.dcm"], "identical": True}
    ]
    assert document["studies_with_several_patients"][0]["patient_ids"] == ["P1", "P2"]


def test_one_uid_with_two_contents_is_pointed_out(folder):
    (folder / "changed.dcm").write_bytes(file_of(plan(RTPlanLabel="OTHER")))
    page = " ".join(run(str(folder)).output.split())

    assert "1 with different bytes under one SOP Instance UID" in page


def test_links_are_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out.dcm").write_bytes(file_of(plan()))
    (tmp_path / "in" / "link.dcm").symlink_to(tmp_path / "out.dcm")

    assert json.loads(run(str(tmp_path / "in"), "--json").output)["file_count"] == 0


def test_a_private_sop_class_is_named_as_kept(tmp_path):
    (tmp_path / "x.dcm").write_bytes(file_of(identity("481.10", "RTINTENT")))

    assert re.search(r"kept as it is +RTINTENT +1 object", run(str(tmp_path)).output)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "complete"),
        ({"delivered_meterset": 100.05}, "complete"),
        ({"delivered_meterset": 46.3}, "interrupted"),
        ({"delivered_meterset": 100.0, "termination_status": TerminationStatus.MACHINE}, "interrupted"),
        ({"delivered_meterset": None}, "not stated"),
        ({"specified_meterset": None}, "not stated"),
        ({"delivery_type": DeliveryType.SETUP}, "not counted (setup)"),
        ({"delivery_type": DeliveryType.UNKNOWN}, "complete"),
    ],
)
def test_how_a_delivery_ended_in_words(more, words):
    assert outcome(delivery(**more)) == words


@pytest.mark.peer
def test_every_real_set_fits_the_page_and_the_json(real_data):
    for folder in sorted(real_data.iterdir()):
        page = run(str(folder / "dicom"))
        document = json.loads(run(str(folder / "dicom"), "--json").output)

        assert page.exit_code == (1 if folder.name == "ihero-treatment-records" else 0), folder.name
        assert max(map(len, page.output.splitlines())) <= WIDTH
        assert document["file_count"] == sum(path.is_file() for path in (folder / "dicom").rglob("*"))
