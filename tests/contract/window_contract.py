"""What every `NetworkWindow` does; a suite an adapter's test inherits from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from beamkeeper.protect.isolate import WindowState

if TYPE_CHECKING:
    from beamkeeper.protect.isolate import NetworkWindow


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


class WindowContract:
    """`window` is a fixture of the adapter's."""

    def test_it_may_be_opened_twice_and_closed_twice(self, window: NetworkWindow) -> None:
        window.open(soon())
        window.open(soon())
        window.close()
        window.close()

        assert window.reading().state is not WindowState.OPEN

    def test_closing_what_was_never_opened_is_harmless(self, window: NetworkWindow) -> None:
        window.close()

        assert window.reading().state is not WindowState.OPEN

    def test_it_never_says_closed_or_open_without_knowing(self, window: NetworkWindow) -> None:
        window.open(soon())
        opened = window.reading().state
        window.close()
        closed = window.reading().state

        expected = (WindowState.OPEN, WindowState.CLOSED) if window.is_guarded else (WindowState.UNKNOWN,) * 2
        assert (opened, closed) == expected

    def test_it_says_in_words_where_it_stands(self, window: NetworkWindow) -> None:
        assert window.reading().text
