"""The script as a button: the plan that is open goes everywhere, and a receipt tells of each place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.raystation.department import UP_TO_8, Plan
from tests.unit.raystation.conftest import DEPLOY, Clinic

from beamkeeper.clock import SystemClock
from beamkeeper.protect.census import CensusWindow, ReceiptSource

if TYPE_CHECKING:
    from datetime import datetime

CODE = {"code": "1", "reason": "head and neck", "given_by": "peeters", "given_at": "2026-11-20T13:00:00Z"}


@pytest.fixture
def opened(clinic: Clinic, yesterday: datetime) -> Clinic:
    clinic.department.add("P1", "HN1", approved_at=yesterday, modified=yesterday)
    clinic.department.open("P1")
    return clinic


def test_an_approved_plan_goes_to_every_destination_with_what_it_stands_on(opened: Clinic) -> None:
    assert opened.press()

    suncheck, mim, folder = opened.department.exports
    assert suncheck.arguments == {
        "Connection": {"Title": "SUNCHECK"},
        "Examinations": ["CT 1"],
        "RtStructureSetsReferencedFromBeamSets": ["HN1 plan:HN1"],
        "BeamSets": ["HN1 plan:HN1"],
        "PhysicalBeamSetDoseForBeamSets": ["HN1 plan:HN1"],
        "IgnorePreConditionWarnings": False,
    }
    assert mim.arguments["Connection"] == {
        "Node": "mim.example",
        "Port": 104,
        "CalledAE": "MIM",
        "CallingAE": "RAYSTATION",
    }
    assert folder.arguments["ExportFolderPath"] == "D:\\dicom"


def test_each_destination_leaves_a_receipt_with_the_code_that_was_given(
    opened: Clinic, yesterday: datetime
) -> None:
    opened.answer = CODE
    opened.press()

    receipts = opened.receipts()
    assert [receipt["destination"] for receipt in receipts] == ["beamkeeper", "mim", "suncheck"]
    first = receipts[0]
    assert (first["patient_id"], first["case"], first["plan"], first["beam_set"]) == (
        "P1",
        "Case 1",
        "HN1 plan",
        "HN1",
    )
    assert first["reviewed_at"] == yesterday.strftime("%Y-%m-%dT%H:%M:%S")
    assert (first["result"], first["notifications"], first["triage"]) == ("exported", ["Exported."], CODE)


def test_the_patient_is_saved_first_because_what_is_not_saved_is_not_exported(opened: Clinic) -> None:
    opened.press()

    assert opened.department.patients[0].saves == 1


def test_a_patient_that_cannot_be_saved_is_not_exported(opened: Clinic) -> None:
    opened.department.save_fails = True

    with pytest.raises(opened.script.ExportError, match="read-only"):
        opened.press()

    assert opened.department.exports == []


def test_a_dead_destination_does_not_stop_the_others(opened: Clinic) -> None:
    opened.department.down.add("SUNCHECK")

    assert not opened.press()

    results = {receipt["destination"]: receipt["result"] for receipt in opened.receipts()}
    assert results == {"suncheck": "failed", "mim": "exported", "beamkeeper": "exported"}
    assert "No connection to SUNCHECK" in opened.receipts()[2]["error"]
    assert "FAILED for suncheck" in opened.said[0]


def test_warnings_are_logged_and_kept_and_the_export_goes_on(opened: Clinic) -> None:
    opened.department.warns["SUNCHECK"] = json.dumps(
        {
            "Comment": "Check",
            "Warnings": ["The dose grid does not cover the ROI."],
            "Notifications": [],
        }
    )

    assert opened.press()

    receipt = opened.receipts()[2]
    assert receipt["result"] == "exported despite warnings"
    assert receipt["warnings"] == ["The dose grid does not cover the ROI."]
    assert "warnings: The dose grid does not cover the ROI." in opened.log()
    assert [call.arguments["IgnorePreConditionWarnings"] for call in opened.department.exports[:2]] == [
        False,
        True,
    ]


def test_a_warning_in_plain_words_is_a_warning_too(opened: Clinic) -> None:
    opened.department.warns["SUNCHECK"] = "Beams are not validated."
    opened.press()

    assert opened.receipts()[2]["warnings"] == ["Beams are not validated."]


def test_a_site_may_have_nothing_exported_despite_warnings(opened: Clinic) -> None:
    opened.config["send_despite_warnings"] = False
    opened.department.warns["SUNCHECK"] = "Beams are not validated."

    assert not opened.press()

    receipt = opened.receipts()[2]
    assert (receipt["result"], receipt["warnings"]) == ("failed", ["Beams are not validated."])


def test_what_is_not_approved_is_not_exported(clinic: Clinic, yesterday: datetime) -> None:
    clinic.department.add("P1", "HN1", approved_at=None, modified=yesterday)
    clinic.department.open("P1")

    with pytest.raises(clinic.script.ExportError, match="approved"):
        clinic.press()

    assert clinic.department.exports == []


def test_a_site_that_says_so_exports_what_is_not_approved_and_the_receipt_tells(
    clinic: Clinic, yesterday: datetime
) -> None:
    clinic.config["approved_only"] = False
    clinic.department.add("P1", "HN1", approved_at=None, modified=yesterday)
    clinic.department.open("P1")

    assert clinic.press()

    assert {receipt["approval"] for receipt in clinic.receipts()} == {""}


def test_only_the_approved_beam_sets_of_a_plan_go(opened: Clinic, yesterday: datetime) -> None:
    plan: Plan = opened.department.current["Plan"]
    other = opened.department.add("P2", "BOOST", approved_at=None, modified=yesterday)
    plan.BeamSets.append(other)
    opened.press()

    assert {receipt["beam_set"] for receipt in opened.receipts()} == {"HN1"}


def test_nothing_open_is_said_in_words(clinic: Clinic) -> None:
    with pytest.raises(clinic.script.ExportError, match="Open the patient"):
        clinic.press()


def test_without_a_place_for_receipts_nothing_is_exported(opened: Clinic) -> None:
    opened.config["receipts_folder"] = str(opened.folder / "unplugged")

    with pytest.raises(opened.script.ExportError, match="not there"):
        opened.press()

    assert opened.department.exports == []


def test_no_code_given_is_said_and_does_not_stop_the_export(opened: Clinic) -> None:
    assert opened.press()

    assert "No triage code was given." in opened.said[0]
    assert opened.receipts()[0]["triage"] is None


def test_names_of_receipts_and_lines_of_the_log_name_no_patient(opened: Clinic) -> None:
    opened.press()

    names = " ".join(path.name for path in (opened.folder / "receipts").iterdir())
    assert "P1" not in names + opened.log()
    assert "Jansen" not in names + opened.log()


def test_an_old_raystation_is_asked_by_the_names_it_knows(opened: Clinic) -> None:
    opened.department.arguments = UP_TO_8
    opened.config["destinations"] = [
        {
            "name": "old",
            "node": "10.0.0.7",
            "port": 104,
            "called_ae": "MIM",
            "calling_ae": "RS",
            "api": "up to 8",
        }
    ]

    assert opened.press()

    arguments = opened.department.exports[0].arguments
    assert arguments["AEHostname"] == "10.0.0.7"
    assert arguments["BeamSetDoseForBeamSets"] == ["HN1 plan:HN1"]
    assert "Connection" not in arguments


def test_names_that_this_version_does_not_know_end_as_a_failed_receipt(opened: Clinic) -> None:
    opened.department.arguments = UP_TO_8

    assert not opened.press()

    assert "Unknown argument Connection" in opened.receipts()[2]["error"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": "SUNCHECK", "folder": "D:\\"}, "names 2 of"),
        ({}, "names 0 of"),
        ({"node": "10.0.0.7"}, "port"),
        ({"title": "SUNCHECK", "content": ["everything"]}, "everything"),
        ({"titel": "SUNCHECK"}, "titel"),
        ({"title": "SUNCHECK", "api": "up to 8"}, "no titles"),
        ({"title": "SUNCHECK", "api": "9"}, "api"),
    ],
)
def test_a_destination_that_is_not_understood_is_refused_before_anything_is_exported(
    opened: Clinic, change: dict[str, object], said: str
) -> None:
    opened.config["destinations"] = [{"name": "one", **change}]

    with pytest.raises(opened.script.ExportError, match=said):
        opened.press()


def test_what_the_script_writes_beamkeeper_reads(opened: Clinic) -> None:
    opened.answer = CODE
    opened.department.down.add("SUNCHECK")
    opened.department.warns["mim.example"] = "Beams are not validated."
    opened.press()
    source = ReceiptSource("raystation", opened.folder / "receipts", zone=ZoneInfo("UTC"), days=9)
    answer = source.ask(SystemClock().now(), CensusWindow())

    assert answer.warnings == ()
    ((patient, chart),) = answer.charts
    assert (patient.patient_id, patient.name) == ("P1", "Jansen^Anna")
    assert chart.triage is not None
    assert chart.triage.code == "1"
    assert {export.destination: bool(export.error) for export in chart.exports} == {
        "beamkeeper": False,
        "mim": False,
        "suncheck": True,
    }


def test_the_example_that_is_shipped_is_a_configuration(clinic: Clinic) -> None:
    config = clinic.script.load_config(str(DEPLOY / "raystation.example.json"))

    names = [destination["name"] for destination in config["destinations"]]
    assert names == ["suncheck", "catalyst", "aria", "mim", "beamkeeper"]
