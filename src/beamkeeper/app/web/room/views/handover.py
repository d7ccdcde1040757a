"""Who is at another house: bundles made, sent, answered; what came back is counted on the patient's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.jobs.handover_desk import DESK
from beamkeeper.app.jobs.transfers import transfers
from beamkeeper.app.web.room.room import the_room
from beamkeeper.respond.handover import Desk

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PATIENTS_A_PAGE: Final = 100


@require_safe
def handover(request: HttpRequest) -> HttpResponse:
    """Show who went where and what came back, who is away longest without a word first."""
    room = the_room()
    rows = sorted(transfers(room.journal()), key=lambda one: (not one.is_away, one.came_at or one.made_at))
    patients = {row.pseudonym: row.patient for row in room.rows()}
    desk = Desk(room.folder.path / DESK)
    page = Paginator(rows, PATIENTS_A_PAGE).get_page(request.GET.get("page"))
    items = [{"one": one, "patient": patients.get(one.pseudonym)} for one in page]
    return render(
        request,
        "room/handover.html",
        {
            "page": page,
            "items": items,
            "numbers": {
                "handed": len(rows),
                "away": sum(one.is_away for one in rows),
                "silent": sum(one.is_away and not one.returns for one in rows),
                "back": sum(not one.is_away for one in rows),
            },
            "card": desk.card if desk.is_there else None,
            "known": desk.known() if desk.is_there else (),
        },
    )
