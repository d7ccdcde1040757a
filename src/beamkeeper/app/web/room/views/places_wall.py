"""The placement for a wall that visitors pass: machines by days in numbers, and nobody's name."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.views.places import placed_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.placing import At
    from beamkeeper.app.web.room.grid import Slots

WALL_EVERY_S: Final = 20
DAYS_SHOWN: Final = 5
"""A working week: of more, numbers of three digits would run into each other."""
MACHINES_A_PAGE: Final = 8
"""What can be read from five metres on one screen; more machines take turns."""
NAME_MAX, NAME_END = 44, 16


@require_safe
def places_wall(request: HttpRequest) -> HttpResponse:
    """Show the slots of every machine large, loading itself again; more machines than fit take turns."""
    at = the_room().placement()
    if at is None:
        response = render(request, "room/places_wall.html", {"at": None})
        response.headers["Refresh"] = str(WALL_EVERY_S)
        return response
    days = _days(at)
    machines = [one for one in the_room().grid(at).machines if not at.board.instance.shut(one)]
    is_all = bool(request.GET.get("all"))
    pages = Paginator(machines, max(1, len(machines)) if is_all else MACHINES_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    grid = the_room().grid(at)
    facts = {
        "at": at,
        "numbers": placed_facts(the_room(), at),
        "days": days,
        "page": page,
        "is_all": is_all,
        "rows": [
            {"name": shortened(one.id), "cells": [grid.slots.get((one.id, day)) for day in days]}
            for one in page
        ],
        "total": [_total([grid.slots.get((one.id, day)) for one in machines]) for day in days],
        "shut": len(grid.machines) - len(machines),
        "every": WALL_EVERY_S,
    }
    response = render(request, "room/places_wall.html", facts)
    if not is_all:
        next_ = page.next_page_number() if page.has_next() else 1
        response.headers["Refresh"] = f"{WALL_EVERY_S}; url={reverse('places-wall')}?page={next_}"
    return response


def shortened(name: str) -> str:
    """Return a machine's name as it fits two lines: the beginning, and the end by which machines differ."""
    whole = unicodedata.normalize("NFC", name)
    if len(whole) <= NAME_MAX:
        return whole
    end = whole[-NAME_END:]
    end = end.partition(" ")[2] or end  # from a word on, where there is one
    return f"{whole[: NAME_MAX - NAME_END - 1].rstrip()}… {end.lstrip()}"


def _days(at: At) -> tuple[date, ...]:
    today = the_room().today()
    return tuple(day for day in at.board.instance.calendar() if day >= today)[:DAYS_SHOWN]


def _total(cells: Sequence[Slots | None]) -> dict[str, int]:
    there = [one for one in cells if one is not None]
    return {"used": sum(one.used for one in there), "slots": sum(one.slots for one in there)}
