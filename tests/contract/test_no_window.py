"""The window of a site that has none keeps the contract, and claims nothing."""

from __future__ import annotations

import pytest
from tests.contract.window_contract import WindowContract

from beamkeeper.protect.isolate import NoWindow, WindowState


class TestNoWindow(WindowContract):
    @pytest.fixture
    def window(self) -> NoWindow:
        return NoWindow()

    def test_it_says_that_there_is_no_air_gap(self, window: NoWindow) -> None:
        assert window.reading().state is WindowState.UNKNOWN
        assert "no air gap of its own" in window.reading().text
