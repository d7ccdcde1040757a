"""The port through which the worker asks for the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from beamkeeper.protect.isolate.facts import WindowReading, WindowState

if TYPE_CHECKING:
    from datetime import datetime


class NetworkWindow(Protocol):
    """Opens the network for a while; see tests/contract/window_contract.py."""

    @property
    def is_guarded(self) -> bool:
        """Whether there is a window at all; when not, the network is the site's own matter."""

    def open(self, until: datetime) -> None:
        """Have the network until `until` at most; again with another instant moves it.

        Raises
        ------
        WindowUnavailable
            It does not open now, and why.
        """

    def close(self) -> None:
        """Give the network back; harmless when it is not held.

        Raises
        ------
        WindowUnavailable
            Nobody could say that it is shut.
        """

    def reading(self) -> WindowReading:
        """Return where the window stands, as the kernel says."""


class NoWindow:
    """A site without `[window]`: the network is always there, and the report says so."""

    is_guarded = False

    def open(self, until: datetime) -> None:
        """Nothing opens: the network is always there."""

    def close(self) -> None:
        """Nothing closes."""

    def reading(self) -> WindowReading:
        """Return that nobody knows."""
        return WindowReading(
            state=WindowState.UNKNOWN, text="this collector has no air gap of its own: no [window] is set"
        )
