"""The pages in a real browser: without a mouse, without JavaScript, on a telephone, on paper, read aloud."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.console_house.chromium import chromium, complaints, tab_to
from tests.console_house.house import NIGHT, add_night, few_patients, pseudonym, report
from tests.console_house.server import console_server
from tests.console_house.staff import invite, newcomers
from tests.console_house.visitor import PASSWORD, totp
from tests.peers.console.conftest import Morning, new_house

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page
    from tests.console_house.visitor import Visitor

pytestmark = pytest.mark.peer

PAGES = (
    "/",
    f"/changes/{NIGHT}/",
    "/patients/",
    f"/patients/{pseudonym(2)}/",
    "/patients/?q=nobody+of+that+name",
    "/nights/",
    f"/nights/{NIGHT}/",
    "/mirrors/",
    "/people/",
    "/audit/?check=1",
    "/account/",
    "/account/password/",
    "/account/recovery/new/",
    "/nothing/",
)
WIDE, NARROW, NARROWEST = 1280, 390, 320
"""320 CSS pixels: what WCAG 2.2, 1.4.10 (reflow) asks for."""


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]) -> Iterator[Morning]:
    program("chromium")
    house, clock = new_house(tmp_path_factory.mktemp("browser"))
    add_night(house, report(few_patients()))
    with console_server(house, clock):
        yield Morning(house, clock, newcomers(house, clock, {"an": "physicist", "bo": "physician"}))


@pytest.fixture(scope="module")
def browser(morning: Morning, program: Callable[[str], str]) -> Iterator[Browser]:
    with chromium(program("chromium"), morning.house) as started:
        yield started


def seen_by(browser: Browser, visitor: Visitor, width: int = WIDE, **more: object) -> tuple[Page, list[str]]:
    """Return a page with somebody's session, and what the browser asked of others or complained of."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **more)  # type: ignore[arg-type]
    base = visitor.house.site.console.address
    name, value = next(iter(visitor.cookies.items()))
    context.add_cookies([{"name": name, "value": value, "url": base, "secure": True, "httpOnly": True}])
    page = context.new_page()
    odd: list[str] = []
    page.on("request", lambda asked: None if asked.url.startswith((base, "data:")) else odd.append(asked.url))
    page.on("console", lambda said: odd.append(said.text) if "404" not in said.text else None)
    return page, odd


def at(visitor: Visitor, path: str) -> str:
    return visitor.house.site.console.address.rstrip("/") + path


NAMELESS = """
document.querySelectorAll("label").forEach(label => label.remove());
for (const input of document.querySelectorAll("input"))
    for (const name of ["placeholder", "title", "aria-label", "aria-labelledby"]) input.removeAttribute(name);
"""


@pytest.mark.parametrize("width", [pytest.param(WIDE, marks=pytest.mark.long), NARROW])
def test_axe_finds_nothing_on_any_page_and_nothing_is_asked_of_others(
    morning: Morning, browser: Browser, width: int
) -> None:
    page, odd = seen_by(browser, morning.staff["an"], width)
    found = {}
    for path in PAGES:
        page.goto(at(morning.staff["an"], path))
        found[path] = complaints(page)
    stranger = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    stranger.goto(at(morning.staff["an"], "/login/"))
    found["/login/"] = complaints(stranger)
    stranger.evaluate(NAMELESS)

    assert any(said.startswith("label") for said in complaints(stranger)), "axe would notice"
    assert {path: said for path, said in found.items() if said} == {}
    # The drawing of this house is not there: it has no vault.
    assert [text for text in odd if "503" not in text] == []


def test_nothing_has_to_be_scrolled_sideways_on_the_narrowest_screen(
    morning: Morning, browser: Browser
) -> None:
    page, _ = seen_by(browser, morning.staff["an"], NARROWEST)
    widths = {}
    for path in PAGES:
        page.goto(at(morning.staff["an"], path))
        widths[path] = page.evaluate("document.documentElement.scrollWidth")

    assert {path: width for path, width in widths.items() if width > NARROWEST} == {}


def test_every_button_is_large_enough_for_a_finger(morning: Morning, browser: Browser) -> None:
    page, _ = seen_by(browser, morning.staff["an"], NARROW)
    page.goto(at(morning.staff["an"], f"/changes/{NIGHT}/"))
    heights = page.locator("button").evaluate_all("all => all.map(b => b.getBoundingClientRect().height)")

    assert len(heights) > 1
    assert min(height for height in heights if height) >= 24  # WCAG 2.2, 2.5.8


