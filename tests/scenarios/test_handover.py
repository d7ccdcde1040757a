"""A patient goes to another house with everything needed to treat, and every fraction comes back once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader
from two_houses import PARTNER, Houses, beamkeeper, told

from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.errors import ConfigError, IntegrityError, KeyUnavailable
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from pathlib import Path

    from night_site import SmallSite

GIVEN = 2
"""Sessions that the night's copy holds of each patient."""


@pytest.fixture
def houses(kept_site: SmallSite, tmp_path: Path) -> Houses:
    return Houses.met(tmp_path, kept_site)


def test_every_fraction_comes_back_once_and_the_position_is_the_truth(houses: Houses, tmp_path: Path) -> None:
    person = houses.persons()[0]
    taken = houses.receive(houses.make(person, "--first-on", "2026-03-04"))
    bundle_id = taken["manifest"]["bundle_id"]
    records = houses.treated(person, GIVEN, 3, tmp_path / "export")
    made = told("desk", "return", bundle_id, records, "--said", "3 given", "--desk", houses.desk)
    first = told("handover", "back", made["folder"], "--incident", houses.incident)
    again = told("handover", "back", made["folder"], "--incident", houses.incident)
    shown = told("handover", "show", "--incident", houses.incident)

    at = first["position"]["plans"][0]
    assert (at["fractions_complete"], at["next_fraction_number"]) == (GIVEN + 3, GIVEN + 4)
    assert sorted(first["records"]) == sorted(houses.records(person, GIVEN, 3))
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert again["position"] == first["position"] == shown[0]["position"]


def test_what_was_given_at_home_and_is_sent_along_is_not_counted_again(
    houses: Houses, tmp_path: Path
) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    everything = houses.treated(person, 0, GIVEN + 1, tmp_path / "export")
    made = told("desk", "return", bundle_id, everything, "--desk", houses.desk)

    at = told("handover", "back", made["folder"], "--incident", houses.incident)["position"]["plans"][0]
    assert at["fractions_complete"] == GIVEN + 1


def test_the_bundle_holds_what_the_plan_leads_to_byte_for_byte(houses: Houses) -> None:
    person = houses.persons()[0]
    taken = houses.receive(houses.make(person, "--accessory", "vacuum bag", "--consent", "by telephone, A"))
    files = {item["name"]: item for item in taken["manifest"]["packed"]}
    here = {name: (houses.desk / "received" / taken["manifest"]["bundle_id"] / name) for name in files}
    sources = set(houses.site.sources_by_uid().values())
    dicom = [path.read_bytes() for name, path in here.items() if files[name]["role"] == "dicom"]
    letter = " ".join(page.extract_text() for page in PdfReader(here["letter.pdf"]).pages)

    assert {identify(data).modality for data in dicom} >= {"RTPLAN", "RTSTRUCT", "RTDOSE", "CT", "RTRECORD"}
    assert all(data in sources for data in dicom)
    for said in (PARTNER, "vacuum bag", "by telephone, A", person.entry.patient.patient_id):
        assert said in letter


def test_nothing_beside_the_seal_says_who_the_patient_is(houses: Houses) -> None:
    person = houses.persons()[0]
    bundle = houses.make(person)
    patient = person.entry.patient
    clear = b"".join((bundle / name).read_bytes() for name in ("bundle.json", "bundle.json.sig"))

    for told_ in (patient.patient_id, patient.name, patient.name.split("^")[0], str(patient.birth_on)):
        assert told_.encode() not in clear
    assert sorted(path.name for path in bundle.iterdir()) == ["bundle.age", "bundle.json", "bundle.json.sig"]


def test_a_card_counts_only_with_the_number_that_was_read_aloud(houses: Houses, tmp_path: Path) -> None:
    beamkeeper("desk", "init", "--desk", tmp_path / "stranger", "--name", "AZ Oost")
    with pytest.raises(KeyUnavailable, match="another number"):
        beamkeeper(
            "desk",
            "trust",
            tmp_path / "stranger" / "card.json",
            "--number",
            "0" * 30,
            "--desk",
            houses.desk,
        )


def test_a_bundle_of_a_house_that_nobody_trusts_is_not_opened(houses: Houses, tmp_path: Path) -> None:
    bundle = houses.make(houses.persons()[0])
    shutil.rmtree(houses.desk / "known")
    with pytest.raises(IntegrityError, match="nobody here trusts"):
        houses.receive(bundle)
    assert not (houses.desk / "received").exists()


def test_a_bundle_for_another_house_is_told_so(houses: Houses, tmp_path: Path) -> None:
    bundle = houses.make(houses.persons()[0])
    other = tmp_path / "other"
    beamkeeper("desk", "init", "--desk", other, "--name", "AZ Oost")
    number = told("desk", "card", "--desk", houses.home)["number"]
    beamkeeper("desk", "trust", houses.home / "card.json", "--number", number, "--desk", other)
    with pytest.raises(KeyUnavailable, match="sealed for another house"):
        beamkeeper("receive", bundle, "--desk", other)


def test_an_older_bundle_never_replaces_a_newer_one(houses: Houses) -> None:
    person = houses.persons()[0]
    old, new = houses.make(person), houses.make(person)
    houses.receive(new)
    with pytest.raises(IntegrityError, match="number 1 of its patient, and number 2 is here"):
        houses.receive(old)
    assert houses.receive(new)["is_new"] is False


def test_a_record_of_another_patient_is_named_and_left_out(houses: Houses, tmp_path: Path) -> None:
    mine, other = houses.persons()[:2]
    bundle_id = houses.receive(houses.make(mine))["manifest"]["bundle_id"]
    export = houses.treated(mine, GIVEN, 1, tmp_path / "export")
    for uid, data in houses.records(other, 0, 1).items():
        (export / f"stray-{uid[-4:]}.dcm").write_bytes(data)
    status, said = beamkeeper("desk", "return", bundle_id, export, "--desk", houses.desk)

    assert status == 20
    assert "NOT IN IT" in said
    assert "another person" in said


def test_a_return_bundle_of_a_patient_who_never_went_there_is_refused(houses: Houses, tmp_path: Path) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 1, tmp_path / "export")
    made = told("desk", "return", bundle_id, export, "--desk", houses.desk)
    journal = IncidentFolder.open(houses.incident).journal.path
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if "bundle made" not in line))
    with pytest.raises(IntegrityError, match="answers no bundle"):
        beamkeeper("handover", "back", made["folder"], "--incident", houses.incident)


def test_a_patient_without_a_plan_to_treat_is_named_and_stops_nobody_else(houses: Houses) -> None:
    with pytest.raises(ConfigError, match="Nobody of the inventory"):
        beamkeeper(
            "handover", "make", "nobody", "--to", PARTNER, "--incident", houses.incident, "--site", "x"
        )
