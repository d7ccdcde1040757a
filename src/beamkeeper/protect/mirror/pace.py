"""How fast and how long a run may move bytes."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING, BinaryIO, Final

from beamkeeper.errors import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

BURST_S: Final = 0.25
"""A pause shorter than this is saved up: sleeping often and briefly costs more than it slows."""
NAP_S: Final = 1.0


class TimeIsUp(SourceUnavailable):
    """The run's time is over; what is proved stays proved."""


class Pace:
    """Counts the bytes of one run, slows it down, and ends it.

    Parameters
    ----------
    bytes_per_s
        Both ways together; None for as fast as it goes.
    lasts_s
        Seconds from now after which no further byte is moved.
    """

    def __init__(
        self,
        *,
        bytes_per_s: float | None,
        lasts_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._rate = bytes_per_s
        self._monotonic = monotonic
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._began = self.moved_at = monotonic()
        self._ends = self._began + lasts_s
        self._owed_from = self._began

    def moved(self, count: int) -> None:
        """Take note of `count` bytes, waiting as long as the rate asks for.

        Raises
        ------
        TimeIsUp
            The run is over.
        """
        self.verify_time()
        if self._rate is not None:
            self._owed_from = max(self._owed_from, self._monotonic() - BURST_S) + count / self._rate
            while (wait_s := min(self._owed_from, self._ends) - self._monotonic()) > 0:
                self.moved_at = self._monotonic()  # waiting on purpose is no silence
                self._sleep(min(wait_s, NAP_S))
                self.verify_time()
        self.moved_at = self._monotonic()

    def verify_time(self) -> None:
        """Raise TimeIsUp once the run is over."""
        if self._stopped.is_set() or self._monotonic() >= self._ends:
            raise TimeIsUp(
                "The time for this run is over.",
                do_next="What is proved stays; the next run goes on where this one was.",
            )

    def stop(self) -> None:
        """End the run from another thread."""
        self._stopped.set()


class Paced(io.RawIOBase):
    """A source or a reader whose bytes are counted and slowed; it can seek when what is inside can."""

    def __init__(self, inside: BinaryIO, pace: Pace) -> None:
        self._inside = inside
        self._pace = pace

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes."""
        block = self._inside.read(size)
        self._pace.moved(len(block))
        return block

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move within the source."""
        return self._inside.seek(offset, whence)

    def tell(self) -> int:
        """Return where the source stands."""
        return self._inside.tell()

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return whether what is inside can."""
        return self._inside.seekable()

    def close(self) -> None:
        """Close what is inside."""
        if not self.closed:
            super().close()
            self._inside.close()
