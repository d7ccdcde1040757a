"""What every page needs: the site, its ledger, the clock. One a process, kept in Django's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from datetime import date, datetime

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.ledger import Ledger

SETTING = "BEAMKEEPER_CONSOLE"


@dataclass(frozen=True, slots=True)
class Console:
    """What the pages show, and what time it is."""

    site: Site
    ledger: Ledger
    clock: Clock

    def now(self) -> datetime:
        """Return the present instant."""
        return self.clock.now()

    def today(self) -> date:
        """Return the day on the wall of the site."""
        return self.clock.now().astimezone(self.site.zone).date()


def the_console() -> Console:
    """Return the console this process serves."""
    found = getattr(settings, SETTING)
    assert isinstance(found, Console)  # noqa: S101 - `prepare` sets it before any page is asked for
    return found
