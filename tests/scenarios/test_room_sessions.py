"""A session that another house numbered anew is shown in the room, and two people say there which it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from pydicom import dcmread
from test_handover import GIVEN
from tests.console_house.clock import FileClock
from tests.room_house.incident import PASSPHRASE, PEOPLE
from tests.room_house.server import Served, room_server
from tests.room_house.visitor import Visitor
from two_houses import PARTNER, Houses, told

from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.incident_people import admit
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beamkeeper.app.jobs.since import Now
    from beamkeeper.protect.lists import Person

NOW = at(NIGHT_1, 15).now()
BOTH = {"person": "bo", "passphrase": PASSPHRASE, "person_2": "an", "passphrase_2": PASSPHRASE}


def returned(houses: Houses, person: Person, work: Path) -> None:
    """Let the partner give a whole session and a broken-off one by a plan of its own, its numbers from 1."""
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 2, work / "export")
    for path in export.iterdir():
        record = dcmread(path)
        number = record.TreatmentSessionBeamSequence[0].CurrentFractionNumber - GIVEN
        record.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID = "1.2.3.4"
        for beam in record.TreatmentSessionBeamSequence:
            beam.CurrentFractionNumber = number
            beam.SpecifiedPrimaryMeterset = float(beam.SpecifiedPrimaryMeterset) * 0.9
            beam.DeliveredPrimaryMeterset = float(beam.DeliveredPrimaryMeterset) * (
                0.9 if number == 1 else 0.3
            )
            if number > 1:
                beam.TreatmentTerminationStatus = "MACHINE"
        record.save_as(path)
    same = f"1.2.3.4={person.plans[0].sop_instance_uid}:recalculated for TB2, signed A and B"
    made = told("desk", "return", bundle_id, export, "--same-plan", same, "--last", "--desk", houses.desk)
    told("handover", "back", made["folder"], "--incident", houses.incident)


@pytest.fixture(scope="module")
def houses(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    found = Houses.met(root, SmallSite.copied(kept_root, root / "site"))
    returned(found, found.persons()[0], root)
    opened = IncidentFolder.open(found.incident)
    for login, (name, duty) in PEOPLE.items():
        admit(opened, login, name=name, duty=duty, passphrase=PASSPHRASE, by="A", at=NOW)
    return found


@pytest.fixture(scope="module")
def served(houses: Houses) -> Iterator[Served]:
    clock = FileClock(houses.root / "clock")
    clock.move_to(NOW)
    with room_server(IncidentFolder.open(houses.incident), clock) as made:
        yield made


def now_of(houses: Houses, person: Person) -> Now:
    opened = IncidentFolder.open(houses.incident)
    return patient_now(opened, opened.inventory(), person.pseudonym, NOW)


def test_two_people_say_on_the_page_which_fraction_a_returned_session_is(
    houses: Houses, served: Served
) -> None:
    visitor, person = Visitor(served), houses.persons()[0]
    visitor.sign_in("bo")
    page, form = f"/patients/{person.pseudonym}/", f"/patients/{person.pseudonym}/assign/"
    whole, broken = now_of(houses, person).questions
    typed = {"session": whole.key, "is": "fraction", "fraction": str(GIVEN + 1), "why": "by telephone"} | BOTH
    answer = visitor.get(page)
    assert "2 wait for a number" in answer.words
    for said in (
        PARTNER,
        f"Fraction {GIVEN + 1} would follow",
        "metersets are not those of ours",
        "begun and not",
    ):
        assert said in answer.words
    assert not re.search(r'name="fraction"[^>]* value="[0-9]', answer.text), (
        "what is proposed is not typed in"
    )
    rows = len(served.folder.journal.rows())
    for wrong, why in (
        ({"passphrase_2": "wrong words here"}, "not that person's passphrase"),
        ({"person_2": "bo"}, "One person signed twice"),
        ({"person": "co"}, "is signed by a physician or physicist"),
        ({"fraction": "1"}, "Fraction 1 was given already"),
        ({"fraction": "999"}, "there is no fraction 999"),
        ({"fraction": ""}, "is no number of a fraction"),
        ({"is": "none"}, "Say one of both"),
        ({"is": ""}, "Say one of both"),
        ({"session": broken.key}, "cannot be counted as a fraction of ours"),
        ({"session": ""}, "begin with ''"),
    ):
        refused = visitor.post(form, typed | wrong, page=page)
        assert (refused.status, why in refused.words) == (400, True), refused.words
        assert wrong.get("session") == "" or "by telephone" in refused.text
    assert len(served.folder.journal.rows()) == rows

    assert "signed by both" in visitor.post(form, typed, page=page).words
    row = served.folder.journal.rows()[-1]
    assert (row.action, row.details["about"], row.details["fraction"]) == (
        Deed.ASSIGNED,
        whole.key,
        GIVEN + 1,
    )
    assert (row.details["signed"], row.details["said"]) == ("bo an", "by telephone")
    none = {"session": broken.key, "is": "none", "fraction": ""}
    assert "signed by both" in visitor.post(form, typed | none, page=page).words
    shown = visitor.get(page).words
    assert "wait for a number" not in shown
    assert f"Said to be fraction {GIVEN + 1}" in shown
    assert "Said not to count" in shown
    assert now_of(houses, person).questions == ()
    (plan,) = now_of(houses, person).row.plans
    assert plan.given.startswith(f"{GIVEN + 1} of")


def test_what_was_said_of_a_session_is_not_said_again_as_a_fraction_that_another_one_is(
    houses: Houses, served: Served
) -> None:
    visitor, person = Visitor(served), houses.persons()[0]
    visitor.sign_in("bo")
    page, form = f"/patients/{person.pseudonym}/", f"/patients/{person.pseudonym}/assign/"
    now = now_of(houses, person)
    whole = next(one for one in (*now.questions, *now.answered) if one.is_enterable)
    typed = {"session": whole.key, "is": "fraction", "fraction": str(GIVEN + 2), "why": "they say so"} | BOTH

    assert "signed by both" in visitor.post(form, typed, page=page).words
    assert "signed by both" in visitor.post(form, typed | {"why": "said once more"}, page=page).words
    refused = visitor.post(form, typed | {"fraction": "1"}, page=page)
    assert "Fraction 1 was given already" in refused.words