def test_a_newcomer_votes_with_the_keyboard_alone(morning: Morning, browser: Browser) -> None:
    link = invite(morning.house, morning.clock, {"cy": "physicist"})["cy"]
    page = browser.new_context(viewport={"width": WIDE, "height": 900}).new_page()
    page.goto(link)
    tab_to(page, "New password")
    page.keyboard.type(PASSWORD)
    tab_to(page, "The same once more")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login/")
    tab_to(page, "Username")
    page.keyboard.type("cy")
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/factor/")
    secret = page.inner_text("figcaption code")
    tab_to(page, "Authenticator code")
    page.keyboard.type(totp(secret))
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/recovery/")
    expect(page.locator(".codes li")).to_have_count(10)
    tab_to(page, "I have them on paper")
    page.keyboard.press("Enter")
    page.wait_for_selector("#h-quorum")
    tab_to(page, "Look at the changes")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/changes/{NIGHT}/")
    tab_to(page, "Dispute…")
    page.keyboard.press("Enter")
    tab_to(page, "Why, in your words")
    page.keyboard.type("leaf 31 was never there")
    tab_to(page, "Dispute this")
    page.keyboard.press("Enter")

    expect(page.locator(".messages")).to_contain_text("Nothing is purged now")
    expect(page.locator("main")).to_contain_text("leaf 31 was never there")
    with ThreadPoolExecutor() as elsewhere:  # this thread runs the browser's event loop
        (ballot,) = elsewhere.submit(morning.house.ledger.votes.ballots, NIGHT).result()
    assert (ballot.person, ballot.verdict.value, ballot.path.value) == ("cy", "dispute", "page")


def test_the_skip_link_comes_first_and_leads_to_the_content(morning: Morning, browser: Browser) -> None:
    page, _ = seen_by(browser, morning.staff["an"])
    page.goto(at(morning.staff["an"], "/patients/"))
    tab_to(page, "Skip to the content")
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_everything_works_without_javascript(morning: Morning, browser: Browser) -> None:
    page, _ = seen_by(browser, morning.staff["bo"], java_script_enabled=False)
    page.goto(at(morning.staff["bo"], f"/changes/{NIGHT}/"))
    page.click(f"#p-{pseudonym(3)} button[value=confirm]")

    expect(page.locator(".messages")).to_contain_text("Your vote counts")


def test_no_script_runs_even_when_one_got_in(morning: Morning, browser: Browser) -> None:
    page, _ = seen_by(browser, morning.staff["an"])
    page.goto(at(morning.staff["an"], "/"))
    with page.expect_console_message(lambda said: "img-src" in said.text):  # said after the script's turn
        page.evaluate(
            "() => { const s = document.createElement('script'); s.textContent = 'window.evil = 1';"
            " document.body.append(s); const i = document.createElement('img');"
            " i.src = 'https://evil.example/x.png'; document.body.append(i); }"
        )

    assert page.evaluate("window.evil") is None


def test_paper_carries_the_list_and_no_buttons(morning: Morning, browser: Browser) -> None:
    page, _ = seen_by(browser, morning.staff["an"])
    page.goto(at(morning.staff["an"], f"/changes/{NIGHT}/"))
    page.emulate_media(media="print")

    expect(page.locator("button:visible")).to_have_count(0)
    expect(page.locator(".menu")).to_be_hidden()
    expect(page.locator("table.diff").first).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "title"),
    [
        ("nl-BE", "Aanmelden"),
        pytest.param("fr-FR", "Se connecter", marks=pytest.mark.long),
        pytest.param("de-DE", "Anmelden", marks=pytest.mark.long),
        ("it", "Log in"),
    ],
)
def test_a_stranger_is_spoken_to_in_the_language_of_the_browser(
    morning: Morning, browser: Browser, locale: str, title: str
) -> None:
    page = browser.new_context(locale=locale).new_page()
    page.goto(at(morning.staff["an"], "/login/"))

    expect(page).to_have_title(re.compile(f"^{title}"))
    expect(page.locator("html")).to_have_attribute("lang", locale[:2] if locale != "it" else "en")
    page.click("button[value=fr]")
    expect(page).to_have_title(re.compile("^Se connecter"))
