"""The page of who is at another house: what the journal says of bundles, and whom to call."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.console_house.chromium import complaints
from tests.console_house.clock import FileClock
from tests.room_house.browsing import NARROWEST, WIDE, seen_by
from tests.room_house.incident import DECLARED, LATER, make_incident, patient
from tests.room_house.server import Served, room_server

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.handover_desk import desk_of
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from tests.room_house.visitor import Visitor

HOUSE = "AZ Noord, radiothérapie <b>"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("elsewhere")
    folder = make_incident(root / "incident", tuple(patient(number) for number in range(12)))
    clock = FileClock(root / "clock")
    clock.move_to(LATER)
    with room_server(folder, clock) as made:
        yield made


def test_before_anybody_went_the_page_says_how(reader: Visitor) -> None:
    assert "Nobody was handed over yet" in reader.get("/elsewhere/").words


def test_who_is_away_without_a_word_stands_first_and_is_counted(served: Served, reader: Visitor) -> None:
    folder = served.folder
    home = desk_of(folder)
    silent, partly, back = (one.pseudonym for one in folder.inventory().persons[:3])
    at = DECLARED + timedelta(hours=1)
    for number, pseudonym in enumerate((partly, back, silent)):
        told = {"about": f"{number:016x}", "to": HOUSE, "plans": [], "said": "x"}
        write(folder, Deed.PACKED, by="Co", at=at + timedelta(minutes=number), pseudonym=pseudonym, **told)
    write(folder, Deed.SENT, by="Co", at=at, pseudonym=partly, about=f"{0:016x}", to=HOUSE, said="x")
    for number, (pseudonym, is_last) in enumerate(((partly, False), (back, True))):
        came = {"about": f"{number:016x}", "number": 1, "to": HOUSE, "bundle": "f" * 16, "said": "x"}
        came |= {"is_last": is_last, "sha256": "0" * 64, "sha256_of_manifest": "0" * 64}
        write(folder, Deed.RETURNED, by="Bo", at=at + timedelta(hours=2), pseudonym=pseudonym, **came)
    page = reader.get("/elsewhere/")
    places = [page.text.index(f"/patients/{one}/") for one in (silent, partly, back)]

    assert "Handed over 3 Away 2" in page.words
    assert "Nothing came back 1 ▲ call the house" in page.words
    assert "Last records are back 1" in page.words
    assert places == sorted(places)
    for said in ("bundle made, nothing is back", "some records are back", "last records are back", HOUSE):
        assert said in page.words
    assert "<b>" not in page.text.split("radiothérapie", 1)[1][:10]
    assert home.card.number in page.words


@pytest.mark.peer
@pytest.mark.parametrize("width", [WIDE, NARROWEST])
def test_long_names_of_houses_and_people_break_no_date_and_no_sentence(
    served: Served, reader: Visitor, browser: Browser, width: int
) -> None:
    at, house = (
        DECLARED + timedelta(hours=1),
        "Universitair Ziekenhuis Sint-Jan Brugge-Oostende, radiothérapie",
    )
    for number, one in enumerate(served.folder.inventory().persons[3:], start=8):
        told = {"about": f"{number:016x}", "to": house, "plans": [], "said": "x"}
        write(served.folder, Deed.PACKED, by="Co Dumont, coordinator", at=at, pseudonym=one.pseudonym, **told)
        write(served.folder, Deed.SENT, by="Co", at=at, pseudonym=one.pseudonym, **told)
    page, odd = seen_by(browser, reader, width)
    page.goto(served.where.address + "elsewhere/")
    said = page.get_by_text("Who is away longest without a word").bounding_box()
    heights = page.locator(".instant").evaluate_all("all => all.map(one => one.getClientRects().length)")

    assert said is not None
    assert said["width"] > 3 * said["height"] or said["width"] > 0.7 * width
    assert set(heights) == {1}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints(page) == []
    assert odd == []


def test_who_cannot_be_counted_is_named_and_everybody_else_is_shown(served: Served, reader: Visitor) -> None:
    folder = served.folder
    mine, other = folder.inventory().persons[5:7]
    said = {"about": "d1", "sha256_of": {"filemode/d1/drop.json": "0" * 64}, "said": "x"}
    for deed in (Deed.RELEASED, Deed.LAID):
        write(folder, deed, by="Co", at=LATER, pseudonym=mine.pseudonym, **said)
    write(folder, Deed.SETTLED, by="Co", at=LATER, pseudonym=other.pseudonym, doubts={}, said="x")
    refused, everybody = reader.get(f"/patients/{mine.pseudonym}/"), reader.get("/patients/")
    patient_id = mine.entry.patient.patient_id

    assert refused.status == 503
    assert f"Not counted: Ünal, Çağla ({patient_id}) Drop d1 cannot be read" in refused.words
    assert "physicist" in refused.words
    assert reader.get(f"/patients/{other.pseudonym}/").status == 200
    assert f"NOT COUNTED: Ünal, Çağla {patient_id}. Drop d1" in everybody.words
