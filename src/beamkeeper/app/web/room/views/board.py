"""The placement board: patients by days under their machines; one is moved, priced, signed, undone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.paginator import Paginator
from django.http import QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from beamkeeper.app.web.room.grid import WEEK_DAYS, days_shown, grouped
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.views.moving import (
    back_facts,
    back_price,
    day_of,
    names_of,
    outdated_names,
    price_facts,
    price_of,
)
from beamkeeper.app.web.shielding import CONTENT_POLICY
from beamkeeper.errors import ConfigError
from beamkeeper.respond.placement.drafting import LeftOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.placing import At
    from beamkeeper.app.web.room.grid import Day, Grid, Row
    from beamkeeper.respond.placement.board import Move, Place
    from beamkeeper.respond.placement.instance import MachineSlots

PATIENTS_A_PAGE: Final = 100
WEEKS: Final = (2, 4, 6)
VIEW: Final = ("begin", "weeks", "only", "page", "all")
"""What of an address says which part of the board is seen; the rest says which move is looked at."""
POLICY: Final = f"{CONTENT_POLICY}; script-src 'self'"
"""A script, a file of ours. Nothing inline, and it may ask nobody for anything."""


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Show the placement that counts as a board; with a patient and a machine, what that move costs."""
    return board_page(request, the_room().placement(), request.GET)


def board_page(
    request: HttpRequest,
    at: At | None,
    asked: QueryDict,
    *,
    typed: Mapping[str, str] | None = None,
    error: ConfigError | None = None,
) -> HttpResponse:
    """Return the board as an address asks for it; what was typed stays in the form that was refused."""
    facts: dict[str, Any] = {"at": at}
    if at is not None:
        days = _days(at, asked)
        facts |= _looked_at(at, asked, days)
        facts |= _shown(at, asked, days, facts.get("move"))
        facts |= {"typed": typed or {}, "error": error, "members": the_room().members()}
        facts["outdated"] = outdated_names(at)
        view = view_of(asked)
        facts |= {"view": view.items(), "query": view.urlencode(), "cancel": address(view)}
    response = render(request, "room/board.html", facts, status=200 if error is None else 400)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def view_of(asked: QueryDict) -> QueryDict:
    """Return which part of the board is seen, without the move that was looked at."""
    kept = QueryDict(mutable=True)
    for key in VIEW:
        if asked.get(key):
            kept[key] = asked.get(key, "")
    return kept


def address(asked: QueryDict, **changes: str) -> str:
    """Return the address of the board, some of it changed; "" takes a part away."""
    changed = asked.copy()
    for key, value in changes.items():
        if value:
            changed[key] = value
        else:
            changed.pop(key, None)
    query = changed.urlencode()
    return reverse("board") + (f"?{query}" if query else "")


def _days(at: At, asked: QueryDict) -> tuple[Day, ...]:
    """Return the days that are seen: whole weeks from this one on, or from the one that was asked for."""
    today = the_room().today()
    begin = day_of(asked.get("begin", "")) or max(today, at.draft.first_on)
    weeks = next((one for one in WEEKS if asked.get("weeks") == str(one)), WEEKS[0])
    return days_shown(at.board.instance, begin, weeks, today)


def _shown(at: At, asked: QueryDict, days: Sequence[Day], looked_at: Move | None) -> dict[str, object]:
    """Return the rows that are seen, marked with what the move that is looked at would do to them."""
    room, only = the_room(), asked.get("only", "")
    grid = room.grid(at)
    everybody = _everybody(at, grid, only)
    size = max(1, len(everybody)) if asked.get("all") else PATIENTS_A_PAGE
    page = Paginator(everybody, size).get_page(
        asked.get("page") or _page_of(everybody, asked.get("patient", ""), size)
    )
    first = page.start_index() - 1
    row = _Rows(at, days, room.moved(at), looked_at)
    return {
        "days": days,
        "span": 1 + len(days),
        "page": page,
        "groups": [
            {
                "of": group,
                "slots": grid.machine_cells(group.machine.id, days) if group.machine else (),
                "rows": [row.shown(grid, one) for one in group.rows],
            }
            for group in grouped(grid, list(page), before=everybody[first - 1] if first > 0 else None)
        ],
        "sites": list(dict.fromkeys(one.site for one in grid.machines)),
        "only": only,
        "is_all": bool(asked.get("all")),
        "links": _links(at, view_of(asked), days, page.number),
    }


