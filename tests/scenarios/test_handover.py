"""A patient goes to another house with everything needed to treat, and every fraction comes back once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from night_site import NIGHT_1, SmallSite, at
from pypdf import PdfReader
from test_placement import PARTNERS
from two_houses import PARTNER, Houses, beamkeeper, told

from beamkeeper.app.jobs.desk_journal import DeskDeed, journal
from beamkeeper.app.jobs.handing_over import Agreed, hand_over
from beamkeeper.app.jobs.handover_desk import desk_of
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.placing import Who, make_draft, make_version
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.opened import open_by_site
from beamkeeper.errors import (
    ConfigError,
    IntegrityError,
    KeyUnavailable,
    NotDeliverable,
    PatientMismatch,
    SourceUnavailable,
)
from beamkeeper.respond.handover import Desk, Packed, Role, open_bundle, seal_bundle
from beamkeeper.respond.handover.manifest import manifest_bytes, read_manifest
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from beamkeeper.respond.placement.instance import PatientNeed

WHO = Who(by="C", at=at(NIGHT_1, 13).now())
GIVEN = 2
LATER = date(2090, 1, 2)
"""A Monday: days that are past are agreed with nobody."""
"""Sessions that the night's copy holds of each patient."""


@pytest.fixture(scope="module")
def met(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    return Houses.met(root, SmallSite.copied(kept_root, root / "site"))


@pytest.fixture
def houses(met: Houses, tmp_path: Path) -> Houses:
    return met.copied(tmp_path / "here")


def test_every_fraction_comes_back_once_and_the_position_is_the_truth(houses: Houses, tmp_path: Path) -> None:
    person = houses.persons()[0]
    taken = houses.receive(houses.make(person, "--first-on", LATER))
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
    received = [name for name in files if files[name]["role"] == "dicom" and not files[name]["title"]]
    dicom = [here[name].read_bytes() for name in received]
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
    assert "who came with" not in said

    theirs = houses.receive(houses.make(other))["manifest"]["bundle_id"]
    said = " ".join(beamkeeper("desk", "return", bundle_id, export, "--desk", houses.desk)[1].split())

    assert f"another person, who came with bundle {theirs}" in said


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


def test_a_patient_whose_copy_is_damaged_is_named_and_stops_nobody_else(houses: Houses) -> None:
    good, bad = houses.persons()[:2]
    entry = houses.site.runtime(NIGHT_1).vault.latest(bad.pseudonym)
    assert entry is not None
    (houses.site.vault_dir / entry.storage_name).write_bytes(b"x")
    ids = [one.entry.patient.patient_id for one in (bad, good)]
    arguments = ("--to", PARTNER, "--incident", houses.incident, "--site", houses.site.site_file)
    status, said = beamkeeper("handover", "make", *ids, *arguments, "--json")
    made = json.loads(said)

    assert (status, len(made["made"]), len(made["failed"])) == (20, 1, 1)
    assert not list((houses.home / "out").glob(".*"))
    assert not list(houses.home.glob(".packing-*"))


def test_a_patient_without_a_plan_to_treat_is_not_handed_over(houses: Houses) -> None:
    person = houses.persons()[0]
    opened = IncidentFolder.open(houses.incident)
    now = at(NIGHT_1, 12).now()
    patient = patient_now(opened, opened.inventory(), person.pseudonym, now)
    store = open_by_site(houses.site.site, at(NIGHT_1, 12))
    agreed = Agreed(to=desk_of(opened).find(PARTNER), by="A")
    with pytest.raises(NotDeliverable, match="no plan is held"):
        hand_over(opened, store, replace(patient, row=replace(patient.row, plans=())), agreed, now=now)


@pytest.mark.parametrize("name", ["bundle.age", "bundle.json", "bundle.json.sig"])
def test_a_bundle_that_was_cut_short_or_altered_is_refused_and_nothing_is_left(
    houses: Houses, name: str
) -> None:
    bundle = houses.make(houses.persons()[0])
    whole = (bundle / name).read_bytes()
    middle = len(whole) // 2
    for broken in (whole[:-40], b"", whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]):
        (bundle / name).write_bytes(broken)
        with pytest.raises(IntegrityError):
            houses.receive(bundle)
    (bundle / name).unlink()
    (bundle / name).symlink_to("/etc/passwd")
    with pytest.raises(SourceUnavailable):
        houses.receive(bundle)
    assert not [path for path in (houses.desk / "received").rglob("*") if path.is_file()]


