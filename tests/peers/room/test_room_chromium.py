"""The room in a real browser: without a mouse, without JavaScript, across a room, on paper, read aloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.console_house.chromium import complaints, tab_to
from tests.room_house.browsing import NARROW, NARROWEST, PROJECTOR, seen_by
from tests.room_house.incident import PASSPHRASE
from tests.room_house.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from tests.room_house.server import Served

pytestmark = pytest.mark.peer

PAGES = (
    "",
    "wall/",
    "patients/",
    "patients/?q=nobody+of+that+name",
    "patients/p0003/",
    "patients/p0003/gap/?tumour_site=larynx&fractions=33&dose_gy=2&resume_on=2026-03-09&on=2026-02-02+2026-02-03",
    "order/",
    "order/?places=12&percent=20&was_places=10",
    "places/",
    "places/board/",
    "todo/",
    "journal/",
    "people/",
    "door/",
    "nothing/",
)


@pytest.mark.parametrize("width", [pytest.param(PROJECTOR, marks=pytest.mark.long), NARROW])
def test_axe_finds_nothing_on_any_page_and_nothing_is_asked_of_others(
    reader: Visitor, browser: Browser, width: int
) -> None:
    page, odd = seen_by(browser, reader, width)
    found = {}
    for path in PAGES:
        page.goto(reader.served.where.address + path)
        found[path] = complaints(page)

    assert {path: said for path, said in found.items() if said} == {}
    assert odd == []


def test_nothing_has_to_be_scrolled_sideways_on_the_narrowest_screen(
    reader: Visitor, browser: Browser
) -> None:
    page, _ = seen_by(browser, reader, NARROWEST)
    widths = {}
    for path in PAGES:
        page.goto(reader.served.where.address + path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")

    assert {path: width for path, width in widths.items() if width > NARROWEST} == {}


def test_a_person_signs_in_with_the_keyboard_alone(served: Served, browser: Browser) -> None:
    visitor = Visitor(served)  # a session of its own: signing in begins another one
    visitor.sign_in("bo")
    page, _ = seen_by(browser, visitor)
    page.goto(served.where.address)
    tab_to(page, "Step back")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Sign in")
    tab_to(page, "Sign in")
    page.keyboard.press("Enter")
    page.wait_for_url("**/door/**")
    tab_to(page, "Who you are")
    page.keyboard.type("Co")
    tab_to(page, "Your passphrase")
    page.keyboard.type(PASSPHRASE)
    page.keyboard.press("Enter")

    expect(page.locator(".who")).to_contain_text("Co Dumont")
    expect(page.locator("h1")).to_have_text("Where we stand")


def test_the_wall_fits_a_projector_without_scrolling(reader: Visitor, browser: Browser) -> None:
    page, _ = seen_by(browser, reader, PROJECTOR)
    page.set_viewport_size({"width": PROJECTOR, "height": 1080})
    page.goto(reader.served.where.address + "wall/")
    last = page.locator(".numbers li").last.bounding_box()
    sizes = page.locator(".numbers .what").evaluate_all(
        "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
    )

    assert last is not None
    assert last["y"] + last["height"] < 1080
    assert min(sizes) >= 24, "read from the back of a room"


def test_paper_carries_the_list_and_no_buttons(reader: Visitor, browser: Browser) -> None:
    page, _ = seen_by(browser, reader)
    page.goto(reader.served.where.address + "patients/")
    page.emulate_media(media="print")

    expect(page.locator("button:visible")).to_have_count(0)
    expect(page.locator(".menu")).to_be_hidden()
    expect(page.locator("table").first).to_be_visible()


def test_a_script_in_a_name_does_nothing(reader: Visitor, browser: Browser) -> None:
    page, odd = seen_by(browser, reader)
    page.goto(reader.served.where.address + "patients/?q=neil")

    expect(page.locator("tbody")).to_contain_text("O'Neil<script>")
    assert odd == []


def test_the_line_follows_the_number_while_it_is_typed(reader: Visitor, browser: Browser) -> None:
    page, odd = seen_by(browser, reader)
    page.goto(reader.served.where.address + "order/?places=12")
    page.get_by_label("Patients a day").fill("15")
    drawn = page.locator("#drawn")

    expect(drawn).to_contain_text("at 15 places a day")
    expect(drawn).to_contain_text("15 instead of 12 places")
    page.keyboard.press("ArrowDown")
    expect(drawn).to_contain_text("14 instead of 12 places")
    page.locator(".steps a").first.click()
    expect(drawn).to_contain_text("4 instead of 12 places")
    page.get_by_label("Patients a day").fill("many")
    expect(drawn).to_contain_text("whole number")
    assert page.url.endswith("places=many&percent=&was_places=12&was_percent=")
    assert odd == []
