"""The doors: the printed address, a passphrase, and the way back to reading only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from beamkeeper.app.web.room.lobby import the_lobby
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import let_in, may_read, prove, step_back
from beamkeeper.app.web.room.views import refusals
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_http_methods(["GET", "HEAD", "POST"])
def open_(request: HttpRequest, token: str) -> HttpResponse:
    """Show the button behind the printed address; pressed for the first time, it lets this screen read.

    Not the address itself: browsers, and programs that look at links, ask for those without anybody's doing.
    """
    doors = (the_lobby() or the_room()).doors
    if request.method == "POST" and doors.spend(token):
        let_in(request)
        return redirect("now")
    return render(request, "room/open.html", {"is_right": doors.is_right(token)})


@require_http_methods(["GET", "HEAD", "POST"])
def door(request: HttpRequest) -> HttpResponse:
    """Take a person's login and passphrase; names are shown to screens that may read already."""
    if the_lobby() is not None:
        return refusals.not_shown(request)  # nobody is a person of an incident that is not declared
    facts: dict[str, object] = {"back": safe(request.GET.get("back", ""))}
    if may_read(request):
        facts["members"] = the_room().members()
    if request.method == "POST":
        facts |= {"back": safe(request.POST.get("back", "")), "login": request.POST.get("login", "")[:40]}
        try:
            member = prove(request, "login")
        except ConfigError as error:
            return render(request, "room/door.html", facts | {"error": error}, status=400)
        let_in(request, member)
        return redirect(str(facts["back"]) or "now")
    return render(request, "room/door.html", facts)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Let this screen read only."""
    step_back(request)
    return redirect("now")


def safe(back: str) -> str:
    """Return a path of ours to go back to; "" for anything else."""
    is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if is_ours else ""
