"""Now: the big numbers, the clocks, what is done and what is next. The wall is the same for a projector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.jobs.declaring import last_check
from beamkeeper.app.web.room.room import Room, the_room
from beamkeeper.app.web.room.views.places import placed_facts
from beamkeeper.protect.lists import Section
from beamkeeper.respond.incident.clocks import next_due

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

LINES_SHOWN: Final = 6
WALL_EVERY_S: Final = 30


@require_safe
def now(request: HttpRequest) -> HttpResponse:
    """Show where the incident stands."""
    return render(request, "room/now.html", _facts(the_room()))


@require_safe
def wall(request: HttpRequest) -> HttpResponse:
    """Show the same large enough to be read across a room; it loads itself again."""
    response = render(request, "room/wall.html", _facts(the_room()))
    response.headers["Refresh"] = str(WALL_EVERY_S)
    return response


def _facts(room: Room) -> dict[str, object]:
    stand, due, at = room.standing(), room.clocks(), room.placement()
    return {
        "numbers": room.overview().numbers,
        "overview": room.overview(),
        "sections": Section,
        "places": None if at is None else placed_facts(room, at),
        "clocks": due,
        "next_clock": next_due(due),
        "steps": [
            {"step": step, "done": sum(item.item_id in stand.ticked for item in step.items)}
            for step in room.folder.steps()
        ],
        "last_lines": list(reversed(room.journal()))[:LINES_SHOWN],
        "checked": last_check(room.folder),
        "running": room.now() - room.incident.aware_at,
    }
