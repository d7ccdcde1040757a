"""The hour in words that name nobody: for the log, the status page and the check-up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beamkeeper.app.jobs.hour_notes import HourOutcome, last_report
from beamkeeper.app.jobs.hours import wait_s

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.jobs.hour_notes import HourReport
    from beamkeeper.app.site import Site

MISSED_LOOKS: Final = 3
"""After so many looks that did not come, somebody is told."""


def in_one_line(report: HourReport) -> str:
    """Return how a look went."""
    said = report.outcome.value
    if report.records_count:
        records, patients = report.records_count, report.patients_count
        said += f": {records} record{'s' * (records != 1)} of {patients} patient{'s' * (patients != 1)}"
    if report.left:
        said += f"; {len(report.left)} left for the night"
    if report.unasked_count:
        said += f"; {report.unasked_count} sent unasked, kept for the night"
    return f"{said}. {report.why}" if report.why else said


def hour_remark(site: Site, now: datetime) -> str:
    """Return the line about the last look; "" where the site has no hour and there never was one."""
    report = last_report(site)
    if report is None:
        return "the hour: no look yet" if site.hour else ""
    mark = "▲ " if is_overdue(site, now) or report.outcome is HourOutcome.INCOMPLETE else ""
    at = f"{report.began_at.astimezone(site.zone):%Y-%m-%d %H:%M}"
    return f"{mark}the hour: last look {at}, {in_one_line(report)}"


def is_overdue(site: Site, now: datetime) -> bool:
    """Return whether looks should have come since the last one, and did not."""
    if site.hour is None:
        return False
    report = last_report(site)
    last_at = None if report is None else report.began_at
    earlier = now - MISSED_LOOKS * timedelta(minutes=site.hour.every_minutes)
    if last_at is not None and last_at > earlier:
        return False
    return all(wait_s(site.hour, site.zone, at, last_at) == 0 for at in (earlier, now))
