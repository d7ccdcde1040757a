"""`beamkeeper hour`: fetch today's treatment records once, now."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from beamkeeper.app.cli.console import emit_json, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.hour_notes import HourReport

EXIT_OPEN = 3


def command(site: SiteOption = None, json_: JsonOption = False) -> int:
    """Fetch today's treatment records now, and those of the last days that are not kept yet.

    Nothing is fetched twice. Counts every patient's position again and seals the records, with a sheet
    of what was delivered. Exit status: 0 all that was found is kept, or a night is at work, 3 a source
    gave no whole answer or a record is left for the night.

    Example: beamkeeper hour
    """
    from beamkeeper.app.jobs.hourly import run_hour

    chosen = open_site(site, with_key=True)
    report = run_hour(chosen, SystemClock())
    if json_:
        emit_json({"hour": report})
    else:
        show(report, chosen.zone)
    return EXIT_OPEN if report.problems or report.left else 0


def show(report: HourReport, zone: ZoneInfo) -> None:
    """Print how a look went."""
    from beamkeeper.app.jobs.hour_words import in_one_line

    print_wrapped(f"{report.began_at.astimezone(zone):%Y-%m-%d %H:%M} {in_one_line(report)}")
    for problem in report.problems[1:]:
        print_wrapped(f"▲ {problem}")
    for (patient_id, why), count in sorted(Counter((one.patient_id, one.why) for one in report.left).items()):
        records = "1 record is" if count == 1 else f"{count} records are"
        print_wrapped(f"▲ Patient ID {patient_id}: {records} left for the night: {why}.")
