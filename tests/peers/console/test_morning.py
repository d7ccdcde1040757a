"""The morning on the pages: two different people look, confirm, and the night is confirmed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.console_house.house import MORNING, NIGHT, add_night, few_patients, make_house, pseudonym, report
from tests.console_house.server import FileClock, console_server
from tests.console_house.staff import newcomer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.console_house.house import House
    from tests.console_house.visitor import Answer, Visitor

PAGE = f"/changes/{NIGHT}/"


@pytest.fixture
def house(tmp_path, free_port: int) -> Iterator[House]:
    made = make_house(tmp_path, free_port)
    add_night(made, report(few_patients()))
    clock = FileClock(tmp_path / "clock")
    clock.move_to(MORNING)
    with console_server(made, clock):
        yield made


def say(visitor: Visitor, verdict: str, patient: str = "", reason: str = "") -> Answer:
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', visitor.get(PAGE).text)
    assert digest
    fields = {"digest": digest[1], "patient": patient, "verdict": verdict, "reason": reason}
    return visitor.post(f"{PAGE}vote/", fields, page=PAGE)


def test_two_different_people_confirm_a_night_on_the_page(house: House) -> None:
    an, bo = newcomer(house, "an", "physicist"), newcomer(house, "bo", "physician")

    assert "waits for somebody else" in say(an, "confirm").text
    assert "counted before" in say(an, "confirm").text
    assert "So far: An Peeters." in bo.get("/").text
    assert "The night is confirmed." in say(bo, "confirm").text
    assert "confirmed" in an.get("/nights/").text
    cast = [row for row in house.ledger.audit.rows() if row.action == "vote cast"]
    assert [(row.actor, row.details["path"]) for row in cast] == [("an", "page"), ("bo", "page")]


def test_a_dispute_of_one_patient_names_who_and_why_and_freezes(house: House) -> None:
    an, bo = newcomer(house, "an", "physicist"), newcomer(house, "bo", "physician")
    said = say(an, "dispute", pseudonym(1), "leaf 31 was never there")

    assert "Nothing is purged now" in said.text
    assert "leaf 31 was never there" in bo.get(PAGE).text
    assert "An Peeters" in bo.get(PAGE).text
    assert "Disputed by An Peeters" in bo.get("/").text
