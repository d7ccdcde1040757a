"""Nights: how each went, and where it stands; no names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.jobs.quorum import people_of, standing
from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.known import all_standings, report_of
from beamkeeper.domain.change import SEVERITY, Grade

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from django.http import HttpRequest, HttpResponse

NIGHTS_SHOWN: Final = 92


@require_safe
def nights(request: HttpRequest) -> HttpResponse:
    """List the nights of the last quarter, newest first, with those that never ran."""
    console = the_console()
    rows = {row.run_on: row for row in console.ledger.nights(NIGHTS_SHOWN)}
    states = {item.night: item.state for item in all_standings(console)}
    listed = [
        {"on": on, "row": rows.get(on), "state": states.get(on)}
        for on in sorted({*rows, *states}, reverse=True)[:NIGHTS_SHOWN]
    ]
    return render(request, "console/nights.html", {"listed": listed})


@require_safe
def night(request: HttpRequest, night: date) -> HttpResponse:
    """Show one night: what was counted, what went wrong, who said what."""
    console = the_console()
    row = console.ledger.night(night)
    if row is None:
        raise Http404
    report = report_of(console, night)
    has_people = console.site.quorum is not None
    found = standing(console.site, console.ledger, night, console.now()) if has_people else None
    facts = {
        "row": row,
        "report": report,
        "objects": _counted(lambda grade: report.count(grade) - report.documents(grade)) if report else (),
        "documents": _counted(report.documents) if report else (),
        "whole_count": sum(patient.is_whole for patient in report.patients) if report else 0,
        "standing": found,
        "names": {person.login: person.name for person in people_of(console.site)} if has_people else {},
    }
    return render(request, "console/night.html", facts)


def _counted(count: Callable[[Grade], int]) -> list[tuple[Grade, int]]:
    grades = sorted(Grade, key=lambda grade: -SEVERITY[grade])
    return [(grade, found) for grade in grades if (found := count(grade))]
