"""The network as jobs have it: through the site's window, held for as long as it is needed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from beamkeeper.protect.isolate import GuardedWindow, NoWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.protect.isolate import NetworkWindow

NO_AIR_GAP = (
    "This collector has no air gap of its own: the site file has no [window], and who may reach it at which "
    "hour is the site's matter."
)


def window_of(site: Site) -> NetworkWindow:
    """Return the window of a site: the watchdog's, or none."""
    return NoWindow() if site.window is None else GuardedWindow(site.window.socket)


@contextmanager
def network(site: Site, until: datetime) -> Iterator[None]:
    """Hold the network for the time of a block, until `until` at most; nothing to hold without a window.

    Others may hold it at the same time: it shuts when the last one lets go.

    Raises
    ------
    WindowUnavailable
        It does not open now.
    """
    window = window_of(site)
    window.open(until)
    try:
        yield
    finally:
        window.close()


class Online:
    """The network of one night: opened when somebody first needs it, and then the receiver started.

    Parameters
    ----------
    until
        The latest instant, asked anew each time.
    start, stop
        The receiver: it listens on the card's address, which is there only while the window is open.
    """

    def __init__(
        self,
        window: NetworkWindow,
        *,
        until: Callable[[], datetime],
        start: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        self._window = window
        self._until = until
        self._start, self._stop = start, stop
        self._lock = threading.Lock()

    @property
    def is_rationed(self) -> bool:
        """Whether the network is there only while it is asked for."""
        return self._window.is_guarded

    def go_on(self) -> None:
        """Have the network, and the receiver listening; again does no harm."""
        with self._lock:
            self._window.open(self._until())
            self._start()

    def go_off(self) -> None:
        """Stop the receiver and every association, and give the network back."""
        with self._lock:
            try:
                self._stop()
            finally:
                self._window.close()
