"""Announced places freed: computed first, who would be told otherwise is named, and then it is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from beamkeeper.app.jobs.placing import Who, keep_proposal
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.web.room.permissions import PLACE
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import signed_by
from beamkeeper.app.web.room.views.moving import names_of
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.placing import At, Proposal
    from beamkeeper.respond.placement import Placed


@require_http_methods(["GET", "HEAD", "POST"])
def told(request: HttpRequest) -> HttpResponse:
    """Say how many were told of a place; when asked to, compute what moving some of them would give."""
    facts: dict[str, object] = {}
    if request.method == "POST":
        found = the_room().propose()
        if found is None:
            busy = ConfigError("Somebody is having that computed.", do_next="Look again in a few seconds.")
            return _page(request, {"error": busy}, status=400)
        facts = _proposed(_placement(), *found)
    return _page(request, facts)


@require_POST
def free_told(request: HttpRequest) -> HttpResponse:
    """Keep the placement that was seen, signed, with a reason."""
    room, token = the_room(), request.POST.get("seen", "")
    found = room.proposed(token)
    if found is None:
        gone = ConfigError("Another one was computed since.", do_next="Compute it again, and sign that.")
        return _page(request, {"error": gone}, status=400)
    typed = {key: request.POST.get(key, "") for key in ("reason", "person")}
    try:
        member = signed_by(request, PLACE)
        who = Who(by=member.words, at=room.now(), signed=member.login)
        version = keep_proposal(PlacementFolder(room.folder), found, who=who, reason=typed["reason"])
    except ConfigError as error:
        facts = _proposed(_placement(), token, found) | {"error": error, "typed": typed}
        return _page(request, facts, status=400)
    messages.success(request, f"Version {version.number} counts now; it stands in the journal, signed.")
    return redirect("places")


def _placement() -> At:
    at = the_room().placement()
    if at is None:
        raise Http404
    return at


def _proposed(at: At, token: str, found: Proposal) -> dict[str, object]:
    names = names_of(at)
    now = {one.patient: one for one in at.version.placed}
    others = [one for one in found.found.placed if one.patient in now and _differs(now[one.patient], one)]
    moved = found.told_otherwise()
    return {
        "seen": token,
        "moved": [{"name": names[patient], "told": was, "goes": goes} for patient, was, goes in moved],
        "others": len({one.patient for one in others} - {patient for patient, _, _ in moved}),
        "lost": sum(one.loss for one in now.values()),
        "would_lose": sum(one.loss for one in found.found.placed),
        "is_complete": found.found.is_complete,
    }


def _differs(one: Placed, other: Placed) -> bool:
    return (one.machine, one.first_on) != (other.machine, other.first_on)


def _page(request: HttpRequest, facts: dict[str, object], *, status: int = 200) -> HttpResponse:
    at = _placement()
    frame = {"at": at, "count": len(at.stand.announced), "members": the_room().members(), "typed": {}}
    return render(request, "room/told.html", frame | facts, status=status)
