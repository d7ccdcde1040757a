"""A placement whose draft is of the plan before: the pages say so, and nobody is moved by it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from tests.room_house.incident import LATER, PASSPHRASE
from tests.room_house.placing import placed_room

from beamkeeper.app.jobs.declaring import write
from beamkeeper.app.jobs.placing import board_at
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.room_house.server import Served
    from tests.room_house.visitor import Visitor


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with placed_room(tmp_path_factory.mktemp("old-draft")) as made:
        yield made


def test_nobody_of_whom_another_plan_holds_is_dragged_or_signed_for(served: Served, reader: Visitor) -> None:
    at = board_at(PlacementFolder(served.folder))
    one = next(item for item in at.version.placed if item.machine == "leuven-1")
    asked = "machine=leuven-1&from=2026-03-12"
    dragged = f"/places/board/?patient={one.patient}&{asked}"
    seen = reader.get(dragged)
    hidden = dict(re.findall(r'type="hidden" name="(machine|from|seen)" value="([^"]*)"', seen.text))
    form = {name: unescape(value) for name, value in hidden.items()}
    form |= {"person": "co", "passphrase": PASSPHRASE, "reason": "lives there", "board": ""}
    told: dict[str, Any] = {"old": "1.1", "new": "1.9", "after": 0, "goes_on": False, "doubts": {}}
    assert "Passphrase" in seen.words
    write(served.folder, Deed.PLAN_REPLACED, by="A and B", at=LATER, pseudonym=one.patient, **told)

    refused = reader.post(f"/places/{one.patient}/move/", form, page="/places/told/")
    assert refused.status == 400
    pages = [dragged, f"/places/{one.patient}/?{asked}"]
    for words in (refused.words, *(reader.get(page).words for page in pages)):
        assert "Which plan holds was said of 1 patient" in words
        assert "Draft again, then solve" in words
    name = next(item.name for item in at.draft.patients if item.id == one.patient)
    for page in ("/places/", "/places/board/", pages[1]):
        assert f"▲ Which plan holds was said after draft 1 was made, of {name}" in reader.get(page).words
    assert board_at(PlacementFolder(served.folder)).version.number == 1


def test_who_was_told_is_not_freed_by_it_either(served: Served, reader: Visitor) -> None:
    answer = reader.post("/places/told/", {}, page="/places/told/")

    assert answer.status == 400
    assert "Which plan holds was said of 1 patient" in answer.words
