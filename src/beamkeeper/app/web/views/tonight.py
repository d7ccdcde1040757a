"""Tonight: the state of the run, who still has to confirm, the window, the mirrors, the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.jobs.mirroring import published
from beamkeeper.app.jobs.mirroring import standings as mirror_standings
from beamkeeper.app.jobs.quorum import people_of, rule_of
from beamkeeper.app.web.console import Console, the_console
from beamkeeper.app.web.known import all_standings, report_of, vault_standing, window_standing
from beamkeeper.clock import local_instant
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.quorum import Standing


@require_safe
def tonight(request: HttpRequest) -> HttpResponse:
    """Show where everything stands now; no names."""
    console = the_console()
    night = next(iter(console.ledger.nights(1)), None)
    report = report_of(console, night.run_on) if night else None
    found = all_standings(console)
    today = console.today()
    facts = {
        "night": night,
        "report": report,
        "is_last_night": night is not None and night.run_on == today,
        "starts_at": local_instant(today, console.site.night.starts_at, console.site.zone),
        "whole_count": sum(patient.is_whole for patient in report.patients) if report else 0,
        "eyes_patients": sum(bool(patient.eyes) for patient in report.patients) if report else 0,
        "confirming": _confirming(console, found[-1]) if found else None,
        "others_open": sum(item.state.word in {"disputed", "overdue"} for item in found[:-1]),
        "asks_people": console.site.quorum is not None,
        "window": window_standing(console),
        "has_window": console.site.window is not None,
        "vault": vault_standing(console),
        **_mirrors(console),
    }
    return render(request, "console/tonight.html", facts)


def _confirming(console: Console, found: Standing) -> dict[str, object]:
    """Return the clock of the newest night: who has confirmed, how many are missing, until when."""
    rule = rule_of(console.site)
    names = {person.login: person.name for person in people_of(console.site)}
    deadline = rule.deadline_at(found.night)
    have = getattr(found.state, "by", ()) or getattr(found.state, "have", ())
    now = console.now()
    return {
        "night": found.night,
        "word": found.state.word,
        "people": [names.get(login, login) for login in have],
        "needed": found.facts.people_needed,
        "missing_count": len(getattr(found.state, "missing", ())),
        "item_count": len(found.facts.items),
        "reported": found.facts.reported_at is not None,
        "deadline": deadline,
        "left": deadline - now if now < deadline else None,
        "late": now - deadline if now >= deadline else None,
    }


def _mirrors(console: Console) -> dict[str, object]:
    if not console.site.mirrors:
        return {"mirrors": ()}
    try:
        found = mirror_standings(console.site, console.ledger, published(console.site, console.clock))
    except BeamkeeperError as error:
        return {"mirrors": (), "mirrors_error": error.message}
    return {"mirrors": found}
