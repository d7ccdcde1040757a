"""A look at the hour: is it set up, does it run, did it get whole answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.finding import Finding
from beamkeeper.app.jobs.hour_notes import HourOutcome, last_report
from beamkeeper.app.jobs.hour_words import in_one_line, is_overdue
from beamkeeper.app.site import DicomSourceSection

if TYPE_CHECKING:
    from beamkeeper.app.finding import Verdict
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock

WHAT = "hour"


def check_hour(site: Site, clock: Clock) -> Finding:
    """Return what is to be said of looks between two nights."""
    if site.hour is None:
        text = "off: a day's fractions are kept by the next night only."
        return Finding(what=WHAT, verdict="good", text=text)
    if not any(isinstance(section, DicomSourceSection) for section in site.sources):
        return Finding(
            what=WHAT,
            verdict="bad",
            text="it is on, and no source is a DICOM archive that could be asked for records.",
            do_next="Name an archive in the site file, or take [hour] out.",
        )
    report = last_report(site)
    if is_overdue(site, clock.now()):
        since = "ever" if report is None else f"since {report.began_at.astimezone(site.zone):%Y-%m-%d %H:%M}"
        return Finding(
            what=WHAT,
            verdict="bad",
            text=f"no look {since}, though looks were due.",
            do_next="Does `beamkeeper serve` run? `beamkeeper hour` looks once, and says what is wrong.",
        )
    if report is None:
        return Finding(what=WHAT, verdict="good", text="on; the first look is still to come.")
    said = f"last look {report.began_at.astimezone(site.zone):%Y-%m-%d %H:%M}: {in_one_line(report)}"
    verdict: Verdict = "warning" if report.outcome is HourOutcome.INCOMPLETE or report.left else "good"
    return Finding(
        what=WHAT,
        verdict=verdict,
        text=said,
        do_next="" if verdict == "good" else "See `beamkeeper hour`, and tomorrow's report.",
    )
