"""The placement on the pages and the board: what stands there counts, a move is signed for its price."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect
from tests.console_house.chromium import complaints, tab_to
from tests.room_house.browsing import NARROW, NARROWEST, PROJECTOR, WIDE, seen_by
from tests.room_house.incident import LATER, NIGHT, PASSPHRASE
from tests.room_house.placing import placed_room

from beamkeeper.app.jobs.placing import Who, board_at, make_version
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.placing_hand import announce, move_back, priced, take, undo
from beamkeeper.app.jobs.triage import order_of
from beamkeeper.app.web.room.views.board import POLICY
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page
    from tests.room_house.server import Served
    from tests.room_house.visitor import Visitor

    from beamkeeper.respond.placement.solving import Placed


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with placed_room(tmp_path_factory.mktemp("places")) as made:
        yield made


def fields(text: str, person: str, **more: str) -> dict[str, str]:
    kept = dict(re.findall(r'type="hidden" name="(machine|from|seen)" value="([^"]*)"', text))
    signs = {"person": person, "passphrase": PASSPHRASE, "reason": "lives there"}
    return {name: unescape(value) for name, value in kept.items()} | signs | more


def test_the_board_is_the_placement_that_counts(served: Served, reader: Visitor) -> None:
    at = board_at(PlacementFolder(served.folder))
    words = reader.get("/places/").words
    placed = sum(bool(one.machine) for one in at.version.placed)

    assert f"Have a place {placed} " in words
    assert "never used: same-ad stands in the attacked failure domain own-ad" in words
    assert all(one.reason in words for one in at.version.placed)
    assert "no plan is kept" in words


def test_the_numbers_of_the_room_are_those_of_the_placement(served: Served, reader: Visitor) -> None:
    at = board_at(PlacementFolder(served.folder))
    incident = served.folder.incident()
    aware_on = incident.aware_at.astimezone(ZoneInfo(incident.time_zone)).date()
    first = [one.first_on for one in at.version.placed if one.machine]
    soon = sum(day is not None and day <= aware_on + timedelta(days=1) for day in first)
    category = {one.id: one.category for one in at.board.instance.patient}
    without = [one.patient for one in at.version.placed if not one.machine]
    (gone,) = at.version.left_out
    facts = {one.pseudonym: one.facts for one in order_of(served.folder, served.folder.inventory(), LATER)[1]}
    urgent = [one for one in without if category[one] == 1]
    words = [reader.get(page).words for page in ("/", "/places/")]

    assert 0 < soon < len(first)
    assert facts[gone.id].rcr_category in {1, None}, "who was left out counts, too"
    assert all(f"Treatable by 24 h {soon} first session" in said for said in words)
    assert all(f"Category 1 without a place {len(urgent) + 1} " in said for said in words)


def test_a_move_shows_its_price_and_is_signed_made_and_taken_back(served: Served, reader: Visitor) -> None:
    at = board_at(PlacementFolder(served.folder))
    one = next(item for item in at.version.placed if item.machine == "leuven-1")
    page = f"/places/{one.patient}/?machine=leuven-2"
    if "That cannot be done" in (answer := reader.get(page)).words:
        page = f"/places/{one.patient}/?machine=annex-1"
        answer = reader.get(page)
    path = f"/places/{one.patient}/move/"
    refused = reader.post(path, fields(answer.text, "an", seen="another"), page=page)
    assert "was placed, decided or announced since you saw the price" in refused.words
    assert len(PlacementFolder(served.folder).standing().versions) == 1

    done = reader.post(path, fields(answer.text, "co"), page=page)
    line = served.folder.journal.rows()[-1]
    assert "It stands in the journal, signed" in done.words
    assert (line.action, line.actor, line.details["signed"]) == (
        "place set by hand",
        "Co Dumont, coordinator",
        "co",
    )
    assert "Set by hand by Co Dumont" in done.words
    again = reader.post(path, fields(answer.text, "co"), page=page)
    assert "since you saw the price" in again.words
    back = reader.get(f"/places/{one.patient}/")
    undone = reader.post(path, fields(back.text, "bo", undo="1"), page=f"/places/{one.patient}/")

    assert "It stands in the journal" in undone.words
    assert served.folder.journal.rows()[-1].action == "place set by hand undone"
    assert board_at(PlacementFolder(served.folder)).version.places() == at.version.places()


@pytest.mark.parametrize("asked", ["machine=nowhere", "machine=leuven-1&from=tomorrow", "machine=near"])
def test_a_move_that_cannot_be_made_says_why(reader: Visitor, asked: str) -> None:
    assert "▲" in reader.get(f"/places/p0001/?{asked}").words


def test_a_day_that_is_over_is_refused_on_the_board_as_on_the_patients_page(
    served: Served, reader: Visitor
) -> None:
    one = next(
        item for item in board_at(PlacementFolder(served.folder)).version.placed if item.machine == "leuven-1"
    )
    asked = "machine=leuven-1&from=2026-03-05"
    served.clock.move_to(LATER + timedelta(days=6))
    pages = (f"/places/{one.patient}/?{asked}", f"/places/board/?patient={one.patient}&{asked}")
    said = [reader.get(page).words for page in pages]
    served.clock.move_to(LATER)

    assert ["2026-03-05 is over" in words for words in said] == [True, True]
    assert "Passphrase" not in said[0] + said[1]


def test_what_was_typed_stays_on_the_board_when_the_signature_is_refused(
    served: Served, reader: Visitor
) -> None:
    one = next(
        item for item in board_at(PlacementFolder(served.folder)).version.placed if item.machine == "leuven-1"
    )
    page = f"/places/board/?weeks=4&patient={one.patient}&machine=leuven-1"
    typed = fields(reader.get(page).text, "co", passphrase="not the words", board="weeks=4")
    answer = reader.post(f"/places/{one.patient}/move/", typed, page=page)

    assert answer.status == 400
    assert "not that person's passphrase" in answer.words
    assert 'value="lives there"' in answer.text
    assert answer.text.count('scope="col"') == 2 * (1 + 4 * 7), "four weeks, as before"


def test_who_is_left_out_has_a_page_with_the_reason_and_nobody_else_has_one(reader: Visitor) -> None:
    assert "No place is looked for: no plan is kept" in reader.get("/places/p0019/").words
    assert reader.get("/places/nobody/").status == 404


# The board in a real browser ------------------------------------------------------------------------------


def one_on(served: Served, machine: str) -> Placed:
    """Return somebody on a machine whose plans the two machines of the partner can give, too."""
    at = board_at(PlacementFolder(served.folder))
    fits = {
        one.id: {option.machine: option.delivery_class for option in one.options}
        for one in at.board.instance.patient
    }
    return next(
        one
        for one in at.version.placed
        if one.machine == machine
        and "D" not in {fits[one.patient]["leuven-1"], fits[one.patient]["leuven-2"]}
    )


def middle(of: Locator) -> tuple[float, float]:
    box = of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def lift(page: Page, row: Locator) -> None:
    row.scroll_into_view_if_needed()
    page.mouse.move(*middle(row))
    page.mouse.down()
    page.mouse.move(middle(row)[0] + 30, middle(row)[1] + 10)


def sign(page: Page, person: str) -> None:
    page.get_by_label("Why").fill("lives there")
    page.get_by_label("Signed by").select_option(person)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign", exact=True).click()


@pytest.mark.peer
def test_a_row_that_is_dragged_is_priced_then_signed_and_taken_back(
    served: Served, reader: Visitor, browser: Browser
) -> None:
    one = one_on(served, "leuven-1")
    before = board_at(PlacementFolder(served.folder)).version
    page, odd = seen_by(browser, reader)
    page.goto(served.where.address + "places/board/")
    lift(page, page.locator(f"#row-{one.patient} .rank"))
    page.mouse.move(*middle(page.locator("#machines tr[data-machine='leuven-2'] td:nth-child(10)")), steps=3)
    expect(page.locator(".ghost")).to_contain_text("→ leuven-2, Tue 10 Mar")
    page.mouse.up()
    expect(page.locator("#price")).to_contain_text("leuven-2 from Tue 10 March 2026:")
    expect(page.locator("#price")).to_contain_text("min to travel")
    assert PlacementFolder(served.folder).standing().version == before.number, "nothing is moved by dragging"
    sign(page, "co")
    expect(page.get_by_role("status")).to_contain_text("It stands in the journal, signed")
    row = page.locator(f"#row-{one.patient}")
    expect(row).to_contain_text("△ was on leuven-1")
    there = page.locator("tbody[data-machine='leuven-2']")
    expect(there.locator(f"#row-{one.patient} td:nth-child(10)")).to_have_text("1")
    row.get_by_role("link", name="Move").click()
    page.get_by_role("link", name="What would taking it back cost?").click()
    sign(page, "bo")

    expect(page.get_by_role("status")).to_contain_text("It stands in the journal, signed")
    assert board_at(PlacementFolder(served.folder)).version.places() == before.places()
    assert odd == []


@pytest.mark.peer
def test_keys_alone_choose_a_place_and_leave_again_without_a_script_too(
    served: Served, reader: Visitor, browser: Browser
) -> None:
    one = one_on(served, "leuven-1")
    for script in (True, False):
        page, _ = seen_by(browser, reader, java_script_enabled=script)
        page.goto(served.where.address + f"places/board/?patient={one.patient}#machines")
        if script:
            tab_to(page, "leuven-2")
            for key in ("ArrowRight", "ArrowRight", "Enter"):
                page.keyboard.press(key)
        else:
            page.get_by_label("leuven-2, Thursday 5 March").click()
        expect(page.locator("#price")).to_contain_text("leuven-2 from Thu 5 March 2026")
        if script:
            page.wait_for_load_state()  # a key that comes before the script has nobody to hear it
            page.keyboard.press("Escape")
        else:
            page.get_by_role("link", name="Leave it as it is").click()
        expect(page.locator("#price")).to_have_count(0)


@pytest.mark.peer
def test_what_cannot_be_is_said_while_it_is_dragged_and_escape_lets_go(
    served: Served, reader: Visitor, browser: Browser
) -> None:
    one = one_on(served, "leuven-2")
    page, _ = seen_by(browser, reader)
    page.goto(served.where.address + "places/board/")
    lift(page, page.locator(f"#row-{one.patient} .rank"))
    expect(page.locator("#machines tr[data-machine='near']")).to_be_hidden()
    page.mouse.move(*middle(page.locator("#machines tr[data-machine='leuven-1'] td:nth-child(2)")), steps=3)
    expect(page.locator(".ghost")).to_contain_text("leuven-1: not on Mon 2 Mar")
    page.keyboard.press("Escape")
    page.mouse.up()

    expect(page.locator(".ghost, .tray")).to_have_count(0)
    assert "patient=" not in page.url


@pytest.mark.peer
def test_a_finger_drags_by_the_handle(served: Served, reader: Visitor, browser: Browser) -> None:
    one = one_on(served, "leuven-1")
    page, _ = seen_by(browser, reader, 1024, has_touch=True)
    page.goto(served.where.address + "places/board/")
    grip = page.locator(f"#row-{one.patient} .grip")
    grip.scroll_into_view_if_needed()
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y} for x, y in points]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    x, y = middle(grip)
    touch("touchStart", (x, y))
    touch("touchMove", (x + 20, y + 20))
    touch("touchMove", middle(page.locator("#machines tr[data-machine='leuven-2'] th")))
    touch("touchEnd")

    expect(page.locator("#price")).to_contain_text("leuven-2 from")


@pytest.mark.peer
@pytest.mark.parametrize("width", [pytest.param(PROJECTOR, marks=pytest.mark.long), NARROW])
def test_axe_finds_nothing_on_the_board(
    served: Served, reader: Visitor, browser: Browser, width: int
) -> None:
    one = one_on(served, "leuven-1").patient
    page, odd = seen_by(browser, reader, width)
    page.goto(f"{served.where.address}places/board/?patient={one}&machine=leuven-2")
    found = complaints(page)
    page.set_viewport_size({"width": NARROWEST, "height": 900})

    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST
    assert odd == []


@pytest.mark.peer
def test_paper_has_every_row_the_days_on_each_sheet_and_no_buttons(
    served: Served, reader: Visitor, browser: Browser
) -> None:
    page, _ = seen_by(browser, reader, WIDE)
    page.goto(served.where.address + "places/board/?all=1")
    page.emulate_media(media="print")

    expect(page.locator("button:visible, .grip:visible")).to_have_count(0)
    expect(page.locator("#board tr[id]")).to_have_count(20)
    assert page.locator("#board thead").evaluate("it => getComputedStyle(it).display") == "table-header-group"
    assert b"/MediaBox [0 0 84" in page.pdf(format="A4"), "landscape"


def test_only_the_board_may_have_a_script_and_only_ours(reader: Visitor) -> None:
    board = reader.get("/places/board/")

    assert board.headers["Content-Security-Policy"] == POLICY
    assert re.findall("<script.*?>", board.text) == ['<script src="/static/room/board.js" defer>']
    assert "script" not in reader.get("/places/").headers["Content-Security-Policy"]
    assert "style=" not in board.text


def test_a_patients_page_says_where_to_go(served: Served, reader: Visitor) -> None:
    at = board_at(PlacementFolder(served.folder))
    goes = next(one for one in at.version.placed if one.machine)

    said = reader.get(f"/patients/{goes.patient}/").words
    assert f"To be treated at {goes.site}, on {goes.machine}, from" in said


@pytest.mark.peer
def test_who_was_told_is_moved_only_after_a_look_by_name_and_a_signature_of_its_own(
    served: Served, reader: Visitor, browser: Browser
) -> None:
    placing, at = PlacementFolder(served.folder), board_at(PlacementFolder(served.folder))
    worse = next(
        move
        for one in at.version.placed
        if one.machine
        and not (move := priced(at, one.patient, one.machine, at.board.columns.days[-9], today=NIGHT)).refusal
        and move.price > 1
    )
    take(placing, at, worse, who=Who(by="C", at=LATER), reason="r")
    announce(placing, [worse.patient], who=Who(by="C", at=LATER))
    undone = move_back(placing, board_at(placing), worse.patient, today=NIGHT)
    kept = replace(undone, board=board_at(placing).board, moved=(), price=0.0, wanted=worse.wanted)
    undo(placing, board_at(placing), kept, who=Who(by="C", at=LATER), reason="the day stays announced")
    name = next(one.name for one in at.draft.patients if one.id == worse.patient)

    page, odd = seen_by(browser, reader)
    page.goto(served.where.address + "places/")
    page.get_by_role("link", name="Move who was told of a place").click()
    page.get_by_role("button", name="Who would be moved?").click()
    expect(page.locator("#proposed li")).to_contain_text(f"{name}: told {worse.wanted[0]}", timeout=25_000)
    assert len(placing.standing().versions) == at.version.number + 2, "computing keeps nothing"
    assert complaints(page) == []
    page.get_by_label("Why they are told otherwise").fill("three weeks are too late")
    page.get_by_label("Signed by").select_option("bo")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("it stands in the journal, signed")
    line = served.folder.journal.rows()[-1]
    version = board_at(placing).version

    assert (line.action, line.details["signed"], line.details["told_otherwise"]) == (
        "placement made",
        "bo",
        1,
    )
    assert line.details["reason"] == "three weeks are too late"
    assert "three weeks are too late" in version.notes[0]
    assert version.places()[worse.patient] != worse.wanted
    assert odd == []


def test_what_was_computed_is_not_kept_twice_nor_without_a_reason(served: Served, reader: Visitor) -> None:
    page = "/places/told/"
    signs = {"person": "co", "passphrase": PASSPHRASE, "reason": "r", "seen": "another"}
    refused = reader.post("/places/told/free/", signs, page=page)

    assert refused.status == 400
    assert "Another one was computed since" in refused.words
    with pytest.raises(ConfigError, match="without a reason"):
        make_version(PlacementFolder(served.folder), who=Who(by="C", at=LATER), move_announced=True)


def test_who_was_told_is_named_before_a_move_and_it_is_signed_only_for_them_too(
    served: Served, reader: Visitor
) -> None:
    placing, at = PlacementFolder(served.folder), board_at(PlacementFolder(served.folder))
    names = {one.id: one.name for one in at.draft.patients}
    first, last = (at.board.columns.days[number] for number in (1, 2))
    found = next(
        move
        for one in at.board.instance.patient
        for day in (first, last)
        for machine in ("annex-1", "leuven-1", "leuven-2")
        if (move := priced(at, one.id, machine, day, today=at.draft.first_on)).displaced
    )
    page = f"/places/board/?patient={found.patient}&machine={found.wanted[0]}&from={found.wanted[1]}"
    seen = fields(reader.get(page).text, "co")
    announce(placing, None, who=Who(by="C", at=LATER))
    path = f"/places/{found.patient}/move/"
    assert "announced since you saw the price" in reader.post(path, seen, page=page).words

    now = reader.get(page)
    move = priced(board_at(placing), found.patient, *found.wanted, today=at.draft.first_on)
    assert all(f"{names[one.patient]}: from" in now.words for one in move.displaced)
    assert "was told of a place: call" in now.words
    refused = reader.post(path, fields(now.text, "co"), page=page)
    assert "was told of the one that is taken away" in refused.words
    done = reader.post(path, fields(now.text, "co", **{"even-so": "1"}), page=page)
    assert "It stands in the journal, signed" in done.words
    back = reader.get(f"/places/{found.patient}/")
    assert all(f"{names[one.patient]}: from" in back.words for one in move.displaced)
    undone = fields(back.text, "bo", undo="1", **{"even-so": "1"})
    reader.post(path, undone, page=f"/places/{found.patient}/")
    assert board_at(placing).version.places() == at.version.places()