def test_two_bundles_whose_sealed_files_were_swapped_are_both_refused(houses: Houses) -> None:
    first, second = (houses.make(one) for one in houses.persons()[:2])
    held = (first / "bundle.age").read_bytes()
    (first / "bundle.age").write_bytes((second / "bundle.age").read_bytes())
    (second / "bundle.age").write_bytes(held)
    for bundle in (first, second):
        with pytest.raises(IntegrityError, match="not the one that was signed"):
            houses.receive(bundle)


def test_files_beside_a_bundle_are_named_and_not_read(houses: Houses) -> None:
    bundle = houses.make(houses.persons()[0])
    (bundle / "autorun.inf").write_text("x")

    assert houses.receive(bundle)["strangers"] == ["autorun.inf"]


@pytest.mark.parametrize("inside", [-1, 1], ids=["one less", "one more"])
def test_a_bundle_with_other_files_than_its_manifest_names_is_refused(
    houses: Houses, tmp_path: Path, inside: int
) -> None:
    taken = houses.receive(houses.make(houses.persons()[0]))
    files = houses.desk / "received" / taken["manifest"]["bundle_id"]
    manifest = replace(read_manifest((files / "manifest.json").read_bytes()), bundle_id="e" * 16, number=2)
    sealed = replace(manifest, packed=manifest.packed[:-1])
    said, put_in = (manifest, sealed) if inside < 0 else (sealed, manifest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("beamkeeper.respond.handover.bundle.manifest_bytes", lambda _: manifest_bytes(said))
        keys, card = Desk.open(houses.home).keys(), Desk.open(houses.desk).card
        seal_bundle(put_in, files, keys=keys, to=card, folder=tmp_path / "forged")
    with pytest.raises(IntegrityError, match="its manifest"):
        houses.receive(tmp_path / "forged")


def test_an_object_of_another_patient_inside_a_signed_bundle_is_refused(
    houses: Houses, tmp_path: Path
) -> None:
    mine, other = houses.persons()[:2]
    taken = houses.receive(houses.make(mine))
    files = houses.desk / "received" / taken["manifest"]["bundle_id"]
    manifest = read_manifest((files / "manifest.json").read_bytes())
    home, there = Desk.open(houses.home), Desk.open(houses.desk)
    ((uid, data), *_) = houses.records(other, 0, 1).items()
    (files / "dicom" / "RTRECORD" / "stray.dcm").write_bytes(data)
    stray = Packed(
        name="dicom/RTRECORD/stray.dcm",
        role=Role.DICOM,
        size_bytes=len(data),
        sha256=sha256(data).hexdigest(),
        sop_instance_uid=uid,
    )
    forged = replace(manifest, bundle_id="f" * 16, number=2, packed=(*manifest.packed, stray))
    seal_bundle(forged, files, keys=home.keys(), to=there.card, folder=tmp_path / "forged")
    with pytest.raises(PatientMismatch, match="another person"):
        houses.receive(tmp_path / "forged")
    last = journal(Desk.open(houses.desk)).rows()[-1]
    assert (last.action, last.outcome) == (DeskDeed.REFUSED, "failed")
    assert not (houses.desk / "received" / ("f" * 16)).exists()


def test_two_patients_never_share_a_number_of_the_partner(houses: Houses) -> None:
    first, second = (
        houses.receive(houses.make(one))["manifest"]["bundle_id"] for one in houses.persons()[:2]
    )
    beamkeeper("desk", "known-as", first, "N-1", "--desk", houses.desk)
    with pytest.raises(ConfigError, match="that of the patient of bundle"):
        beamkeeper("desk", "known-as", second, "N-1", "--desk", houses.desk)


def test_stock_tools_open_a_bundle_without_us(houses: Houses, tmp_path: Path, program) -> None:
    bundle = houses.make(houses.persons()[0])
    key = json.loads((houses.home / "card.json").read_text())["card"]["signing_key"]
    (tmp_path / "allowed").write_text(f"sender {key}\n")
    verify = [program("ssh-keygen"), "-Y", "verify", "-f", tmp_path / "allowed", "-I", "sender"]
    subprocess.run(
        [*verify, "-n", "handover@beamkeeper", "-s", bundle / "bundle.json.sig"],
        input=(bundle / "bundle.json").read_bytes(),
        check=True,
        capture_output=True,
    )
    age, zstd = program("age"), program("zstd")
    opened = f"{age} -d -i {houses.desk}/desk.age {bundle}/bundle.age | {zstd} -dc | tar x -C {tmp_path}"
    subprocess.run(opened, shell=True, check=True)
    manifest = read_manifest((tmp_path / "manifest.json").read_bytes())

    for item in manifest.packed:
        assert sha256((tmp_path / item.name).read_bytes()).hexdigest() == item.sha256


def test_everybody_whom_the_placement_sends_there_goes_with_its_machine_days_and_times(
    houses: Houses,
) -> None:
    folder = PlacementFolder(IncidentFolder.open(houses.incident))
    clock = at(NIGHT_1, 13)
    opened = open_by_site(houses.site.site, clock)
    partners = PARTNERS.replace("slots = 2", "slots = 2\nfirst_slot_at = 17:30:00\nslot_minutes = 20")
    make_draft(folder, partners, open_vault=lambda: opened, first_on=LATER, who=WHO)
    version, _ = make_version(folder, who=WHO, seconds=2)
    there = {one.patient: one for one in version.placed if one.site == "partner"}
    arguments = ("--to", PARTNER, "--incident", houses.incident, "--site", houses.site.site_file)

    def handed() -> dict[str, Any]:
        made = told("handover", "make", "--placed", "partner", *arguments)["made"]
        manifests = [houses.receive(Path(one["folder"]))["manifest"] for one in made]
        return {one["pseudonym"]: one for one in manifests}

    manifests = handed()
    again = handed()

    assert manifests.keys() == there.keys() != set()
    for name, manifest in manifests.items():
        place = there[name]
        first = manifest["sessions"][0]
        assert (first["machine"], first["day"]) == (place.machine, str(place.first_on))
        assert {one["starts_at"][11:16] for one in manifest["sessions"]} <= {"17:30", "17:50"}
        assert again[name]["sessions"] == manifest["sessions"]
        assert not again[name]["cancelled"]
    comes = [(one["machine"], one["starts_at"]) for some in manifests.values() for one in some["sessions"]]
    assert len(comes) == len(set(comes))


def test_who_went_there_stays_there_and_what_came_back_takes_no_slot_any_more(
    houses: Houses, tmp_path: Path
) -> None:
    folder = PlacementFolder(IncidentFolder.open(houses.incident))
    opened = open_by_site(houses.site.site, at(NIGHT_1, 13))
    partners = PARTNERS.replace('name = "Partner hospital"', f'name = "{PARTNER}"')
    make_draft(folder, partners, open_vault=lambda: opened, first_on=LATER, who=WHO)
    first, _ = make_version(folder, who=WHO, seconds=1)
    place = next(one for one in first.placed if one.site == "partner")
    person = next(one for one in houses.persons() if one.pseudonym == place.patient)
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]

    def solved_again() -> PatientNeed:
        version, _ = make_version(folder, who=WHO, seconds=1, move_announced=True, reason="r")
        _, instance = folder.version(folder.standing(), version.number)
        return next(one for one in instance.patient if one.id == place.patient)

    def comes_back(begin: int, *last: str) -> None:
        export = houses.treated(person, GIVEN + begin, 1, tmp_path / f"export-{begin}")
        made = told("desk", "return", bundle_id, export, *last, "--desk", houses.desk)
        told("handover", "back", made["folder"], "--incident", houses.incident)

    sent = solved_again()
    comes_back(0)
    begun = solved_again()
    comes_back(1, "--last")
    back = solved_again()

    assert (sent.announced, sent.sent_there, sent.begun_there) == (place.machine, True, False)
    assert (begun.announced, begun.begun_there) == (place.machine, True)
    assert (back.announced, back.sent_there, back.begun_there) == ("", False, False)
    assert [one.fractions_left - sent.fractions_left for one in (sent, begun, back)] == [0, -1, -2]


