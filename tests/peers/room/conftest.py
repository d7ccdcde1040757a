"""One served room a module, of an invented department in the sixth hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.console_house.chromium import chromium_with
from tests.console_house.clock import FileClock
from tests.room_house.incident import LATER, make_incident, patient
from tests.room_house.server import Served, room_server
from tests.room_house.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

PATIENTS = 40


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("room")
    folder = make_incident(root / "incident", tuple(patient(number) for number in range(PATIENTS)))
    clock = FileClock(root / "clock")
    clock.move_to(LATER)
    with room_server(folder, clock) as made:
        yield made


@pytest.fixture(scope="module")
def reader(served: Served) -> Visitor:
    """Somebody who used the printed address."""
    visitor = Visitor(served)
    visitor.open()
    return visitor


@pytest.fixture(scope="module")
def browser(program: Callable[[str], str]) -> Iterator[Browser]:
    """One browser a module; who is at it is a matter of its contexts.

    No longer than that: its event loop stays in the process, and Django then refuses whatever comes next.
    """
    with chromium_with(program("chromium")) as started:
        yield started
