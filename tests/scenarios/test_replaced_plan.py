"""Two plans in the copy: two people say which holds, and everything goes by that one."""

from __future__ import annotations

import io
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import night_site
import pytest
from file_mode_site import BORN, BOTH, ID, MACHINES
from night_site import NIGHT_1, ZONE, SmallSite, make_objects
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID
from test_placement import PARTNERS
from tests.peers.test_telling import Book
from two_houses import PARTNER, Houses, beamkeeper, told

from beamkeeper.app.jobs.gap_choice import Asked, choose, computed, course_text, known_courses
from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.jobs.placing import Who, make_draft
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.since import patient_now
from beamkeeper.app.opened import open_by_site
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError
from beamkeeper.rehearse.sim.patients import session_objects
from beamkeeper.rehearse.sim.state import at_first, patient_of
from beamkeeper.wire.dicom.identify import identify

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from beamkeeper.app.jobs.since import Now
    from beamkeeper.app.opened import OpenedVault

OLD, NEW, NEW_UID = "VMAT1", "VMAT1 new", "2.25.777001"


def add_replan(source: Path) -> None:
    """Put a plan beside the first one that was derived from it, with its dose."""
    plan = dcmread(next(source.glob("RTPLAN-*")))
    dose = dcmread(next(source.glob("RTDOSE-*")))
    before = Dataset()
    before.ReferencedSOPClassUID = plan.SOPClassUID
    before.ReferencedSOPInstanceUID = plan.SOPInstanceUID
    before.RTPlanRelationship = "PREDECESSOR"
    plan.ReferencedRTPlanSequence = Sequence([before])
    plan.RTPlanLabel = NEW
    dose.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID = NEW_UID
    for one, uid in ((plan, UID(NEW_UID)), (dose, UID(f"{NEW_UID}.1"))):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = uid
        one.save_as(source / f"{one.Modality}-9.dcm")


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Houses:
    root = tmp_path_factory.mktemp("replanned")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(night_site, "IMAGES_A_PATIENT", 1000)
        make_objects(root / "site" / "source", who=(0,), sessions=2)
    add_replan(root / "site" / "source" / "p0")
    site = SmallSite.make(root / "site")
    assert site.night(NIGHT_1).outcome.value == "complete"
    return Houses.met(root, site)


@pytest.fixture
def houses(met: Houses, tmp_path: Path) -> Houses:
    """The houses, the night's site shared: nothing here writes into it."""
    for folder in (met.incident, met.desk):
        shutil.copytree(folder, tmp_path / folder.name)
    return Houses(tmp_path, met.site)


def replace(houses: Houses, *more: object, after: int = 2, next_: int = 3, left: int = 18) -> Any:
    said = ("--plan", OLD, "--with", NEW, "--after", after, "--next", next_, "--left", left)
    return told("incident", "replace", ID, *said, *BOTH, "--incident", houses.incident, *more)


def now(houses: Houses) -> Now:
    opened = IncidentFolder.open(houses.incident)
    inventory = opened.inventory()
    return patient_now(opened, inventory, inventory.persons[0].pseudonym, SystemClock().now())


def order(houses: Houses) -> Any:
    return told("triage", "show", "--incident", houses.incident)["ranked"][0]["facts"]


def test_until_somebody_says_which_holds_nothing_is_sure(houses: Houses) -> None:
    lines = {line.label: line for line in now(houses).row.plans}

    assert lines[OLD].next_fraction == "3?"
    assert order(houses)["fractions_left"] == 38


def test_one_command_reaches_position_order_and_papers(houses: Houses, tmp_path: Path) -> None:
    said = replace(houses)
    lines = {line.label: line for line in now(houses).row.plans}

    assert said["in_doubt"] == []
    assert (lines[NEW].given, lines[NEW].next_fraction, lines[NEW].missing) == ("2 of 20 given", "3", ())
    assert lines[OLD].next_fraction == "none"
    for line in lines.values():
        assert any("So said A. Jansen and B. Peeters" in text for text in line.conflicts)
    facts = order(houses)
    assert (facts["fractions_left"], facts["begun"], facts["in_doubt"]) == (18, True, False)
    with pytest.raises(ConfigError, match="REPLACED by plan 'VMAT1 new'"):
        beamkeeper("paper", "chart", ID, "--plan", OLD, "--out", tmp_path / "c.pdf", *at(houses))
    assert beamkeeper("paper", "chart", ID, "--out", tmp_path / "c.pdf", *at(houses))[0] == 0


