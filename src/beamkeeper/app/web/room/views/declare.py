"""Declaring on a page: three cards, who, since when; then a page that says how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from beamkeeper.app.jobs.declaration import Typed
from beamkeeper.app.web.room.lobby import CARDS, Lobby, the_lobby
from beamkeeper.clock import zone as zone_named
from beamkeeper.errors import BeamkeeperError, ConfigError

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse

LOOKS_AGAIN_S: Final = 2
FIELDS: Final = ("by", "known", "aware", "worked_until", "zone")


@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: HttpRequest) -> HttpResponse:
    """Show the form, take it, and show that it is being done; once it is done, the room is open."""
    lobby = the_lobby()
    if lobby is None:
        return redirect("now")
    if request.method == "POST":
        return _take(request, lobby)
    error = lobby.failure()
    if lobby.begun is not None:
        response = render(request, "room/declaring.html", {"vault": lobby.undeclared.vault})
        response.headers["Refresh"] = str(LOOKS_AGAIN_S)
        return response
    if error is not None and not isinstance(error, BeamkeeperError):
        raise error  # a mistake of ours is shown as one
    return render(request, "room/declare.html", _facts(request, lobby, error))


def _take(request: HttpRequest, lobby: Lobby) -> HttpResponse:
    typed = {name: request.POST.get(name, "") for name in FIELDS}
    try:
        lobby.unlock([request.POST.get(f"card_{number}", "") for number in range(1, CARDS + 1)])
        lobby.begin(
            Typed(
                by=typed["by"],
                known=typed["known"],
                aware=typed["aware"],
                worked_until=typed["worked_until"],
            ),
            typed["zone"],
        )
    except BeamkeeperError as error:
        return render(request, "room/declare.html", _facts(request, lobby, error), status=400)
    return redirect("declare")


def _facts(request: HttpRequest, lobby: Lobby, error: BeamkeeperError | None) -> dict[str, object]:
    sent = request.POST
    now = lobby.clock.now()
    before = _before(lobby)
    typed = {name: sent.get(name, before.get(name, "")) for name in FIELDS}
    return {
        "error": error,
        "vault": lobby.undeclared.vault,
        "folder": lobby.path,
        "is_open": lobby.opened is not None,
        "cards": [(number, sent.get(f"card_{number}", "")) for number in range(1, CARDS + 1)],
        "typed": typed,
        "now": now,
        "wall": _wall(now, typed["zone"]),
    }


def _before(lobby: Lobby) -> dict[str, str]:
    """Return what stands in the form before anybody types: what was declared with, where that was refused."""
    if lobby.typed is None:
        return {"zone": lobby.undeclared.zone_name}
    known = {name: str(getattr(lobby.typed, name)) for name in FIELDS if name != "zone"}
    return {**known, "zone": lobby.zone_typed}


def _wall(now: datetime, zone_name: str) -> str:
    """Return the time by the clock on the wall; "" where no zone is known."""
    try:
        return f"{now.astimezone(zone_named(zone_name)):%a %Y-%m-%d %H:%M}"
    except ConfigError:
        return ""