class _Rows:
    """What is said beside a patient's days."""

    def __init__(
        self, at: At, days: Sequence[Day], moved: Mapping[str, Place], looked_at: Move | None
    ) -> None:
        self._at, self._days, self._moved = at, days, moved
        self._names, self._first_at = names_of(at), the_room().first_at(at)
        self._warnings = {one.id: one.warnings for one in at.draft.patients}
        self._goes = {one.patient: one.after for one in looked_at.moved} if looked_at else {}

    def shown(self, grid: Grid, row: Row) -> dict[str, object]:
        """Return a row with its days and everything that marks it."""
        patient, stand = row.need.id, self._at.stand
        return {
            "of": row,
            "cells": grid.cells(patient, self._days),
            "name": self._names.get(patient, patient),
            "at": self._first_at.get(patient, ""),
            "warnings": self._warnings.get(patient, ()),
            "was": self._moved.get(patient),
            "goes": self._goes.get(patient),
            "by_hand": patient in stand.decisions,
            "announced": patient in stand.announced,
        }


def _links(at: At, view: QueryDict, days: Sequence[Day], page: int) -> dict[str, object]:
    """Return where one can go from here."""
    step = timedelta(days=len(days))
    last_on = at.board.instance.first_on + timedelta(days=at.board.instance.days - 1)
    return {
        "earlier": address(view, begin=str(days[0].on - step)) if days[0].on > at.draft.first_on else "",
        "later": address(view, begin=str(days[0].on + step)) if days[-1].on < last_on else "",
        "weeks": [(one, address(view, weeks=str(one)), one * WEEK_DAYS == len(days)) for one in WEEKS],
        "all": address(view, all="1", page=""),
        "pages": address(view, all=""),
        "before": address(view, page=str(page - 1)),
        "after": address(view, page=str(page + 1)),
        "pick": f"{address(view, page=str(page))}&patient=",
    }


def _everybody(at: At, grid: Grid, only: str) -> list[Row | LeftOut]:
    """Return whom a board has: without a place, those nobody looks one for, then by machine; or a part."""
    refused = [one for one in grid.rows if not one.placed.machine]
    placed = [one for one in grid.rows if one.placed.machine]
    if only:
        return [one for one in placed if only in {one.placed.machine, one.placed.site}]
    return [*refused, *at.version.left_out, *placed]


def _page_of(everybody: Sequence[Row | LeftOut], patient: str, size: int) -> int:
    ids = [one.id if isinstance(one, LeftOut) else one.need.id for one in everybody]
    return 1 + (ids.index(patient) // size if patient in ids else 0)


def _looked_at(at: At, asked: QueryDict, days: Sequence[Day]) -> dict[str, object]:
    """Return the patient who is picked, where that one could go, and what the chosen place costs."""
    grid, patient = the_room().grid(at), asked.get("patient", "")
    row = next((one for one in grid.rows if one.need.id == patient), None)
    pick = view_of(asked)
    pick["patient"] = patient
    facts: dict[str, object] = {
        "picked": row,
        "table": [_machine(at, machine, days, row=row, pick=pick) for machine in grid.machines],
    }
    if row is None:
        return facts
    facts["first_at"] = the_room().first_at(at).get(patient, "")
    facts |= {"pseudonym": patient, "name": names_of(at)[patient], "decided": at.stand.decisions.get(patient)}
    facts["form"] = {"machine": asked.get("machine", ""), "from": asked.get("from", "")}
    if asked.get("undo"):
        return facts | back_facts(at, back_price(at, patient))
    found: Move | None = None
    if asked.get("machine"):
        try:
            found = price_of(at, patient, asked.get("machine", ""), asked.get("from", ""))
        except ConfigError as error:
            facts["form_error"] = error
    return facts | price_facts(at, patient, found)


def _machine(
    at: At, machine: MachineSlots, days: Sequence[Day], *, row: Row | None, pick: QueryDict
) -> dict[str, object]:
    """Return a machine of the table: its days, and for the picked patient the class and where links lead."""
    need = row.need if row and row.fits else None
    option = next((one for one in need.options if one.machine == machine.id), None) if need else None
    shut = at.board.instance.shut(machine)
    is_open = option is not None and option.delivery_class != "D" and not shut
    cells = []
    for day, slots in zip(days, the_room().grid(at).machine_cells(machine.id, days), strict=True):
        is_closed = slots is None or day.is_over
        to = address(pick, machine=machine.id, **{"from": str(day.on)}) if is_open and not is_closed else ""
        cells.append({"slots": slots, "day": day, "is_closed": is_closed, "link": to and f"{to}#price"})
    return {
        "machine": machine,
        "shut": shut,
        "option": option,
        "is_asked": need is not None,
        "link": f"{address(pick, machine=machine.id)}#price" if is_open else "",
        "cells": cells,
    }