def at(houses: Houses) -> tuple[object, ...]:
    return ("--incident", houses.incident)


def test_the_new_plan_may_begin_at_1(houses: Houses) -> None:
    assert replace(houses, next_=1, left=20)["goes_on"] is False
    assert order(houses)["fractions_left"] == 20
    assert order(houses)["begun"] is True


def test_numbers_that_the_records_do_not_bear_are_refused(houses: Houses) -> None:
    for numbers, why in (
        ({"after": 3}, "2 fractions were given by plan 'VMAT1', not 3"),
        ({"left": 20}, "fraction 3 is next and 18 are left"),
        ({"next_": 1}, "fraction 1 is next and 20 are left"),
    ):
        with pytest.raises(ConfigError, match=why):
            replace(houses, **numbers)


def test_a_plan_that_no_copy_holds_cannot_be_chosen(houses: Houses) -> None:
    with pytest.raises(ConfigError, match="No plan 'boost' is in the copy") as refused:
        replace(houses, "--with", "boost")

    assert "plan anew" in refused.value.do_next


def test_what_is_taken_back_is_open_again_and_the_journal_has_both(houses: Houses) -> None:
    line = replace(houses)["line"]
    told("incident", "take-back", ID, "--line", line, *BOTH, *at(houses))
    again = {line.label: line for line in now(houses).row.plans}

    assert again[OLD].next_fraction == "3?"
    deeds = [row.action for row in IncidentFolder.open(houses.incident).journal.rows()]
    assert deeds[-2:] == ["plan replaced", "plan replaced no more"]
    with pytest.raises(ConfigError, match="does not say which plan"):
        told("incident", "take-back", ID, "--line", line, *BOTH, *at(houses))


def test_a_fraction_entered_for_the_old_plan_later_asks_anew(houses: Houses) -> None:
    replace(houses)
    when = ("--given-at", "2026-11-20 10:30", "--machine", "LINAC1")
    entered = told("paper", "enter", ID, "--plan", OLD, "--fraction", 3, *when, "--by", "A", *at(houses))
    number = entered["entry"]["number"]
    assert "nobody has checked" in " ".join(one.text for one in doubts(houses))
    total = sum(meterset for _, meterset in entered["entry"]["beams"])
    beamkeeper("paper", "check", number, "--fraction", 3, "--total", total, "--by", "B", *at(houses))

    assert "3 fractions were given by plan 'VMAT1'" in " ".join(one.text for one in doubts(houses))
    assert replace(houses, after=3, next_=4, left=17)["in_doubt"] == []


def doubts(houses: Houses) -> tuple[Any, ...]:
    stand = now(houses)
    return stand.doubts(stand.plan(NEW))


def test_it_is_placed_handed_over_and_counted_to_the_end_by_the_plan_that_holds(
    houses: Houses, tmp_path: Path
) -> None:
    replace(houses)
    (tmp_path / "partners.toml").write_text(PARTNERS)
    site = ("--site", houses.site.site_file)
    draft = told("placement", "draft", "--partners", tmp_path / "partners.toml", *site, *at(houses))
    (placed,) = draft["draft"]["patients"]
    assert {plan[0] for fit in placed["fits"] for plan in fit["of_plans"]} == {NEW}
    assert draft["instance"]["patient"][0]["fractions_left"] == 18

    (person,) = houses.persons()
    manifest = houses.receive(houses.make(person, "--first-on", "2099-01-05"))["manifest"]
    assert [plan["plan_uid"] for plan in manifest["plans"]] == [NEW_UID]
    days = [(one["plan_uid"], one["fraction_number"]) for one in manifest["sessions"]]
    assert days == [(NEW_UID, number) for number in range(3, 21)]
    assert any("Holds instead of plan 'VMAT1'" in text for text in manifest["before"])

    export = given_by_new(tmp_path / "export")
    made = told("desk", "return", manifest["bundle_id"], export, "--last", "--desk", houses.desk)
    back = told("handover", "back", made["folder"], *at(houses))
    counted = {one["plan_uid"]: one for one in back["position"]["plans"]}[NEW_UID]
    assert (counted["fractions_complete"], counted["next_fraction_number"]) == (4, 5)
    assert doubts(houses) == ()