def test_what_a_partner_gave_goes_along_to_the_next_house_and_is_counted(
    houses: Houses, tmp_path: Path
) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 2, tmp_path / "export")
    made = told("desk", "return", bundle_id, export, "--desk", houses.desk)
    told("handover", "back", made["folder"], "--incident", houses.incident)
    again = houses.receive(houses.make(person))["manifest"]

    records = set(houses.records(person, 0, GIVEN + 2))
    assert records <= {item["sop_instance_uid"] for item in again["packed"]}
    assert again["position"]["plans"][0]["fractions_complete"] == GIVEN + 2
    assert again["number"] == 2


def test_until_the_last_return_what_is_given_there_stays_in_doubt(houses: Houses, tmp_path: Path) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    doubts = []
    for week, last in enumerate(((), ("--last",))):
        export = houses.treated(person, GIVEN + week, 1, tmp_path / f"export-{week}")
        made = told("desk", "return", bundle_id, export, *last, "--desk", houses.desk)
        back = told("handover", "back", made["folder"], "--incident", houses.incident)
        at_ = back["position"]["plans"][0]
        assert at_["fractions_complete"] == GIVEN + week + 1
        doubts.append([one["text"] for one in at_["conflicts"] if "Handed over" in one["text"]])

    assert [len(one) for one in doubts] == [1, 0]
    assert "after return bundle" in doubts[0][0]


