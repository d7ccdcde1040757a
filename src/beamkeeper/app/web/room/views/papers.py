"""What was set for paper: the files of the incident's folder that are there to be printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import FileResponse, Http404
from django.views.decorators.http import require_safe

from beamkeeper.app.web.room.room import the_room

if TYPE_CHECKING:
    from django.http import HttpRequest

PAPERS: Final = {
    "incident": "incident.pdf",
    "triage-list": "lists/triage-list.pdf",
    "contact-list": "lists/contact-list.pdf",
    "day-schedule": "lists/day-schedule.pdf",
    "checklist": "checklist.pdf",
    "role-cards": "role-cards.pdf",
    "journal": "journal.pdf",
    "order": "triage/order.pdf",
}
"""By the name in the path: nothing else of the folder is served."""


@require_safe
def paper(request: HttpRequest, name: str) -> FileResponse:
    """Answer with one file to print."""
    del request
    path = the_room().folder.path / PAPERS.get(name, "")
    try:
        return FileResponse(path.open("rb"), content_type="application/pdf", filename=f"{name}.pdf")
    except OSError as error:
        raise Http404 from error
