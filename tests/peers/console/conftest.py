"""One served house a module, with everybody in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.console_house.clock import FileClock
from tests.console_house.house import (
    MORNING,
    OTHERS,
    PEOPLE,
    House,
    add_night,
    few_patients,
    make_house,
    report,
)
from tests.console_house.server import console_server
from tests.console_house.staff import newcomers
from tests.listening import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.console_house.visitor import Visitor


EVERYBODY = PEOPLE | OTHERS


@dataclass(frozen=True)
class Morning:
    """A house in the morning after a night, and its people, logged in."""

    house: House
    clock: FileClock
    staff: dict[str, Visitor]

    def audit(self, action: str) -> list[tuple[str, str]]:
        """Return who did something, and with which outcome, in order."""
        rows = self.house.ledger.audit.rows()
        return [(row.actor, row.outcome) for row in rows if row.action == action]


def new_house(folder: Path) -> tuple[House, FileClock]:
    house = make_house(folder, free_port())
    clock = FileClock(folder / "clock")
    clock.move_to(MORNING)
    return house, clock


@pytest.fixture(scope="module")
def morning(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Morning]:
    """A served house with everybody in it, or with those a module names as its STAFF: each costs a second."""
    house, clock = new_house(tmp_path_factory.mktemp("house"))
    add_night(house, report(few_patients()))
    with console_server(house, clock):
        yield Morning(house, clock, newcomers(house, clock, getattr(request.module, "STAFF", EVERYBODY)))