def test_a_last_return_without_records_says_that_somebody_never_came(houses: Houses) -> None:
    bundle_id = houses.receive(houses.make(houses.persons()[0]))["manifest"]["bundle_id"]
    last = ("desk", "return", bundle_id, "--last", "--desk", houses.desk)
    with pytest.raises(ConfigError, match="nothing that can go back"):
        beamkeeper(*last)
    made = told(*last, "--said", "never came")
    assert f"ID {houses.persons()[0].entry.patient.patient_id})" in made["whose"]
    at_ = told("handover", "back", made["folder"], "--incident", houses.incident)["position"]["plans"][0]

    assert at_["fractions_complete"] == GIVEN
    assert not [one for one in at_["conflicts"] if "Handed over" in one["text"]]


def test_the_partners_number_holds_for_every_bundle_and_the_last_word_counts(
    houses: Houses, tmp_path: Path
) -> None:
    person = houses.persons()[0]
    first = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    for number in ("N-MISTYPED", "N-1"):
        beamkeeper("desk", "known-as", first, number, "--desk", houses.desk)
    second = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    (tmp_path / "systems.toml").write_text("")
    arguments = ("--systems", tmp_path / "systems.toml", "--desk", houses.desk)

    assert told("desk", "import", second, *arguments)["patient_id"] == "N-1"
    with pytest.raises(ConfigError, match="newer bundle"):
        beamkeeper("desk", "import", first, *arguments)


def test_nothing_goes_into_a_system_under_the_senders_number_unasked(houses: Houses, tmp_path: Path) -> None:
    bundle_id = houses.receive(houses.make(houses.persons()[0]))["manifest"]["bundle_id"]
    (tmp_path / "systems.toml").write_text("")
    arguments = ("--systems", tmp_path / "systems.toml", "--desk", houses.desk)
    with pytest.raises(ConfigError, match="own number"):
        beamkeeper("desk", "import", bundle_id, *arguments)


def test_a_record_that_was_cut_short_is_no_report(houses: Houses, tmp_path: Path) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 1, tmp_path / "export")
    whole = next(export.iterdir())
    (export / "cut").write_bytes(whole.read_bytes()[:200])
    (export / os.fsdecode(b"rapport d'\xe9t\xe9.txt")).write_text("as planned")  # Latin-1, as on old shares
    made = told("desk", "return", bundle_id, export, "--said", "all well", "--desk", houses.desk)
    status, said = beamkeeper("handover", "back", made["folder"], "--incident", houses.incident)

    assert "no whole DICOM object" in " ".join(made["not_taken"])
    assert status == 3
    assert "They say: all well" in said
    assert "They could not send file" in said
    assert said.count("  Read: ") == 1


def test_a_return_that_names_another_person_is_refused(houses: Houses, tmp_path: Path) -> None:
    mine, other = houses.persons()[:2]
    bundle_id = houses.receive(houses.make(mine))["manifest"]["bundle_id"]
    export = houses.treated(mine, GIVEN, 1, tmp_path / "export")
    made = told("desk", "return", bundle_id, export, "--desk", houses.desk)
    there, home = Desk.open(houses.desk), Desk.open(houses.home)
    back = open_bundle(Path(made["folder"]), keys=home.keys(), known=home.known(), out_dir=tmp_path / "open")
    forged = replace(back.manifest, bundle_id="d" * 16, patient=other.entry.patient, packed=())
    seal_bundle(forged, tmp_path / "open", keys=there.keys(), to=home.card, folder=tmp_path / "forged")
    with pytest.raises(PatientMismatch, match="another person"):
        beamkeeper("handover", "back", tmp_path / "forged", "--incident", houses.incident)
