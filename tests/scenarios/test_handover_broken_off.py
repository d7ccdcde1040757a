"""A handover that breaks off, killed or without room, leaves nothing or what is known, and goes on."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, SmallSite, at
from test_handover import GIVEN
from two_houses import PARTNER, Houses, beamkeeper, told

from beamkeeper.app.jobs import handing_over, receiving, returning, taking_back
from beamkeeper.app.jobs.desk_shelf import shelf
from beamkeeper.app.jobs.handing_over import Agreed, bundles_of, hand_over
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.receiving import receive
from beamkeeper.app.jobs.returning import Report, answer
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.opened import open_by_site
from beamkeeper.errors import ConfigError, IntegrityError, StorageFull
from beamkeeper.respond.handover import Desk
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from beamkeeper.protect.lists import Person


@pytest.fixture(scope="module")
def met(kept_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("houses")
    return Houses.met(root, SmallSite.copied(kept_root, root / "site"))


@pytest.fixture
def houses(met: Houses, tmp_path: Path) -> Houses:
    return met.copied(tmp_path / "here")


class Killed(BaseException):
    """Nothing catches it."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def without_room(*_: object, **__: object) -> None:
    raise StorageFull("No room.")


def returned(houses: Houses, person: Person, export: Path, first: int = GIVEN) -> Path:
    """Hand a patient over, have one session given there, and return the bundle that comes back."""
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    made = told("desk", "return", bundle_id, houses.treated(person, first, 1, export), "--desk", houses.desk)
    return houses.desk / "out" / made["header"]["bundle_id"]


def now_of(houses: Houses, person: Person) -> int | None:
    opened = IncidentFolder.open(houses.incident)
    found = patient_now(opened, opened.inventory(), person.pseudonym, at(NIGHT_1, 14).now())
    position = found.person.position
    return position.plans[0].fractions_complete if position else None


def test_where_a_patient_stands_is_shown_without_a_desk_and_makes_none(houses: Houses) -> None:
    shutil.rmtree(houses.home)

    assert now_of(houses, houses.persons()[0]) == GIVEN
    assert not houses.home.exists()


def test_what_is_damaged_of_one_who_came_back_stops_nobody_else(houses: Houses, tmp_path: Path) -> None:
    mine, other = houses.persons()[:2]
    for person, first in ((mine, GIVEN), (other, 0)):
        bundle = returned(houses, person, tmp_path / person.pseudonym, first)
        told("handover", "back", bundle, "--incident", houses.incident)
    (houses.home / "received" / bundle.name / "manifest.json").write_bytes(b"{}")

    assert now_of(houses, mine) == GIVEN + 1
    with pytest.raises(IntegrityError, match="not what was taken in"):
        now_of(houses, other)


def test_what_came_back_and_was_not_written_down_is_taken_in_again(houses: Houses, tmp_path: Path) -> None:
    bundle = returned(houses, houses.persons()[0], tmp_path / "export")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(taking_back, "write", without_room)
        with pytest.raises(StorageFull):
            beamkeeper("handover", "back", bundle, "--incident", houses.incident)
    kept = houses.home / "received"

    assert told("handover", "back", bundle, "--incident", houses.incident)["is_new"]
    assert (kept / bundle.name).is_dir()
    assert len(list(kept.glob(f".aside-{bundle.name}-*"))) == 1


def test_a_bundle_that_no_journal_knows_is_not_there(houses: Houses) -> None:
    person = houses.persons()[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handing_over, "_write_down", killed)
        with pytest.raises(Killed):
            houses.make(person)
    assert not list((houses.home / "out").glob("[!.]*"))

    made = houses.receive(houses.make(person))
    assert made["manifest"]["number"] == 1
    assert len(list((houses.home / "out").iterdir())) == 1


def test_a_bundle_that_the_journal_knows_gets_its_name_the_next_time(houses: Houses) -> None:
    person = houses.persons()[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Desk, "give_out", killed)
        with pytest.raises(Killed):
            houses.make(person)
    houses.make(person)
    made = list(bundles_of(IncidentFolder.open(houses.incident), person.pseudonym, PARTNER))

    assert sorted(made) == sorted(path.name for path in (houses.home / "out").iterdir())
    assert len(made) == 2


def test_a_bundle_that_nobody_wrote_down_is_not_sent(houses: Houses, tmp_path: Path) -> None:
    (tmp_path / "line").mkdir()
    line = tmp_path / "line.toml"
    line.write_text(f'name = "line"\nkind = "directory"\npath = "{tmp_path}/line"\n')
    houses.make(houses.persons()[0]).rename(houses.home / "out" / ("e" * 16))
    with pytest.raises(ConfigError, match="does not say that bundle eeeeeeeeeeeeeeee was made"):
        beamkeeper("handover", "send", "e" * 16, "--place", line, "--incident", houses.incident)
    assert not list((tmp_path / "line").iterdir())


