"""What every page shows: which incident, what time it is, who is at this screen, where one may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from beamkeeper.app.web.room.lobby import the_lobby
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import may_read, present
from beamkeeper.errors import BeamkeeperError
from beamkeeper.respond.incident import DECIDES

if TYPE_CHECKING:
    from django.http import HttpRequest

MENU: Final = (
    ("now", "Now"),
    ("patients", "Patients"),
    ("order", "Order"),
    ("places", "Places"),
    ("elsewhere", "Elsewhere"),
    ("todo", "To do"),
    ("journal", "Journal"),
    ("people", "People"),
)
ALSO: Final = dict.fromkeys(
    ("patient", "say", "hold", "take-back", "assign", "gap", "choose-gap"), "patients"
) | {
    "board": "places",
    "place": "places",
    "move": "places",
    "told": "places",
    "free-told": "places",
}
"""Pages that stand under another one in the menu."""


def every_page(request: HttpRequest) -> dict[str, object]:
    """Return what the frame of every page needs; a stranger is told nothing of the incident."""
    here = request.resolver_match.view_name if request.resolver_match else ""
    frame: dict[str, object] = {"static": settings.STATIC_URL, "decides": DECIDES, "let_in": False}
    if the_lobby() is not None or not hasattr(request, "session") or not may_read(request):
        return frame
    try:
        return frame | _of_the_incident(request, here)
    except BeamkeeperError:  # the page itself says what is wrong; its frame does without
        return frame


def _of_the_incident(request: HttpRequest, here: str) -> dict[str, object]:
    room = the_room()
    return {
        "let_in": True,
        "incident": room.incident,
        "zone": room.zone,
        "now": room.now(),
        "closed": room.standing().closed,
        "present": present(request),
        "menu": MENU,
        "here": ALSO.get(here, here),
    }
