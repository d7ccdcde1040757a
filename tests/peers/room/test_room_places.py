"""The placement on the pages: what stands there is what counts, and a move is signed for its price."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from tests.console_house.clock import FileClock
from tests.room_house.incident import LATER, PASSPHRASE, make_incident, patient
from tests.room_house.placing import make_placement
from tests.room_house.server import Served, room_server

from beamkeeper.app.jobs.placing import board_at
from beamkeeper.app.jobs.placing_folder import PlacementFolder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.room_house.visitor import Visitor


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("places")
    folder = make_incident(root / "incident", tuple(patient(number) for number in range(20)))
    make_placement(folder)
    clock = FileClock(root / "clock")
    clock.move_to(LATER)
    with room_server(folder, clock) as made:
        yield made


def fields(text: str, person: str, **more: str) -> dict[str, str]:
    kept = dict(re.findall(r'type="hidden" name="(machine|from|seen|price)" value="([^"]*)"', text))
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
    assert "Treatable by 24 h" in reader.get("/").words


def test_a_move_shows_its_price_and_is_signed_made_and_taken_back(served: Served, reader: Visitor) -> None:
    at = board_at(PlacementFolder(served.folder))
    one = next(item for item in at.version.placed if item.machine == "leuven-1")
    page = f"/places/{one.patient}/?machine=leuven-2"
    if "That cannot be done" in (answer := reader.get(page)).words:
        page = f"/places/{one.patient}/?machine=annex-1"
        answer = reader.get(page)
    path = f"/places/{one.patient}/move/"
    refused = reader.post(path, fields(answer.text, "an", price="+99.00"), page=page)
    assert "Another placement was made since you saw the price" in refused.words
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
    assert "Another placement was made since" in again.words
    back = reader.get(f"/places/{one.patient}/")
    undone = reader.post(path, fields(back.text, "bo", undo="1"), page=f"/places/{one.patient}/")

    assert "It stands in the journal" in undone.words
    assert served.folder.journal.rows()[-1].action == "place set by hand undone"
    assert board_at(PlacementFolder(served.folder)).version.places() == at.version.places()


@pytest.mark.parametrize("asked", ["machine=nowhere", "machine=leuven-1&from=tomorrow", "machine=near"])
def test_a_move_that_cannot_be_made_says_why(reader: Visitor, asked: str) -> None:
    assert "▲" in reader.get(f"/places/p0001/?{asked}").words


def test_who_is_left_out_has_a_page_with_the_reason_and_nobody_else_has_one(reader: Visitor) -> None:
    assert "No place is looked for: no plan is kept" in reader.get("/places/p0019/").words
    assert reader.get("/places/nobody/").status == 404
