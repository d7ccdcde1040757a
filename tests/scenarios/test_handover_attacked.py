"""The four failures, done on purpose to a handover: wrong list, position, patient, fractions.

On the copy that is left: `test_four_failures`. A bundle that is cut, changed or forged: `test_handover`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from pydicom import dcmread
from test_handover import GIVEN
from two_houses import PARTNER, Houses, told

from beamkeeper.app.jobs.handing_over import Agreed, hand_over
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.receiving import receive
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.opened import open_by_site
from beamkeeper.domain.census import Appointment
from beamkeeper.errors import IntegrityError, PatientMismatch
from beamkeeper.respond.handover import Desk, Packed, Role, open_bundle, seal_bundle

if TYPE_CHECKING:
    from beamkeeper.protect.lists import Person
    from beamkeeper.respond.handover import Manifest
    from beamkeeper.respond.incident import Inventory

NOW = at(NIGHT_1, 15).now()


@pytest.fixture(scope="module")
def met(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    return Houses.met(root, SmallSite.copied(kept_root, root / "site"))


@pytest.fixture
def houses(met: Houses, tmp_path: Path) -> Houses:
    return met.copied(tmp_path / "here")


def handed_over(houses: Houses, person: Person, inventory: Inventory) -> Manifest:
    """Hand one patient over as another inventory has it; return what the partner reads."""
    opened, there = IncidentFolder.open(houses.incident), Desk.open(houses.desk)
    patient = patient_now(opened, inventory, person.pseudonym, NOW)
    store = open_by_site(houses.site.site, at(NIGHT_1, 15))
    _, bundle = hand_over(opened, store, patient, Agreed(to=there.card, by="A"), now=NOW)
    return receive(there, bundle, by="C", now=NOW).manifest


def with_changed(houses: Houses, changed: Person) -> Inventory:
    inventory = IncidentFolder.open(houses.incident).inventory()
    others = (one for one in inventory.persons if one.pseudonym != changed.pseudonym)
    return replace(inventory, persons=(*others, changed))


def test_two_patients_of_one_name_are_told_apart_on_the_letter_and_on_the_way_back(
    houses: Houses, tmp_path: Path
) -> None:
    mine, other = houses.persons()[:2]
    patient, namesake = mine.entry.patient, other.entry.patient
    twin = replace(other, entry=replace(other.entry, patient=replace(namesake, name=patient.name)))
    manifest = handed_over(houses, mine, with_changed(houses, twin))
    export = houses.treated(mine, GIVEN, 1, tmp_path / "export")
    for number, data in enumerate(houses.records(other, 0, 1).values()):
        (export / f"twin-{number}.dcm").write_bytes(data)
        record = dcmread(export / f"twin-{number}.dcm")
        record.PatientName = patient.name
        record.PatientBirthDate = f"{patient.birth_on:%Y%m%d}" if patient.birth_on else ""
        record.save_as(export / f"twin-{number}.dcm")
    made = told("desk", "return", manifest.bundle_id, export, "--desk", houses.desk)

    assert any("SAME NAME" in said and namesake.patient_id in said for said in manifest.before)
    assert made["record_count"] == len(houses.records(mine, GIVEN, 1))
    assert all("another person" in said for said in made["not_taken"])
    assert len(made["not_taken"]) == len(houses.records(other, 0, 1))


def test_a_swapped_bundle_is_of_the_patient_who_is_sealed_in_it_whatever_its_folder_says(
    houses: Houses, tmp_path: Path
) -> None:
    mine, other = houses.persons()[:2]
    bundles = houses.make(mine), houses.make(other)
    (tmp_path / "medium").mkdir()
    swapped = [tmp_path / "medium" / one.name for one in bundles]
    bundles[0].rename(swapped[1])
    bundles[1].rename(swapped[0])
    taken = [houses.receive(one)["manifest"] for one in swapped]

    assert [one["bundle_id"] for one in taken] == [swapped[1].name, swapped[0].name]
    assert [one["patient"]["patient_id"] for one in taken] == [
        one.entry.patient.patient_id for one in (other, mine)
    ]
    export = houses.treated(mine, GIVEN, 1, tmp_path / "export")
    made = told("desk", "return", swapped[0].name, export, "--desk", houses.desk)
    assert (made["record_count"] > 0, made["not_taken"]) == (True, [])


def test_a_replayed_bundle_changes_nothing_at_either_house(houses: Houses, tmp_path: Path) -> None:
    person = houses.persons()[0]
    bundle = houses.make(person)
    bundle_id = houses.receive(bundle)["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 1, tmp_path / "export")
    made = told("desk", "return", bundle_id, export, "--last", "--desk", houses.desk)
    back = ("handover", "back", made["folder"], "--incident", houses.incident)
    first = told(*back)
    newer = houses.make(person)
    houses.receive(newer)
    again = told(*back)

    assert again["position"]["plans"][0]["fractions_complete"] == GIVEN + 1
    assert (first["is_new"], again["is_new"]) == (True, False)
    (shown,) = told("handover", "show", "--incident", houses.incident)
    assert shown["transfer"]["is_away"], "an old last return ends nothing that began after it"
    old = houses.receive(bundle)
    assert (old["is_new"], old["newer"]) == (False, newer.name)
    with pytest.raises(IntegrityError, match="number 1 of its patient"):
        houses.receive(forged(houses, bundle, tmp_path, bundle_id="a" * 16))


def forged(houses: Houses, bundle: Path, root: Path, **changed: object) -> Path:
    """Return a bundle that its own house sealed and signed, with something else in its manifest."""
    home, there = Desk.open(houses.home), Desk.open(houses.desk)
    opened = open_bundle(bundle, keys=there.keys(), known=there.known(), out_dir=root / "opened")
    manifest = replace(opened.manifest, **changed)  # type: ignore[arg-type]
    seal_bundle(manifest, root / "opened", keys=home.keys(), to=there.card, folder=root / "forged")
    return root / "forged"


def test_a_record_of_another_patient_inside_a_signed_return_is_refused_whole(
    houses: Houses, tmp_path: Path
) -> None:
    mine, other = houses.persons()[:2]
    bundle_id = houses.receive(houses.make(mine))["manifest"]["bundle_id"]
    export = houses.treated(mine, GIVEN, 1, tmp_path / "export")
    made = told("desk", "return", bundle_id, export, "--desk", houses.desk)
    there, home = Desk.open(houses.desk), Desk.open(houses.home)
    files = tmp_path / "open"
    back = open_bundle(Path(made["folder"]), keys=home.keys(), known=home.known(), out_dir=files)
    ((uid, data), *_) = houses.records(other, 0, 1).items()
    (files / "stray.dcm").write_bytes(data)
    stray = Packed(
        name="stray.dcm",
        role=Role.DICOM,
        size_bytes=len(data),
        sha256=sha256(data).hexdigest(),
        sop_instance_uid=uid,
    )
    manifest = replace(back.manifest, bundle_id="d" * 16, packed=(*back.manifest.packed, stray))
    seal_bundle(manifest, files, keys=there.keys(), to=home.card, folder=tmp_path / "forged")
    with pytest.raises(PatientMismatch, match="another person"):
        told("handover", "back", tmp_path / "forged", "--incident", houses.incident)
    assert not list((houses.home / "received").iterdir())


def test_of_a_plan_of_an_older_revision_the_letter_says_that_a_newer_one_is_there(houses: Houses) -> None:
    person = houses.persons()[0]
    (old,) = person.plans
    newer = replace(
        old,
        sop_instance_uid="2.25.505",
        rt_plan_label="NEWER",
        related_plan_uids=(("PREDECESSOR", old.sop_instance_uid),),
    )
    manifest = handed_over(houses, person, with_changed(houses, replace(person, plans=(old, newer))))

    assert any("NEWER" in said and "derived from this one" in said for said in manifest.before)


def test_a_fraction_that_the_last_night_did_not_see_is_asked_about_and_never_assumed(houses: Houses) -> None:
    person = houses.persons()[0]
    inventory = IncidentFolder.open(houses.incident).inventory()
    booked = Appointment(
        starts_at=inventory.attacked_at - timedelta(hours=1),
        machine="TB1",
        activity="Treatment",
    )
    changed = replace(person, entry=replace(person.entry, appointments=(booked,)))
    manifest = handed_over(houses, person, with_changed(houses, changed))
    (plan,) = manifest.plans

    assert manifest.position is not None
    assert manifest.position.plans[0].fractions_complete == GIVEN
    assert any(
        "may have" in said or "possibly" in said.casefold() for said in (*manifest.before, *plan.before)
    )
    assert manifest.recipient == PARTNER
