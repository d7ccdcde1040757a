"""Mirrors: where copies of the vault stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.jobs.mirroring import published, standings
from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.known import vault_standing

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.mirroring import MirrorStanding


@require_safe
def mirrors(request: HttpRequest) -> HttpResponse:
    """Show each destination against what is published; asks no destination anything."""
    console = the_console()
    found: tuple[MirrorStanding, ...] = ()
    if console.site.mirrors:
        found = standings(console.site, console.ledger, published(console.site, console.clock))
    return render(request, "console/mirrors.html", {"mirrors": found, "vault": vault_standing(console)})
