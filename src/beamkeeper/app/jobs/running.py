"""One night from outside: open the site, hold its lock, run the workflow, hand back the report."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from beamkeeper.app.jobs import durable
from beamkeeper.app.jobs.hour_sheets import remove_old_sheets
from beamkeeper.app.jobs.looked import AlarmNote
from beamkeeper.app.jobs.night_notes import ALARM_NAME, remove_working_files
from beamkeeper.app.jobs.nightly import Nightly
from beamkeeper.app.jobs.notes import read_note
from beamkeeper.app.jobs.progress import silent
from beamkeeper.app.jobs.pushed import remove_what_we_asked_for
from beamkeeper.app.jobs.removals_here import go_on_with_removals
from beamkeeper.app.jobs.reporting import last_report
from beamkeeper.app.jobs.runtime import only_one, open_runtime
from beamkeeper.app.jobs.tidying import is_abandoned, remove_abandoned, resume_as_usual
from beamkeeper.clock import local_date
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import ConfigError, NightInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from beamkeeper.app.jobs.progress import Listener
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.domain.night import NightReport


def run_night(
    site: Site,
    clock: Clock,
    run_on: date,
    *,
    listener: Listener = silent,
    despite_alarm: str = "",
    on_step: Callable[[str, str], None] = lambda _name, _phase: None,
) -> NightReport:
    """Run the night of one local date to its end and return its report.

    A night that is complete is not run again: its report comes back. One that was interrupted goes on
    where it was; one that ended incomplete is tried again.

    Raises
    ------
    ConfigError
        That date has not begun on the site's wall.
    AlreadyRunning
        Another process works on this site.
    BeamkeeperError
        What ended the night before a report could be written.
    """
    today = local_date(clock.now(), site.zone)
    if run_on > today:
        raise ConfigError(
            f"The night of {run_on} cannot be run yet: today is {today} ({site.site.time_zone}).",
            do_next="Leave --on out for tonight, or name a date that has come.",
        )
    with only_one(site):
        remove_old_sheets(site, clock.now())
        runtime = open_runtime(site, clock)
        go_on_with_removals(runtime)
        done = last_report(site, run_on)
        if done is not None and done.outcome is NightOutcome.COMPLETE:
            remove_working_files(site.night_dir(run_on))  # it may have been killed just before
            remove_abandoned(site, runtime.ledger.nights(), now=clock.now())
            return done
        if done is not None and done.outcome is NightOutcome.STOPPED and not despite_alarm:
            _begin_anew(site.night_dir(run_on))
        with Nightly(runtime, run_on, listener=listener, despite_alarm=despite_alarm) as steps:
            durable.run(
                steps,
                site=durable.site_key(site.site.name, runtime.keys.root_public_key),
                run_on=run_on,
                anew=is_abandoned(site.night_dir(run_on)),
                jobs_url=site.jobs_url,
                parallel_patients=site.night.parallel_patients,
                on_step=on_step,
            )
        resume_as_usual(site.night_dir(run_on))
        remove_abandoned(site, runtime.ledger.nights(), now=clock.now())
        report = last_report(site, run_on)
        if report is None:
            raise NightInterrupted("The night ended without a report.", do_next="Run it again.")
        return report


def _begin_anew(folder: Path) -> None:
    """Forget a stopped night: nothing of it was sealed, and the sources may say something else now.

    Not when a person has decided to seal it all the same and that try was interrupted: it goes on.
    """
    judged = read_note(folder / ALARM_NAME, AlarmNote)
    if judged is not None and not judged.stops:
        return
    keep = {"spool"} if remove_what_we_asked_for(folder / "spool") else set()
    for path in folder.iterdir():
        if path.name not in keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
