"""The duty of `beamkeeper serve` to keep one mirror up to date, apart from the night and the others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.mirroring import run_mirrors
from beamkeeper.app.jobs.places import line_of
from beamkeeper.protect.mirror import MirrorState
from beamkeeper.vault import LocalStore
from beamkeeper.vault.metadata import TIMESTAMP_NAME
from beamkeeper.vault.reading import StoreReader
from beamkeeper.vault.trust import TIMESTAMP_BYTES_MAX

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_mirrors import MirrorSection
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import Ledger, MirrorRow

RETRY: Final = timedelta(minutes=15)
"""A mirror that did not come to its end is tried again after this."""
SLOWER_AFTER: Final = timedelta(hours=24)
RETRY_SLOWER: Final = timedelta(hours=1)
"""Where nothing can be sent for a day, a try an hour is enough: each stands in the audit log."""
LOOK_EVERY: Final = timedelta(hours=24)
"""A mirror that holds everything is looked at again after this: somebody may alter what lies there."""


@dataclass(frozen=True)
class MirrorDuty:
    """One mirror: at once when something was published, again when it failed, once a day anyway."""

    site: Site
    ledger: Ledger
    section: MirrorSection
    retry_s: float = RETRY.total_seconds()

    @property
    def name(self) -> str:
        """What people call it."""
        return f"mirror {self.section.name}"

    def wait_s(self, clock: Clock) -> float:
        """Return how long nothing is due, seconds."""
        row = self.ledger.mirrors.find(self.section.name)
        if row is None or row.tried_at is None or row.place != self.section.place:
            return 0.0
        since = clock.now() - row.tried_at
        if since < timedelta(0):  # the clock went back
            return 0.0
        if row.state != MirrorState.MIRRORED.value:
            return max(0.0, (_retry(row, clock.now()) - since).total_seconds())
        if not self._holds_newest():
            return 0.0
        return max(0.0, (LOOK_EVERY - since).total_seconds())

    def work(self, clock: Clock) -> str:
        """Bring the mirror up to date; return one line for the log.

        Raises
        ------
        AlreadyRunning
            Another process is at it.
        """
        return line_of(next(run_mirrors(self.site, clock, [self.section], ledger=self.ledger)))

    def _holds_newest(self) -> bool:
        data = StoreReader(LocalStore(self.site.vault.directory))(
            TIMESTAMP_NAME, bytes_max=TIMESTAMP_BYTES_MAX
        )
        digest = None if data is None else hashlib.sha256(data).hexdigest()
        proof = self.ledger.mirrors.find_proof(self.section.name, TIMESTAMP_NAME)
        return proof is not None and proof.sha256 == digest


def _retry(row: MirrorRow, now: datetime) -> timedelta:
    """Return how long a mirror that lacks something is left alone; one that is filling up, never long."""
    if row.state == MirrorState.BEHIND.value or row.waiting_since is None:
        return RETRY
    return RETRY if now - row.waiting_since < SLOWER_AFTER else RETRY_SLOWER
