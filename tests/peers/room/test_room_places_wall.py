"""The walls of a room whose patients have places: read from five metres, nothing cut, nobody named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.console_house.chromium import complaints
from tests.room_house.browsing import PROJECTOR, seen_by
from tests.room_house.placing import placed_room

from beamkeeper.app.jobs.placing import board_at
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.web.room.views.places_wall import MACHINES_A_PAGE, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from tests.room_house.server import Served
    from tests.room_house.visitor import Visitor


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with placed_room(tmp_path_factory.mktemp("walls")) as made:
        yield made


def test_the_wall_of_places_has_numbers_and_nobodys_name_and_loads_itself(
    served: Served, reader: Visitor
) -> None:
    at = board_at(PlacementFolder(served.folder))
    answer = reader.get("/places/wall/")
    names = {one.name for one in (*at.draft.patients, *at.version.left_out)}

    assert answer.headers["Refresh"] == "20; url=/places/wall/?page=1"
    assert not any(name in answer.text or name.split(",")[0] in answer.text for name in names)
    assert not any(one.id in answer.text for one in at.board.instance.patient)
    assert "leuven-1" in answer.words
    assert "1 machine not used" in answer.words
    assert "Refresh" not in reader.get("/places/wall/?all=1").headers
    assert "/places/wall/" in reader.get("/places/board/").text


@pytest.mark.peer
def test_the_wall_of_places_fits_a_projector_and_is_read_from_five_metres(
    served: Served, reader: Visitor, browser: Browser
) -> None:
    page, odd = seen_by(browser, reader, PROJECTOR)
    page.set_viewport_size({"width": PROJECTOR, "height": 1080})
    page.goto(served.where.address + "places/wall/")
    sizes = page.locator(".slots tbody td").evaluate_all(
        "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
    )

    assert min(sizes) >= 36, "24 mm on a screen of 1.2 m"
    assert page.evaluate("document.documentElement.scrollHeight") <= 1080
    assert page.evaluate("document.documentElement.scrollWidth") <= PROJECTOR
    assert complaints(page) == []
    assert odd == []


WIDEST = """rows => {
  const one = rows[0].cloneNode(true), body = rows[0].parentNode;
  one.querySelector('th').className = 'long';
  one.querySelector('th').textContent = 'Universitätsklinikum Düssel… Süd 12';
  one.querySelectorAll('td').forEach(
    cell => { cell.className = 'full'; cell.innerHTML = '<span>160/160 <small>(120)</small></span>' });
  body.replaceChildren(...Array.from({length: MACHINES}, () => one.cloneNode(true)));
  document.querySelectorAll('.slots tfoot td').forEach(cell => cell.textContent = '1998/2000');
  document.querySelectorAll('.numbers b').forEach(number => number.textContent = '1998');
}"""


@pytest.mark.peer
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (1920, 950), (1024, 768), (2560, 1080)])
def test_nothing_of_the_wall_of_places_is_cut_with_2000_patients_and_long_names(
    served: Served, reader: Visitor, browser: Browser, size: tuple[int, int]
) -> None:
    page, _ = seen_by(browser, reader, size[0])
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(served.where.address + "places/wall/")
    page.locator(".slots tbody tr").evaluate_all(WIDEST.replace("MACHINES", str(MACHINES_A_PAGE)))
    cut = page.locator(".slots :is(th, td), .numbers .tile").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"
    )

    assert cut == []
    assert page.evaluate("document.documentElement.scrollHeight") <= size[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    expect(page.locator(".foot p").last).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("partner-tb1", "partner-tb1"),
        ("Élekta", "Élekta"),
        (
            "Universitätsklinikum Düsseldorf – Strahlentherapie, Beschleuniger Süd 2",
            "Universitätsklinikum Düssel… Süd 2",
        ),
        ("x" * 60, "x" * 27 + "… " + "x" * 16),
    ],
)
def test_a_long_machine_name_keeps_the_end_by_which_machines_differ(name: str, shown: str) -> None:
    assert shortened(name) == shown


def test_the_wall_with_a_placement_fits_a_projector_with_the_journal(
    served: Served, reader: Visitor, browser: Browser
) -> None:
    page, _ = seen_by(browser, reader, PROJECTOR)
    page.set_viewport_size({"width": PROJECTOR, "height": 1080})
    page.goto(served.where.address + "wall/")

    assert page.locator(".numbers li").count() == 9
    assert page.evaluate("document.documentElement.scrollHeight") <= 1080
    assert page.locator(".numbers b").evaluate_all(
        "all => all.every(one => one.scrollWidth <= one.clientWidth)"
    )
