"""The hour's duty in `serve`: today's treatment records, every so many minutes of the site's hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.hour_notes import HourOutcome, last_report
from beamkeeper.app.jobs.hour_words import in_one_line
from beamkeeper.app.jobs.hourly import run_hour
from beamkeeper.app.jobs.hours import wait_s

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_hour import HourSection
    from beamkeeper.clock import Clock

RETRY_S: Final = 120.0


@dataclass
class HourDuty:
    """One look after the other; one that failed is tried again soon, not only at the next hour."""

    site: Site
    section: HourSection
    name: str = "hour"
    retry_s: float = RETRY_S

    def wait_s(self, clock: Clock) -> float:
        """Return how long the next look can wait."""
        return wait_s(self.section, self.site.zone, clock.now(), self._last_at())

    def work(self, clock: Clock) -> str:
        """Look once; return one line for the log, "" when nothing is worth one."""
        report = run_hour(self.site, clock)
        return "" if report.outcome in {HourOutcome.NOTHING_NEW, HourOutcome.SKIPPED} else in_one_line(report)

    def _last_at(self) -> datetime | None:
        report = last_report(self.site)
        return None if report is None else report.began_at
