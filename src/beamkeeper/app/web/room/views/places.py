"""Who goes where: machines by days, everybody's place with its reason; one move with its price, signed."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from beamkeeper.app.jobs.placing import Who, board_at, words
from beamkeeper.app.jobs.placing_folder import PlacementFolder
from beamkeeper.app.jobs.placing_hand import take, undo
from beamkeeper.app.web.room.permissions import PLACE
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import signed_by
from beamkeeper.app.web.room.views.board import address, board_page, view_of
from beamkeeper.app.web.room.views.moving import (
    TYPED,
    back_facts,
    back_price,
    day_of,
    names_of,
    outdated_names,
    price_facts,
    price_of,
    wanted,
)
from beamkeeper.clock import local_date
from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement.drafting import MOST_URGENT
from beamkeeper.respond.placement.timetable import timetable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.placing import At
    from beamkeeper.app.web.room.room import Room
    from beamkeeper.respond.placement.board import Move
    from beamkeeper.respond.placement.timetable import MachineDay

DAYS_SHOWN: Final = 10
PATIENTS_A_PAGE: Final = 100
SOON: Final = timedelta(hours=24)


def placed_facts(room: Room, at: At) -> dict[str, int]:
    """Return the numbers of a placement: who has a place, by when, and who of category 1 has none.

    Who is in the order of triage and was left out of the placement has no place either; of whom nobody knows
    the category, it counts as 1, as it does where places are given.
    """
    category = {one.pseudonym: one.facts.rcr_category or MOST_URGENT for one in room.order()[1]}
    category |= {one.id: one.category for one in at.board.instance.patient}
    by = local_date(room.incident.aware_at + SOON, room.zone)
    placed = [one for one in at.version.placed if one.machine]
    without = [one.patient for one in at.version.placed if not one.machine]
    left_out = [one.id for one in at.version.left_out]
    return {
        "placed": len(placed),
        "without": len(without) + len(left_out),
        "soon": sum(one.first_on is not None and one.first_on <= by for one in placed),
        "without_category_1": sum(category.get(one) == 1 for one in (*without, *left_out)),
    }


@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """Show the placement that counts: machines by days, and everybody's place."""
    room = the_room()
    at = room.placement()
    if at is None:
        return render(request, "room/places.html", {"at": None})
    days = at.board.instance.calendar()
    begin = day_of(request.GET.get("from", "")) or next(iter(days), at.draft.first_on)
    shown = [day for day in days if day >= begin][:DAYS_SHOWN]
    names = names_of(at)
    asked = request.GET.get("machine", "")
    priority = {one.id: one.priority for one in at.board.instance.patient}
    first_at = room.first_at(at)
    rows = sorted(at.version.placed, key=lambda one: (bool(one.machine), priority[one.patient]))
    listed = [
        {"one": one, "name": names.get(one.patient, one.patient), "at": first_at.get(one.patient, "")}
        for one in rows
        if not asked or one.machine == asked
    ]
    facts = {
        "at": at,
        "words": words(at.version),
        "numbers": placed_facts(room, at),
        "days": shown,
        "earlier": next(
            (day for day in reversed(days[: max(0, _index(days, begin) - DAYS_SHOWN + 1)])), None
        ),
        "later": next((day for day in days if shown and day > shown[-1]), None),
        "grid": _grid(at, shown),
        "page": Paginator(listed, PATIENTS_A_PAGE).get_page(request.GET.get("page")),
        "machine": asked,
        "decisions": at.stand.decisions,
        "outdated": outdated_names(at),
    }
    return render(request, "room/places.html", facts)