def test_what_was_received_and_not_written_down_is_laid_aside_and_received(houses: Houses) -> None:
    bundle = houses.make(houses.persons()[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receiving, "note", without_room)
        with pytest.raises(StorageFull):
            houses.receive(bundle)

    assert houses.receive(bundle)["is_new"]
    assert len(list((houses.desk / "received").glob(f".aside-{bundle.name}-*/manifest.json"))) == 1


def test_a_received_bundle_whose_folder_is_gone_is_named_and_can_come_again(houses: Houses) -> None:
    bundle = houses.make(houses.persons()[0])
    houses.receive(bundle)
    shutil.rmtree(houses.desk / "received" / bundle.name)
    shown = told("desk", "show", "--desk", houses.desk)
    said = " ".join(beamkeeper("desk", "show", "--desk", houses.desk)[1].split())

    assert (shown["missing"], shown["patients"]) == ([bundle.name], [])
    assert f"{bundle.name} was received, and its folder is gone" in said
    houses.receive(bundle)
    again = told("desk", "show", "--desk", houses.desk)
    assert ([one["bundle_id"] for one in again["patients"]], again["missing"]) == ([bundle.name], [])


def test_an_older_bundle_is_refused_though_the_newer_ones_folder_is_gone(houses: Houses) -> None:
    mine, other = houses.persons()[:2]
    old, new, apart = houses.make(mine), houses.make(mine), houses.make(other)
    houses.receive(new)
    (houses.desk / "received" / new.name / "manifest.json").write_bytes(b"{}")
    houses.receive(apart)
    shutil.rmtree(houses.desk / "received" / new.name)
    with pytest.raises(IntegrityError, match="number 1 of its patient, and number 2"):
        houses.receive(old)


def test_an_answer_to_a_house_whose_card_was_taken_out_is_refused_with_what_to_do(
    houses: Houses, tmp_path: Path
) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 1, tmp_path / "export")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(returning.shutil, "copyfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
        with pytest.raises(StorageFull, match="cannot be copied"):
            beamkeeper("desk", "return", bundle_id, export, "--desk", houses.desk)
    shutil.rmtree(houses.desk / "known")
    with pytest.raises(ConfigError, match="no longer among those that are trusted"):
        beamkeeper("desk", "return", bundle_id, export, "--desk", houses.desk)


def test_two_who_receive_a_bundle_at_once_receive_it_once(houses: Houses) -> None:
    bundle, desk = houses.make(houses.persons()[0]), Desk.open(houses.desk)
    with ThreadPoolExecutor(2) as both:
        taken = list(both.map(lambda by: receive(desk, bundle, by=by, now=at(NIGHT_1, 14).now()), "AB"))

    assert sorted(one.is_new for one in taken) == [False, True]
    assert [path.name for path in (houses.desk / "received").iterdir()] == [bundle.name]


def test_two_who_make_a_bundle_of_one_patient_at_once_give_it_two_numbers(houses: Houses) -> None:
    person, now = houses.persons()[0], at(NIGHT_1, 14).now()

    def make(by: str) -> Path:
        opened = IncidentFolder.open(houses.incident)
        patient = patient_now(opened, opened.inventory(), person.pseudonym, now)
        agreed = Agreed(to=Desk.open(houses.desk).card, by=by)
        return hand_over(opened, open_by_site(houses.site.site, at(NIGHT_1, 14)), patient, agreed, now=now)[1]

    with ThreadPoolExecutor(2) as both:
        made = list(both.map(make, "AB"))
    rows = IncidentFolder.open(houses.incident).journal.rows()

    assert sorted(row.details["number"] for row in rows if row.action == Deed.PACKED) == [1, 2]
    assert sorted(made) == sorted((houses.home / "out").iterdir())


@pytest.mark.parametrize("step", ["written down", "named"])
def test_an_answer_that_broke_off_is_known_or_not_there(houses: Houses, tmp_path: Path, step: str) -> None:
    person = houses.persons()[0]
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export = houses.treated(person, GIVEN, 1, tmp_path / "export")
    with pytest.MonkeyPatch.context() as patch:
        if step == "named":
            patch.setattr(Desk, "give_out", killed)
        else:
            patch.setattr(returning, "note", killed)
        with pytest.raises(Killed):
            beamkeeper("desk", "return", bundle_id, export, "--desk", houses.desk)
    assert not list((houses.desk / "out").glob("[!.]*"))

    told("desk", "return", bundle_id, export, "--desk", houses.desk)
    known = shelf(Desk.open(houses.desk)).answers(bundle_id)
    assert sorted(known) == sorted(path.name for path in (houses.desk / "out").iterdir())
    assert len(known) == (2 if step == "named" else 1)


def test_two_who_answer_at_once_give_two_numbers(houses: Houses, tmp_path: Path) -> None:
    person, now = houses.persons()[0], at(NIGHT_1, 14).now()
    bundle_id = houses.receive(houses.make(person))["manifest"]["bundle_id"]
    export, desk = houses.treated(person, GIVEN, 1, tmp_path / "export"), Desk.open(houses.desk)
    with ThreadPoolExecutor(2) as both:
        made = list(both.map(lambda by: answer(desk, bundle_id, export, Report(by=by), now=now), "AB"))
    for one in made:
        back = told("handover", "back", one.folder, "--incident", houses.incident)
    rows = IncidentFolder.open(houses.incident).journal.rows()

    assert sorted(row.details["number"] for row in rows if row.action == Deed.RETURNED) == [1, 2]
    assert back["position"]["plans"][0]["fractions_complete"] == GIVEN + 1


def test_an_answer_that_nobody_wrote_down_is_not_sent(houses: Houses, tmp_path: Path) -> None:
    (tmp_path / "line.toml").write_text(f'name = "line"\nkind = "directory"\npath = "{tmp_path}"\n')
    (houses.desk / "out" / ("e" * 16)).mkdir(parents=True)
    with pytest.raises(ConfigError, match="does not say that bundle eeeeeeeeeeeeeeee was made"):
        beamkeeper("desk", "send", "e" * 16, "--place", tmp_path / "line.toml", "--desk", houses.desk)


def test_one_damaged_bundle_stops_nobody_else_and_is_mended_by_taking_it_in_again(
    houses: Houses, tmp_path: Path
) -> None:
    mine, other = houses.persons()[:2]
    good, bad = (houses.make(one) for one in (mine, other))
    for bundle in (good, bad):
        houses.receive(bundle)
    (houses.desk / "received" / bad.name / "manifest.json").write_bytes(b"{}")
    desk, incident = ("--desk", houses.desk), ("--incident", houses.incident)
    export = houses.treated(mine, GIVEN, 1, tmp_path / "export")

    assert told("desk", "show", *desk)["damaged"] == [bad.name]
    beamkeeper("desk", "known-as", good.name, "N-1", *desk)
    made = told("desk", "return", good.name, export, *desk)
    assert told("handover", "back", made["folder"], *incident)["is_new"]
    with pytest.raises(IntegrityError, match="not what was taken in"):
        beamkeeper("desk", "known-as", bad.name, "N-2", *desk)
    assert houses.receive(bad)["is_new"]
    beamkeeper("desk", "known-as", bad.name, "N-2", *desk)

    (shown,) = told("desk", "show", *desk)["laid_aside"]
    findings = told("doctor", *desk)["findings"]
    assert [one["verdict"] for one in findings if one["what"] == "laid aside"] == ["warning"]
    assert told("desk", "tidy", *desk)["removed"] == [Path(shown).name]
    assert not Path(shown).exists()
    assert Path(shown).name in (houses.desk / "journal.jsonl").read_text().splitlines()[-1]


def test_a_damaged_return_stops_nobody_else_and_is_mended_by_taking_it_in_again(
    houses: Houses, tmp_path: Path
) -> None:
    mine, other = houses.persons()[:2]
    incident = ("--incident", houses.incident)
    for person, first in ((mine, GIVEN), (other, 0)):
        bundle = returned(houses, person, tmp_path / person.pseudonym, first)
        told("handover", "back", bundle, *incident)
    next((houses.home / "received" / bundle.name / "dicom").rglob("*.dcm")).write_bytes(b"x")
    status, said = beamkeeper("handover", "show", *incident)

    assert (status, said.count("NOT COUNTED")) == (20, 1)
    assert told("handover", "back", bundle, *incident)["is_new"]
    status, said = beamkeeper("handover", "show", *incident)
    assert (status, said.count("NOT COUNTED"), said.count("was laid aside")) == (0, 0, 1)
    beamkeeper("desk", "tidy", "--desk", houses.home)
    assert "Laid aside" in str(IncidentFolder.open(houses.incident).journal.rows()[-1].details["said"])
