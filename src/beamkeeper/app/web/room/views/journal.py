"""The journal: everything that was written down, the last first; and writing into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from beamkeeper.app.jobs.incident_acts import remark
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import acting
from beamkeeper.respond.incident import Deed

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

LINES_A_PAGE: Final = 100
KINDS: Final = {"note": Deed.NOTED, "decision": Deed.DECIDED}


@require_safe
def journal(request: HttpRequest) -> HttpResponse:
    """Show the lines, and the digest to write on paper."""
    rows = the_room().journal()
    page = Paginator(tuple(reversed(rows)), LINES_A_PAGE).get_page(request.GET.get("page"))
    names = {one.pseudonym: one.patient_id for one in the_room().overview().patients}
    lines = [{"row": row, "patient_id": names.get(row.patient_pseudonym or "")} for row in page]
    return render(request, "room/journal.html", {"page": page, "lines": lines, "head": rows[-1]})


@require_POST
def write(request: HttpRequest) -> HttpResponse:
    """Write down a note or a decision."""
    room, member = the_room(), acting(request)
    pseudonym = request.POST.get("patient", "")
    known = {one.pseudonym for one in room.overview().patients}
    remark(
        room.folder,
        KINDS.get(request.POST.get("kind", ""), Deed.NOTED),
        request.POST.get("text", ""),
        by=member.words,
        at=room.now(),
        pseudonym=pseudonym if pseudonym in known else None,
        signed=member.login,
    )
    return redirect("patient", pseudonym) if pseudonym in known else redirect("journal")
