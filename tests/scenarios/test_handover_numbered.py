"""What came back under other numbers is asked about, what no longer stands is cancelled, closing asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from pydicom import dcmread
from test_handover import GIVEN, LATER
from two_houses import Houses, beamkeeper, told

from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.domain.position import ConflictKind
from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from beamkeeper.protect.lists import Person
    from beamkeeper.respond.handover.given_there import Question


@pytest.fixture(scope="module")
def met(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    return Houses.met(root, SmallSite.copied(kept_root, root / "site"))


@pytest.fixture
def houses(met: Houses, tmp_path: Path) -> Houses:
    return met.copied(tmp_path / "here")


@pytest.mark.parametrize("factor", [1.0, 0.9], ids=["retargeted", "recalculated"])
def test_a_plan_that_stood_for_ours_counts_only_with_our_metersets(
    houses: Houses, tmp_path: Path, factor: float
) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 2, tmp_path / "export")
    ours = person.plans[0].sop_instance_uid
    for path in export.iterdir():
        record = dcmread(path)
        record.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID = "1.2.3.4"
        for beam in record.TreatmentSessionBeamSequence:
            beam.SpecifiedPrimaryMeterset = float(beam.SpecifiedPrimaryMeterset) * factor
            beam.DeliveredPrimaryMeterset = float(beam.DeliveredPrimaryMeterset) * factor
        record.save_as(path)
    same = f"1.2.3.4={ours}:for TB2, signed A and B"
    made = told("desk", "return", bundle_id, export, "--same-plan", same, "--last", "--desk", houses.desk)
    back = told("handover", "back", made["folder"], "--incident", houses.incident)
    counted, unassigned = back["position"]["plans"][0], back["position"]["unassigned_record_uids"]

    assert counted["fractions_partial"] == 0
    assert counted["fractions_complete"] == GIVEN + (2 if factor == 1.0 else 0)
    assert bool(unassigned) == (factor != 1.0)
    for number, one in enumerate(questions(houses, person), start=GIVEN + 1):
        assert (one.proposed, "recalculated" in " ".join(one.reasons)) == (number, True)
        back = told("handover", "assign", *assigned(houses, person, one.key, number))
    assert back["position"]["plans"][0]["fractions_complete"] == GIVEN + 2


def questions(houses: Houses, person: Person) -> tuple[Question, ...]:
    opened = IncidentFolder.open(houses.incident)
    return patient_now(opened, opened.inventory(), person.pseudonym, at(NIGHT_1, 15).now()).questions


def assigned(houses: Houses, person: Person, key: str, number: int) -> tuple[object, ...]:
    both = ("--by", "A. Jansen", "--by", "B. Peeters", "--reason", "by telephone")
    patient = person.entry.patient.patient_id
    return (patient, key, "--fraction", number, *both, "--incident", houses.incident)


def test_a_house_that_numbers_from_one_again_gave_nothing_twice_and_two_people_say_what(
    houses: Houses, tmp_path: Path
) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 2, tmp_path / "export")
    for path in export.iterdir():
        record = dcmread(path)
        for beam in record.TreatmentSessionBeamSequence:
            beam.CurrentFractionNumber -= GIVEN
        record.save_as(path)
    made = told("desk", "return", bundle_id, export, "--last", "--desk", houses.desk)
    back = told("handover", "back", made["folder"], "--incident", houses.incident)["position"]["plans"][0]
    asked = questions(houses, person)
    shown = " ".join(beamkeeper("handover", "show", "--incident", houses.incident)[1].split())
    settle = ("incident", "settle", person.entry.patient.patient_id, "--next", GIVEN + 1)
    both = ("--by", "A", "--by", "B", "--reason", "x", "--incident", houses.incident)

    assert back["fractions_complete"] == GIVEN
    assert {one["kind"] for one in back["conflicts"]} == {ConflictKind.POSSIBLY_DELIVERED.value}
    assert [one.proposed for one in asked] == [GIVEN + 1, GIVEN + 2]
    assert f"`handover assign`, {asked[0].key}" in shown
    with pytest.raises(ConfigError, match="waits for a number"):
        beamkeeper(*settle, *both)
    with pytest.raises(ConfigError, match="was given already"):
        beamkeeper("handover", "assign", *assigned(houses, person, asked[0].key, 1))
    with pytest.raises(ConfigError, match="has no number"):
        beamkeeper("incident", "close", "--said", "x", "--incident", houses.incident)
    for one in asked:
        said = told("handover", "assign", *assigned(houses, person, one.key, one.proposed or 0))
    assert said["questions"] == []
    assert said["position"]["plans"][0]["fractions_complete"] == GIVEN + 2
    left = [one["text"] for one in said["position"]["plans"][0]["conflicts"]]
    assert not any("handover assign" in text for text in left)


def test_appointments_are_moved_or_cancelled_by_a_later_bundle(houses: Houses) -> None:
    person, days = houses.persons()[0], ("--first-on", LATER, "--at", "09:40")
    first = houses.receive(houses.make(person, *days))["manifest"]
    again = houses.receive(houses.make(person, *days[:-1], "10:20"))["manifest"]
    silent = houses.receive(houses.make(person))["manifest"]
    last = houses.receive(houses.make(person, "--cancel"))["manifest"]
    folder = houses.desk / "received"
    letter = (folder / last["bundle_id"] / "letter.txt").read_text()

    def numbers(manifest: dict[str, Any], kind: str) -> list[str]:
        found = sorted((folder / manifest["bundle_id"] / "hl7").glob(f"*-{kind}.hl7"))
        return [path.read_text().split("SCH|")[1].split("^")[0] for path in found]

    assert again["cancelled"] == silent["cancelled"] == []
    assert len(last["cancelled"]) == len(first["sessions"]) > 0
    assert numbers(last, "siu-s15") == numbers(again, "siu-s13") == numbers(first, "siu-s12")
    assert numbers(again, "siu-s12") == numbers(silent, "siu-s1?") == []
    assert "Appointments that no longer stand" in letter
    assert "Appointments that were moved" in (folder / again["bundle_id"] / "letter.txt").read_text()


def test_closing_says_who_is_still_elsewhere_and_asks(houses: Houses) -> None:
    bundle = houses.make(houses.persons()[0])
    close = ("incident", "close", "--said", "ARIA is back", "--incident", houses.incident)
    with pytest.raises(ConfigError, match=f"still open: .*: Bundle {bundle.name} went to"):
        beamkeeper(*close)
    assert beamkeeper(*close, "--anyway")[0] == 0
    row = IncidentFolder.open(houses.incident).journal.rows()[-1]
    assert (row.action, row.details["about"]) == (Deed.CLOSED, "1 left open")
