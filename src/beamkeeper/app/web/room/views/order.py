"""The order: who first and why, where the places end, and what changes when there are more or fewer."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from beamkeeper.app.jobs.triage import counted, write_order
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.shielding import CONTENT_POLICY
from beamkeeper.errors import ConfigError
from beamkeeper.respond.triage import Capacity, CutState, changed, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse, QueryDict

    from beamkeeper.protect.lists import ListRow
    from beamkeeper.respond.triage import Ranked

ROWS_A_PAGE: Final = 100
PLACES_MAX: Final = 100_000
PERCENT_MAX: Final = 1000
CHANGES_SHOWN_MAX: Final = 12
POLICY: Final = f"{CONTENT_POLICY}; script-src 'self'; connect-src 'self'"
"""A script, a file of ours, that asks this page again while a number is typed; nothing inline."""
STEPS: Final = (-10, -1, 1, 10)
LEVELS: Final = ("1", "?", "2", "3", "4", "5")
"""In the order of urgency: who has none stands behind level 1."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One patient as the board has it; `line` where the places end above this row."""

    one: Ranked
    row: ListRow
    state: CutState | None
    line: bool = False


@require_safe
def order(request: HttpRequest) -> HttpResponse:
    """Show everybody in order; with a number of places, the line and what changed with it."""
    room = the_room()
    rules, ranked = room.order()
    facts: dict[str, object] = {"rules": rules, "summary": counted(ranked), "total": len(ranked)}
    states: tuple[CutState, ...] = ()
    try:
        capacity, before = _capacity(request.GET), _capacity(request.GET, "was_")
    except ConfigError as error:
        facts["error"] = error
    else:
        if capacity is not None:
            states = cut(ranked, rules, capacity)
            facts |= _at_the_line(ranked, states, capacity)
            if before is not None and before != capacity:
                facts["before"] = before
                facts["changes"] = _changes(changed(ranked, cut(ranked, rules, before), states))
    rows = {row.pseudonym: row for row in room.rows()}
    page = Paginator(_shown(ranked, states, rows), ROWS_A_PAGE).get_page(request.GET.get("page"))
    response = render(request, "room/order.html", facts | {"page": page, "since": room.since()})
    response.headers["Content-Security-Policy"] = POLICY
    return response


@require_POST
def print_order(request: HttpRequest) -> HttpResponse:
    """Write the order for printing, as the command line does, and show it."""
    room = the_room()
    rules, ranked = room.order()
    capacity = _capacity(request.POST)
    states = cut(ranked, rules, capacity) if capacity else ()
    write_order(room.folder, room.as_said(), rules, ranked, states, capacity=capacity, now=room.now())
    return redirect("paper", "order")


def _capacity(asked: QueryDict, prefix: str = "") -> Capacity | None:
    """Return the capacity of a form; None where no number of places is given.

    Raises
    ------
    ConfigError
        Not a number, or one that makes no sense.
    """
    places, percent = asked.get(f"{prefix}places", "").strip(), asked.get(f"{prefix}percent", "").strip()
    if not places:
        if percent:
            raise ConfigError("A share of capacity needs a number of places.", do_next="Fill in both.")
        return None
    if not (places.isascii() and places.isdigit() and int(places[:9]) <= PLACES_MAX):
        raise ConfigError(f"Places a day are a whole number from 0 to {PLACES_MAX:,}.")
    try:
        share = float(percent.replace(",", ".")) if percent else None
    except ValueError:
        share = math.nan
    if share is not None and not 0 <= share <= PERCENT_MAX:
        raise ConfigError(f"A share of normal capacity is 0 to {PERCENT_MAX} per cent.")
    return Capacity(places=int(places), percent=share)


def _at_the_line(
    ranked: Sequence[Ranked], states: Sequence[CutState], capacity: Capacity
) -> dict[str, object]:
    pairs = list(zip(ranked, states, strict=True))
    total, placed = (
        Counter(one.level.word for one in ranked),
        Counter(one.level.word for one, state in pairs if state is CutState.TREATED),
    )
    waiting = [one for one, state in pairs if state is not CutState.TREATED]
    return {
        "capacity": capacity,
        "steps": [(step, max(0, capacity.places + step)) for step in STEPS],
        "placed": len(ranked) - len(waiting),
        "waiting": len(waiting),
        "waiting_category_1": sum(one.facts.rcr_category == 1 for one in waiting),
        "waiting_emergencies": sum(bool(one.facts.within_hours) for one in waiting),
        "levels": [
            {"word": word, "total": total[word], "placed": placed[word], "waits": total[word] - placed[word]}
            for word in LEVELS
            if total[word]
        ],
        "largest": max(total.values(), default=1),
        "line_page": 1 + _line_at(states) // ROWS_A_PAGE,
    }


def _changes(found: Sequence[tuple[Ranked, CutState, CutState]]) -> list[dict[str, object]]:
    """Return who comes into which state by the change, the first of each by name and the rest by number."""
    groups = [(state, [one for one, _, new in found if new is state]) for state in CutState]
    return [
        {
            "state": state,
            "count": len(them),
            "some": them[:CHANGES_SHOWN_MAX],
            "more": len(them[CHANGES_SHOWN_MAX:]),
        }
        for state, them in groups
        if them
    ]


def _line_at(states: Sequence[CutState]) -> int:
    """Return the index of the first patient for whom the places were taken; past the end without any."""
    return next((index for index, state in enumerate(states) if state is CutState.NO_PLACE), len(states))


def _shown(ranked: Sequence[Ranked], states: Sequence[CutState], rows: dict[str, ListRow]) -> list[Shown]:
    line = _line_at(states) if states else -1
    return [
        Shown(one, rows[one.pseudonym], states[index] if states else None, line=index == line)
        for index, one in enumerate(ranked)
    ]