def test_a_gap_signed_for_the_plan_before_is_named_in_the_draft_and_does_not_count(
    houses: Houses, tmp_path: Path
) -> None:
    sign_for_the_old_plan(houses)
    replace(houses)
    (tmp_path / "partners.toml").write_text(PARTNERS)
    drafted = ("placement", "draft", "--partners", tmp_path / "partners.toml")
    made = told(*drafted, "--site", houses.site.site_file, *at(houses))
    (patient,) = made["draft"]["patients"]
    (said,) = [one for one in patient["notes"] if one.startswith("Not used")]

    assert "signed for the plan before: plan 'VMAT1' is replaced by 'VMAT1 new'" in said
    assert "A physician signs anew for the plan that holds" in said
    assert not any("to spare by the way to go on" in one for one in patient["notes"])
    _, shown = beamkeeper(*drafted, *at(houses))
    assert f"▲ {patient['name']}: {said}" in " ".join(shown.split())


def test_no_bundle_is_made_by_a_placement_of_the_plan_before(houses: Houses, tmp_path: Path) -> None:
    (tmp_path / "partners.toml").write_text(PARTNERS.replace("slots = 1", "slots = 0"))
    site = ("--site", houses.site.site_file)
    draft = ("placement", "draft", "--partners", tmp_path / "partners.toml", *site, *at(houses))
    make = ("handover", "make", "--placed", "partner", "--to", PARTNER, *site, *at(houses))
    line = replace(houses)["line"]
    told(*draft)
    solved = told("placement", "solve", "--seconds", 1, *at(houses))
    assert solved["version"]["placed"][0]["machine"].startswith("partner")
    told("incident", "take-back", ID, "--line", line, *BOTH, *at(houses))
    with pytest.raises(ConfigError, match="after draft 1 was made"):
        beamkeeper("placement", "solve", *at(houses))
    with pytest.raises(ConfigError, match="after draft 1 was made"):
        beamkeeper("placement", "announce", *at(houses))
    assert "Which plan holds was said after draft 1" in " ".join(
        beamkeeper("placement", "show", *at(houses))[1].split()
    )
    status, said = beamkeeper(*make)
    assert (status, "after draft 1 was made" in " ".join(said.split())) == (20, True)

    replace(houses)
    told(*make)
    said = told("placement", "announce", *at(houses))
    assert len(said["patients"]) == 1


def test_what_is_said_of_plans_while_it_is_drafted_ends_the_draft(houses: Houses) -> None:
    placing, moment = PlacementFolder(IncidentFolder.open(houses.incident)), SystemClock().now()

    def said_meanwhile() -> OpenedVault:
        replace(houses)
        return open_by_site(houses.site.site, SystemClock())

    who, today = Who(by="C", at=moment), placing.today(moment)
    with pytest.raises(ConfigError, match="Which plan holds was said of somebody meanwhile"):
        make_draft(placing, PARTNERS, open_vault=said_meanwhile, first_on=today, who=who)
    assert placing.standing().drafts == {}


