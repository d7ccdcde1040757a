"""What `beamkeeper serve` does for a site: the list of its duties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beamkeeper.app.jobs.copy_duty import CopiesDuty
from beamkeeper.app.jobs.heartbeats import HeartbeatDuty
from beamkeeper.app.jobs.hour_duty import HourDuty
from beamkeeper.app.jobs.mirror_duty import MirrorDuty
from beamkeeper.app.jobs.quorum_duty import quorum_duties
from beamkeeper.app.jobs.retain_duty import RetainDuty
from beamkeeper.app.jobs.running import run_night
from beamkeeper.app.jobs.runtime import open_ledger
from beamkeeper.app.jobs.schedule import due

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.app.jobs.serving import Duty
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import Ledger

NIGHT_RETRY_S = 900.0


@dataclass(frozen=True)
class NightDuty:
    """The night, once on every local date."""

    site: Site
    ledger: Ledger
    name: str = "night"
    retry_s: float = NIGHT_RETRY_S

    def wait_s(self, clock: Clock) -> float:
        """Return how long the next night can wait."""
        return self._due(clock)[0]

    def work(self, clock: Clock) -> str:
        """Run the night that is due."""
        run_on = self._due(clock)[1]
        if run_on is None:
            return ""
        return f"{run_on}: {run_night(self.site, clock, run_on).outcome.value}"

    def _due(self, clock: Clock) -> tuple[float, date | None]:
        night = self.site.night
        return due(night.starts_at, self.site.zone, clock.now(), night_of=self.ledger.night)


def duties_of(site: Site) -> tuple[Duty, ...]:
    """Return everything this site's collector does by itself."""
    heartbeats = [HeartbeatDuty(site, target, number) for number, target in enumerate(site.heartbeats, 1)]
    ledger = open_ledger(site)
    copies = [CopiesDuty(site, ledger, section) for section in site.copies]
    mirrors = [MirrorDuty(site, ledger, section) for section in site.mirrors]
    hour = [HourDuty(site, site.hour)] if site.hour else []
    quorum = quorum_duties(site, ledger) if site.quorum else ()
    return (NightDuty(site, ledger), *hour, *quorum, *mirrors, *copies, *heartbeats, RetainDuty(site, ledger))
