"""The checklist and the cards: shipped ones are whole, a department's own is read strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beamkeeper.errors import ConfigError
from beamkeeper.respond.incident.checklist import read_checklist, role_cards, shipped_checklist, steps

if TYPE_CHECKING:
    from pathlib import Path

STEP = 'format = 1\n[[step]]\nid = "a"\ntitle = "t"\n'


def test_the_shipped_checklist_has_every_step_of_the_framework() -> None:
    found = steps(shipped_checklist())

    assert {step.step_id.partition("-")[0] for step in found} == {
        "detection",
        "response",
        "recovery",
        "debriefing",
        "preparation",
    }
    assert all(step.items for step in found)


def test_every_item_is_somebodys_who_has_a_card() -> None:
    roles = {card.role_id for card in role_cards()}

    assert {item.role for step in steps(shipped_checklist()) for item in step.items} <= roles
    assert all(card.does and card.does_not for card in role_cards())


def test_whose_an_item_is_stands_in_words_and_in_the_departments_own() -> None:
    own = steps(
        STEP + 'items = [{id = "x", role = "rtt", text = "1"}, {id = "y", role = "porter", text = "2"}]'
    )

    assert [item.whose for step in own for item in step.items] == ["Radiation therapist", "porter"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("format = 2", "format 2"),
        ("format = 1", "no list of step"),
        ("format = 1\nstep = 3", "no list of step"),
        ('format = 1\n[[step]]\nid = "a"\nitems = []', "step 1 has no title"),
        (
            'format = 1\n[[step]]\nid = "a"\ntitle = "t"\nitems = [{ id = "x", role = "it" }]',
            "item 1 has no text",
        ),
        (
            STEP + 'items = [{id = "x", role = "it", text = "1"}, {id = "x", role = "it", text = "2"}]',
            "share an id: x",
        ),
        (STEP + 'items = []\n[[stpe]]\nid = "b"', "checklist has unknown keys: stpe"),
        (
            STEP + 'items = []\nitem = [{ id = "x", role = "it", text = "1" }]',
            "step 1 has unknown keys: item",
        ),
        (
            STEP + 'items = [{ id = "x", role = "it", text = "1", by = "noon" }]',
            "step 1, item 1 has unknown keys: by",
        ),
        ("not = [toml", "not valid TOML"),
        ("x = " + "[" * 5000, "not valid TOML"),
    ],
)
def test_a_file_that_is_no_checklist_is_refused_with_where(text: str, match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        steps(text)


def test_a_departments_own_is_bounded_and_utf8(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_checklist(path)
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ConfigError, match="larger"):
        read_checklist(path)
    path.write_text(shipped_checklist(), "utf-8")
    assert read_checklist(path) == shipped_checklist()