def sign_for_the_old_plan(houses: Houses) -> None:
    """Let a physician sign, for the 18 fractions that both plans have left, that nothing is compensated."""
    opened = IncidentFolder.open(houses.incident)
    person = opened.inventory().persons[0]
    known = next(one for one in known_courses(person, ZONE) if one.label == OLD)
    asked = Asked(
        tumour_site="larynx",
        fractions=known.fractions or 0,
        dose_gy=2.0,
        on=known.on,
        resume_on=known.on[-1] + timedelta(days=7),
    )
    text = course_text(person, asked)
    by: dict[str, Any] = {
        "by": "Dr. An Peeters",
        "at": SystemClock().now(),
        "signed": "an",
        "reason": "agreed",
    }
    seen = computed(opened, text)[1]
    choose(opened, person.pseudonym, text, plan_uid=known.plan_uid, seen=seen, option_id="nothing", **by)


@pytest.mark.long
def test_no_appointment_is_made_up_before_the_answer_and_the_next_bundle_makes_them(
    houses: Houses, tmp_path: Path
) -> None:
    (person,) = houses.persons()
    heard = []
    for answer in (None, replace):
        if answer is not None:
            answer(houses)
        agreed = ("--first-on", "2099-01-05", "--at", "09:40", "--machine", "TB2")
        manifest = houses.receive(houses.make(person, *agreed))["manifest"]
        lies = houses.desk / "received" / manifest["bundle_id"]
        beamkeeper("desk", "known-as", manifest["bundle_id"], "N-1", "--desk", houses.desk)
        checked = told("desk", "check", manifest["bundle_id"], "--desk", houses.desk)["findings"]
        with Book() as book:
            (tmp_path / "systems.toml").write_text(
                f'[[hl7]]\nname = "ois"\nhost = "127.0.0.1"\nport = {book.port}\n'
            )
            to = ("--systems", tmp_path / "systems.toml", "--desk", houses.desk)
            beamkeeper("desk", "import", manifest["bundle_id"], *to)
        heard.append((manifest, " ".join((lies / "letter.txt").read_text().split()), checked, book))
    (asked, letter, first_report, nothing), (dated, _, _, book) = heard

    assert {one["plan_uid"] for one in asked["plans"]} > {NEW_UID}
    assert (asked["sessions"], asked["number"], dated["number"]) == ([], 1, 2)
    assert "no day is proposed before somebody says which plan is valid" in letter
    assert "no session has a day in this bundle" in letter
    assert nothing.events == ["A28", "T02"]
    stops = [one["what"] for one in first_report if one["grade"] == "stop"]
    assert stops == ["Newer approved plans that name it"]
    assert book.events == ["A28", "A04", *["S12"] * 18, "T02"]
    assert len(book.appointments) == 18
    with pytest.raises(ConfigError, match="newer bundle"):
        beamkeeper("desk", "import", asked["bundle_id"], *to)


def given_by_new(folder: Path) -> Path:
    """Let the partner's machine give fractions 3 and 4, by the new plan."""
    folder.mkdir()
    state = at_first(1, 1, NIGHT_1, NIGHT_1 - timedelta(days=1))
    member = state.patients[0]
    for session in member.sessions[2:4]:
        for uid, data in session_objects(patient_of(state, member), session, ZONE):
            if identify(data).modality == "RTRECORD":
                record = dcmread(io.BytesIO(data))
                record.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID = NEW_UID
                record.save_as(folder / f"{uid}.dcm")
    return folder


def test_from_files_it_is_treated_by_the_plan_that_holds_alone(houses: Houses, tmp_path: Path) -> None:
    replace(houses)
    (tmp_path / "machines.toml").write_text(MACHINES)
    beamkeeper("filemode", "simulate", "--share", tmp_path / "share")
    to = ("--machines", tmp_path / "machines.toml", "--to", "l1", "--share", tmp_path / "share", "--drill")
    drop = ("filemode", "drop", ID, "--born", BORN, "--fraction", 3, *to, *BOTH, *at(houses))
    site = ("--site", houses.site.site_file)

    assert "REPLACED by plan" in beamkeeper(*drop, *site, "--plan", OLD)[1]
    assert beamkeeper(*drop, *site)[0] == 0
    assert [dcmread(path).RTPlanLabel for path in (tmp_path / "share").glob("*/RP.*.dcm")] == [NEW]
