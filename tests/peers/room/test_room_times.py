"""At what time of day everybody comes first stands beside the first day: pages, board, paper, tables."""

from __future__ import annotations

import csv
import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.console_house.clock import FileClock
from tests.room_house.incident import LATER, make_incident, patient
from tests.room_house.placing import make_placement
from tests.room_house.server import Served, room_server

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.placing import board_at, print_pages
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.respond.handover.appointments import Asked, Said, kept_asked
from beamkeeper.respond.handover.manifest import Session
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.placement.times import times_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.room_house.visitor import Visitor

    from beamkeeper.respond.placement.solving import Placed

EVENING = "17:00:00"
TIME = re.compile(r"\b1[789]:[0-5]\d\b")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("times")
    folder = make_incident(root / "incident", tuple(patient(number) for number in range(20)))
    make_placement(folder, {"leuven-1": EVENING})
    clock = FileClock(root / "clock")
    clock.move_to(LATER)
    with room_server(folder, clock) as made:
        yield made


def placed_on(served: Served, machine: str) -> list[Placed]:
    return [one for one in board_at(PlacementFolder(served.folder)).version.placed if one.machine == machine]


def first_at(served: Served, one: Placed) -> str:
    at = board_at(PlacementFolder(served.folder))
    sessions = times_of(at.board.instance, at.version.placed, {})[one.patient]
    return next(f"{clock:%H:%M}" for day, clock in sessions if day == one.first_on and clock)


def test_the_time_stands_beside_the_first_day_wherever_the_partner_says_one(
    served: Served, reader: Visitor
) -> None:
    one = placed_on(served, "leuven-1")[1]
    other = placed_on(served, "annex-1")[0]
    at, day = first_at(served, one), one.first_on
    assert day is not None
    board = reader.get("/places/board/?all=1").text
    row = board.partition(f'id="row-{one.patient}"')[2].partition("</tr>")[0]

    assert f"{day:%a} {day.day} {day:%b}, {at}" in reader.get("/places/?machine=leuven-1").words
    assert (
        f"from {day:%a} {day.day} {day:%B %Y} at {at}, class" in reader.get(f"/places/{one.patient}/").words
    )
    assert f"from {day:%a} {day.day} {day:%B %Y} at {at}" in reader.get(f"/patients/{one.patient}/").words
    assert f"leuven-1 {day.day} {day:%b} {at}, " in row
    assert f'<td class="first" title="{at}">1</td>' in row
    assert not TIME.search(reader.get("/places/?machine=annex-1").text.partition('id="everybody"')[2])
    assert " at " not in reader.get(f"/places/{other.patient}/").words.partition("class")[0]


def test_paper_and_tables_have_it_too_and_say_that_it_is_not_agreed(served: Served) -> None:
    folder = PlacementFolder(served.folder)
    one, other = placed_on(served, "leuven-1")[1], placed_on(served, "annex-1")[0]
    printed = {name.rpartition("/")[2]: served.folder.path / name for name in print_pages(folder, 1)}
    at = first_at(served, one)
    with printed["patients.csv"].open(encoding="utf-8-sig", newline="") as file:
        rows = {row["folder"]: row for row in csv.DictReader(file)}
    with printed["sessions.csv"].open(encoding="utf-8-sig", newline="") as file:
        sessions = [row for row in csv.DictReader(file) if row["folder"] == one.patient]

    assert (rows[one.patient]["at"], rows[other.patient]["at"]) == (at, "")
    assert (sessions[0]["date"], sessions[0]["at"]) == (str(one.first_on), at)
    for name in ("patients.txt", "sites.txt", "days.txt"):
        text = " ".join(printed[name].read_text(encoding="utf-8").split())
        assert at in text, name
        assert "They are agreed where a bundle asked for them" in text


def test_a_time_that_a_bundle_asked_for_stands_on_the_next_page(served: Served, reader: Visitor) -> None:
    one = placed_on(served, "leuven-1")[0]
    assert one.first_on is not None
    zone = ZoneInfo(served.folder.incident().time_zone)
    session = Session(
        plan_uid="1.2",
        rt_plan_label="x",
        fraction_number=1,
        day=one.first_on,
        machine="leuven-1",
        starts_at=datetime.combine(one.first_on, time(18, 10), tzinfo=zone),
    )
    asked = Asked(said=Said.MADE, appointment_id="a", control_id="c", patient_id="1", session=session)
    told = {"about": "0" * 16, "to": "Partner hospital", "plans": [], "said": "x"}
    told |= {"appointments": kept_asked((asked,))}
    before = reader.get(f"/places/{one.patient}/").words
    write(served.folder, Deed.PACKED, by="C", at=LATER + timedelta(minutes=1), pseudonym=one.patient, **told)

    assert "18:10" not in before
    assert "at 18:10, class" in reader.get(f"/places/{one.patient}/").words
