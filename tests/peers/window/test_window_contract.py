"""The watchdog's window keeps the contract of the port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.window_contract import WindowContract

from beamkeeper.protect.isolate import GuardedWindow

if TYPE_CHECKING:
    from tests.peers.window.ground import Ground


@pytest.mark.peer
class TestGuardedWindow(WindowContract):
    @pytest.fixture
    def window(self, ground: Ground) -> GuardedWindow:
        ground.guard()
        return GuardedWindow(ground.socket)
