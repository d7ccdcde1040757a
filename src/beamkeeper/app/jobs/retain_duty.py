"""The duty of `beamkeeper serve` to remove whose time is over: once a day, after people had to confirm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.quorum import rule_of
from beamkeeper.app.jobs.retaining import go_on, retain
from beamkeeper.app.jobs.retention_words import waiting_in_words
from beamkeeper.clock import local_date, local_instant

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import Ledger

AGAIN: Final = timedelta(hours=1)
"""What was frozen, or what some place keeps waiting, is looked at again after this, at any hour."""
WITHOUT_QUORUM: Final = time(10)
RETRY_S: Final = 900.0


@dataclass(frozen=True)
class RetainDuty:
    """Retention, once on every local date; again each hour while something due is frozen or waits."""

    site: Site
    ledger: Ledger
    name: str = "retention"
    retry_s: float = RETRY_S

    def wait_s(self, clock: Clock) -> float:
        """Return how long nothing is due, seconds."""
        now = clock.now()
        begins, last = self._begins(now), self.ledger.removals.last_run()
        again_s = 0.0 if last is None or last.at > now else max(0.0, (last.at + AGAIN - now).total_seconds())
        is_waiting = last is not None and bool(last.found.get("waiting"))
        if now < begins:
            begins_s = (begins - now).total_seconds()
            return min(begins_s, again_s) if is_waiting else begins_s
        if last is None or last.run_on < local_date(now, self.site.zone) or last.at < begins or last.at > now:
            return 0.0
        if is_waiting or (last.found.get("frozen_by") and last.found.get("due")):
            return again_s
        tomorrow = self._begins(now + timedelta(days=1))
        return max(1.0, (tomorrow - now).total_seconds())

    def work(self, clock: Clock) -> str:
        """Remove what is due, or before people had to confirm only go on; return one line for the log.

        Raises
        ------
        AlreadyRunning
            A night is at work: after it.
        """
        if clock.now() < self._begins(clock.now()):
            finished, errors = go_on(self.site, clock)
            return self._in_one_line(f"{len(finished)} gone everywhere", *errors)
        outcome = retain(self.site, clock, by_hand=False)
        said = f"{len(outcome.removed)} removed, {len(outcome.finished)} gone everywhere"
        freeze = next((item.reason for item in outcome.retention.plan.freezes), "")
        return self._in_one_line(said, freeze, *outcome.errors)

    def _in_one_line(self, *said: str) -> str:
        waiting = waiting_in_words(self.ledger, self.ledger.removals.all(unfinished=True))
        return "; ".join(text for text in (*said, *waiting[:1]) if text)

    def _begins(self, now: datetime) -> datetime:
        today = local_date(now, self.site.zone)
        if self.site.quorum is None:
            return local_instant(today, WITHOUT_QUORUM, self.site.zone)
        return local_instant(today, rule_of(self.site).deadline, self.site.zone)
