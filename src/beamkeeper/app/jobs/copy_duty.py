"""The duty of `beamkeeper serve` to keep one store of plain DICOM up to date, apart from all others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.copying import key_of, marker_of, run_copies
from beamkeeper.app.jobs.places import line_of
from beamkeeper.protect.copies import CopyState

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_copies import CopiesSection
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import Ledger, MirrorRow

RETRY: Final = timedelta(minutes=15)
"""A store that does not hold everything is tried again after this."""
SLOWER_AFTER: Final = timedelta(hours=24)
RETRY_SLOWER: Final = timedelta(hours=1)
"""Where nothing can be sent for a day, a try an hour is enough: each stands in the audit log."""
HOUR: Final = timedelta(hours=1)
LOOK_EVERY: Final = timedelta(hours=24)
"""A store that holds everything is looked at again after this: somebody may remove what lies there."""
_DONE: Final = frozenset({CopyState.COMPLETE.value, CopyState.SENT.value})


@dataclass(frozen=True)
class CopiesDuty:
    """One store: when its section says so, again when it failed, once a day anyway."""

    site: Site
    ledger: Ledger
    section: CopiesSection
    retry_s: float = RETRY.total_seconds()

    @property
    def name(self) -> str:
        """What people call it."""
        return f"copies {self.section.name}"

    def wait_s(self, clock: Clock) -> float:
        """Return how long nothing is due, seconds."""
        row = self.ledger.mirrors.find(key_of(self.section))
        if row is None or row.tried_at is None or row.place != self.section.place:
            return 0.0
        since = clock.now() - row.tried_at
        if since < timedelta(0) or self._is_due(row, since):  # below zero: the clock went back
            return 0.0
        pause = LOOK_EVERY if row.state in _DONE else _retry(row, clock.now())
        return max(0.0, (pause - since).total_seconds())

    def work(self, clock: Clock) -> str:
        """Bring the store up to date; return one line for the log.

        Raises
        ------
        AlreadyRunning
            Another process is at it.
        """
        return line_of(next(run_copies(self.site, clock, [self.section])))

    def _is_due(self, row: MirrorRow, since: timedelta) -> bool:
        """Whether something new is to be sent now, as the section says when."""
        if row.state not in _DONE:
            return False
        if self.section.when == "nightly":
            nights = self.ledger.nights(limit=1)
            ended = nights[0].finished_at if nights else None
            return ended is not None and row.tried_at is not None and ended > row.tried_at
        is_new = row.facts.get("marker") != marker_of(self.site)
        return is_new and (self.section.when == "approval" or since >= HOUR)


def _retry(row: MirrorRow, now: datetime) -> timedelta:
    """Return how long a store that lacks something is left alone; one that is filling up, never long."""
    if row.state == CopyState.BEHIND.value or row.waiting_since is None:
        return RETRY
    return RETRY if now - row.waiting_since < SLOWER_AFTER else RETRY_SLOWER
