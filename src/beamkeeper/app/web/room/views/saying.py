"""What somebody says is true of a patient, or which level it is: signed, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from beamkeeper.app.jobs.incident_acts import state
from beamkeeper.app.web.room.permissions import FACT, LEVEL
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import signed_by
from beamkeeper.app.web.room.views.patients import patient_page
from beamkeeper.errors import ConfigError
from beamkeeper.respond.triage.facts import LEVEL as THE_LEVEL

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_POST
def say(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Write down one fact or the level; what was typed stays in the form when it is refused."""
    room = the_room()
    if pseudonym not in {one.pseudonym for one in room.overview().patients}:
        raise Http404
    typed = {"form": "say"} | {
        key: request.POST.get(key, "") for key in ("about", "value", "reason", "person")
    }
    try:
        member = signed_by(request, LEVEL if typed["about"] == THE_LEVEL else FACT)
        state(
            room.folder,
            pseudonym,
            typed["about"],
            typed["value"],
            reason=typed["reason"],
            by=member.words,
            at=room.now(),
            signed=member.login,
        )
    except ConfigError as error:
        return patient_page(request, pseudonym, status=400, error=error, typed=typed)
    messages.success(request, "It stands in the journal, signed.")
    return redirect("patient", pseudonym)
