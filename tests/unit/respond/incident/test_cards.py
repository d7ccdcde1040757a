"""A role card says who holds it, and what this person does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.room_house.incident import DECLARED, LATER, PEOPLE, make_incident, patient

from beamkeeper.app.jobs.incident_people import dismiss
from beamkeeper.protect.lists.text import page_text
from beamkeeper.respond.incident.checklist import role_cards
from beamkeeper.respond.incident.pages import cards_page, holders

if TYPE_CHECKING:
    from pathlib import Path


def test_each_card_bears_the_names_of_those_who_were_admitted_for_it(tmp_path: Path) -> None:
    folder = make_incident(tmp_path / "incident", (patient(1),))
    page = cards_page(folder.incident(), role_cards(), folder.journal.rows(), made_at=DECLARED)
    said = {group.title: group.said for group in page.groups}

    assert all(any(name in one for one in said.values()) for name, _ in PEOPLE.values())
    assert said["Medical physicist"].endswith("Held by: Bo Van den Broeck-Vandenbroucke")
    assert said["Radiation therapist"].endswith("...."), "nobody was admitted: there is room to write"
    assert "Held by: An Peeters" in page_text(page)


def test_who_was_dismissed_holds_no_card_any_more(tmp_path: Path) -> None:
    folder = make_incident(tmp_path / "incident", (patient(1),))
    dismiss(folder, "an", by="A. Jansen", at=LATER)

    assert "physician" not in holders(folder.journal.rows())
