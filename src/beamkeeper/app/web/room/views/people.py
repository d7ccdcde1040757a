"""Who may sign on these pages, and how somebody is admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.jobs.incident_people import exchanged
from beamkeeper.app.web.room.room import the_room

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """List who may sign; an entry that the journal does not know is named."""
    room = the_room()
    facts = {"members": room.members(), "exchanged": exchanged(room.folder, room.journal())}
    return render(request, "room/people.html", facts)
