"""A night belongs to a date that has come, by the clock that the night is given."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from night_site import NIGHT_1, NIGHT_2, NIGHT_3, at

from beamkeeper.app.jobs.running import run_night
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from night_site import SmallSite


def test_a_night_of_a_day_to_come_is_refused_before_anything_is_done(kept_site: SmallSite) -> None:
    before = kept_site.runtime().ledger.nights()
    with pytest.raises(ConfigError, match="cannot be run yet: today is 2026-03-03") as refused:
        run_night(kept_site.site, at(NIGHT_2), NIGHT_3)

    assert "--on" in refused.value.do_next
    assert kept_site.runtime().ledger.nights() == before
    assert not kept_site.site.night_dir(NIGHT_3).exists()


def test_a_day_that_has_begun_on_the_wall_of_the_site_is_no_day_to_come(kept_site: SmallSite) -> None:
    clock = at(NIGHT_1, 23)
    clock.advance(timedelta(minutes=30))
    text = kept_site.site_file.read_text(encoding="utf-8")
    kept_site.site_file.write_text(text.replace('"UTC"', '"Europe/Brussels"'), encoding="utf-8")
    report = run_night(kept_site.site, clock, NIGHT_2)

    assert report.outcome is NightOutcome.COMPLETE
    assert report.run_on == NIGHT_2


def test_a_clock_that_was_moved_ahead_decides_what_is_to_come(kept_site: SmallSite) -> None:
    later = NIGHT_2.replace(year=2199)

    assert kept_site.night(later).run_on == later