@require_safe
def place(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Show where one patient goes and could go; with a machine, what that move costs."""
    at = the_room().placement()
    if at is None:
        raise Http404
    machine, asked = request.GET.get("machine", ""), request.GET.get("from", "").strip()
    facts: dict[str, object] = {"form": {"machine": machine, "from": asked}}
    found: Move | None = None
    if machine:
        try:
            found = price_of(at, pseudonym, machine, asked)
        except ConfigError as error:
            facts["form_error"] = error
    return _page(request, at, pseudonym, facts, move=found)


@require_POST
def move(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Make a move, or take one back, as it was priced: signed, with a reason; from the board, or not."""
    room = the_room()
    folder = PlacementFolder(room.folder)
    at = board_at(folder)
    typed = {key: request.POST.get(key, "") for key in TYPED}
    back, on_board = bool(request.POST.get("undo")), request.POST.get("board")
    found: Move | None = None
    try:
        found = wanted(at, pseudonym, typed, back=back)
        member = signed_by(request, PLACE)
        who = Who(by=member.words, at=room.now(), signed=member.login)
        make = undo if back else take
        make(folder, at, found, who=who, reason=typed["reason"], even_so=bool(typed["even-so"]))
    except ConfigError as error:
        if on_board is not None:
            return board_page(
                request, at, _asked(on_board, pseudonym, typed, back=back), typed=typed, error=error
            )
        facts = {"form": typed, "typed": typed, "error": error}
        return _page(request, at, pseudonym, facts, move=None if back else found, status=400)
    messages.success(request, "It stands in the journal, signed; this is the placement that counts now.")
    if on_board is None:
        return redirect("place", pseudonym)
    return redirect(f"{address(view_of(QueryDict(on_board)))}#row-{pseudonym}")


def _asked(on_board: str, pseudonym: str, typed: Mapping[str, str], *, back: bool) -> QueryDict:
    """Return what the board was asked for when the form on it was sent."""
    asked = view_of(QueryDict(on_board))
    asked["patient"] = pseudonym
    asked.update({"undo": "1"} if back else {key: typed[key] for key in ("machine", "from")})
    return asked


def _page(
    request: HttpRequest,
    at: At,
    pseudonym: str,
    facts: Mapping[str, object],
    *,
    move: Move | None,
    status: int = 200,
) -> HttpResponse:
    need = next((one for one in at.board.instance.patient if one.id == pseudonym), None)
    gone = next((one for one in at.version.left_out if one.id == pseudonym), None)
    if need is None and gone is None:
        raise Http404
    frame: dict[str, object] = {
        "at": at,
        "pseudonym": pseudonym,
        "name": names_of(at).get(pseudonym, pseudonym),
        "need": need,
        "gone": gone,
        "placed": next((one for one in at.version.placed if one.patient == pseudonym), None),
        "first_at": the_room().first_at(at).get(pseudonym, ""),
        "options": sorted(need.options, key=lambda one: (one.delivery_class, one.machine)) if need else (),
        "decided": at.stand.decisions.get(pseudonym),
        "announced": at.stand.announced.get(pseudonym),
        "members": the_room().members(),
        "outdated": outdated_names(at),
        **price_facts(at, pseudonym, move),
        **back_facts(at, back_price(at, pseudonym)),
        "typed": {},
    }
    return render(request, "room/place.html", {**frame, **facts}, status=status)


def _grid(at: At, days: Sequence[date]) -> list[dict[str, object]]:
    """Return for each machine its days: slots taken of those there are, and who begins."""
    table: dict[str, dict[date, MachineDay]] = defaultdict(dict)
    for one in timetable(at.board.instance, at.version.placed):
        table[one.machine][one.day] = one
    return [
        {
            "machine": machine,
            "shut": at.board.instance.shut(machine),
            "cells": [_cell(table[machine.id].get(day)) for day in days],
        }
        for machine in at.board.instance.machine
    ]


def _cell(one: MachineDay | None) -> dict[str, int] | None:
    if one is None:
        return None
    return {
        "used": one.slots - one.free,
        "slots": one.slots,
        "begin": sum(session.number == 1 for session in one.sessions),
        "end": sum(session.number == session.count for session in one.sessions),
    }


def _index(days: Sequence[date], day: date) -> int:
    return next((index for index, one in enumerate(days) if one >= day), 0)
