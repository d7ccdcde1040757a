"""The checklist and the clocks: what is done, by whom; what is due, and whom to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from beamkeeper.app.jobs import incident_acts
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import acting

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def todo(request: HttpRequest) -> HttpResponse:
    """Show every step with who ticked it, and every clock."""
    room = the_room()
    ticked = room.standing().ticked
    steps = [
        {
            "title": step.title,
            "items": [{"item": item, "tick": ticked.get(item.item_id)} for item in step.items],
            "done": sum(item.item_id in ticked for item in step.items),
        }
        for step in room.folder.steps()
    ]
    return render(request, "room/todo.html", {"steps": steps, "clocks": room.clocks()})


@require_POST
def tick(request: HttpRequest) -> HttpResponse:
    """Tick one step, or take the tick back."""
    room, member = the_room(), acting(request)
    item = request.POST.get("item", "")
    incident_acts.tick(
        room.folder,
        item,
        by=member.words,
        at=room.now(),
        said=request.POST.get("said", ""),
        undo=bool(request.POST.get("undo")),
        signed=member.login,
    )
    return redirect(f"/todo/#i-{item}")


@require_POST
def reported(request: HttpRequest) -> HttpResponse:
    """Stop a clock: somebody was told."""
    room, member = the_room(), acting(request)
    clock = request.POST.get("clock", "")
    incident_acts.reported(
        room.folder,
        clock,
        by=member.words,
        at=room.now(),
        said=request.POST.get("said", ""),
        signed=member.login,
    )
    messages.success(request, "That clock has stopped.")
    return redirect("/todo/#h-clocks")
