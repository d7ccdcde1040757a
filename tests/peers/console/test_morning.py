"""The morning on the pages: two different people look, confirm, and the night is confirmed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.console_house.house import NIGHT, pseudonym

if TYPE_CHECKING:
    from tests.console_house.visitor import Answer, Visitor
    from tests.peers.console.conftest import Morning

PAGE = f"/changes/{NIGHT}/"
STAFF = {"an": "physicist", "bo": "physician"}


def say(visitor: Visitor, verdict: str, patient: str = "", reason: str = "") -> Answer:
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', visitor.get(PAGE).text)
    assert digest
    fields = {"digest": digest[1], "patient": patient, "verdict": verdict, "reason": reason}
    return visitor.post(f"{PAGE}vote/", fields, page=PAGE)


def test_two_different_people_confirm_a_night_on_the_page(morning: Morning) -> None:
    an, bo = morning.staff["an"], morning.staff["bo"]

    assert "waits for somebody else" in say(an, "confirm").text
    assert "counted before" in say(an, "confirm").text
    assert "So far: An Peeters." in bo.get("/").text
    assert "The night is confirmed." in say(bo, "confirm").text
    assert "confirmed" in an.get("/nights/").text
    cast = [row for row in morning.house.ledger.audit.rows() if row.action == "vote cast"]
    assert [(row.actor, row.details["path"]) for row in cast] == [("an", "page"), ("bo", "page")]


def test_a_dispute_of_one_patient_names_who_and_why_and_freezes(morning: Morning) -> None:
    an, bo = morning.staff["an"], morning.staff["bo"]
    said = say(an, "dispute", pseudonym(1), "leaf 31 was never there")

    assert "Nothing is purged now" in said.text
    assert "leaf 31 was never there" in bo.get(PAGE).text
    assert "An Peeters" in bo.get(PAGE).text
    assert "Disputed by An Peeters" in bo.get("/").text
