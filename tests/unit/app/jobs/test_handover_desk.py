"""Every name that a site may have can stand on its card."""

from __future__ import annotations

import pytest

from beamkeeper.app.jobs.handover_desk import _name_on_card
from beamkeeper.respond.handover import new_keys


@pytest.mark.parametrize(
    "name", ["x" * 100, "Zie\u0301kenhuis", "UZ  Zuid ", "a\u200b" * 50, "\u200b" * 100, "UZ Zuid"]
)
def test_a_sites_name_becomes_one_that_a_card_takes(name: str) -> None:
    assert new_keys(_name_on_card(name)).card.name
