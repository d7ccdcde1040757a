"""The pictures of the room in the documentation, made anew with Chromium.

.venv/bin/python -m tests.room_house.pictures
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.console_house.chromium import chromium_with
from tests.console_house.clock import FileClock
from tests.room_house.browsing import WIDE, seen_by
from tests.room_house.incident import LATER, make_incident, patient
from tests.room_house.placing import make_placement
from tests.room_house.server import room_server
from tests.room_house.visitor import Visitor

from beamkeeper.app.jobs.placing import board_at
from beamkeeper.app.jobs.placing_folder import PlacementFolder

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.protect.lists import Person

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "pictures"
FAMILIES: Final = ("Claes", "D'Hondt", "De Smedt", "Dubois", "Hermans", "Lemaître", "Mertens", "Willems")
GIVENS: Final = ("Adèle", "Benoît", "Çağla", "Els", "François", "Greet", "Joris")
PATIENTS: Final = len(FAMILIES) * len(GIVENS)
"""No two of them have one name."""
LARYNX: Final = "p0028"
LOW, HIGH = 800, 1080


def named(number: int) -> Person:
    """Return a patient of the house under an ordinary invented name."""
    made = patient(number)
    name = f"{FAMILIES[number % len(FAMILIES)]}^{GIVENS[number % len(GIVENS)]}"
    return replace(made, entry=replace(made.entry, patient=replace(made.entry.patient, name=name)))


def asked_move(folder: IncidentFolder) -> tuple[str, str]:
    """Return who could go to another machine of class A or B, and the board's address that asks for it."""
    at = board_at(PlacementFolder(folder))
    needs = {one.id: one for one in at.board.instance.patient}
    return next(
        (one.patient, f"places/board/?patient={one.patient}&machine={option.machine}&from={one.first_on}")
        for one in at.version.placed
        if one.first_on
        for option in needs[one.patient].options
        if option.machine not in {one.machine, "near"} and option.delivery_class in "AB"
    )


def look(page: Page, base: str, folder: IncidentFolder) -> None:
    """Go to each page and keep what is seen."""
    page.goto(base)
    page.screenshot(path=FOLDER / "room.png")
    page.goto(f"{base}order/?places=12&percent=20&was_places=10&was_percent=20")
    page.screenshot(path=FOLDER / "room-order.png")
    page.set_viewport_size({"width": WIDE, "height": HIGH})
    page.goto(f"{base}patients/{LARYNX}/gap/")
    page.get_by_label("Tumour").select_option("larynx")
    page.get_by_label("Goes on from").fill("2026-03-09")
    page.get_by_role("button", name="Compute").click()
    page.locator("#ways").evaluate("ways => ways.scrollIntoView()")
    page.screenshot(path=FOLDER / "room-gap.png")
    moved, address = asked_move(folder)
    page.goto(base + address)
    page.locator(f"#row-{moved}").evaluate("row => row.scrollIntoView()")
    page.screenshot(path=FOLDER / "room-board.png")


def main() -> None:
    """Serve an invented department in its sixth hour, and look at it."""
    with tempfile.TemporaryDirectory() as work:
        folder = make_incident(Path(work) / "incident", tuple(map(named, range(PATIENTS))))
        make_placement(folder)
        clock = FileClock(Path(work) / "clock")
        clock.move_to(LATER)
        chromium = shutil.which("chromium") or "chromium"
        with room_server(folder, clock) as served, chromium_with(chromium) as browser:
            visitor = Visitor(served)
            visitor.open()
            page, _ = seen_by(browser, visitor, WIDE)
            page.set_viewport_size({"width": WIDE, "height": LOW})
            look(page, served.where.address, folder)


if __name__ == "__main__":
    main()
