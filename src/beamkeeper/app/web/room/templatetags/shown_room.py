"""Filters of the room: instants on the wall, durations, names, what a line of the journal says."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django import template
from django.utils.html import format_html, format_html_join

from beamkeeper.app.web.room.room import the_room
from beamkeeper.domain.patient import shown_name
from beamkeeper.domain.words import plural
from beamkeeper.respond.gap.words import signed
from beamkeeper.respond.incident.pages import left_in_words, said_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime, timedelta

    from django.utils.safestring import SafeString

    from beamkeeper.app.web.room.grid import Cell

register = template.Library()
register.filter("person_name", shown_name)
register.filter("said_in", said_in)
register.filter("left", left_in_words)
register.filter("percent", signed)

MINUTE_S: Final = 60
LOUD: Final = re.compile(r"[A-Z]{2,}(?: [A-Z]{2,})*")


@register.filter
def wall(instant: datetime | None) -> str:
    """Return an instant as the clock on the wall shows it, with its day: "Tue 3 Mar, 14:05"."""
    if instant is None:
        return "–"
    local = instant.astimezone(the_room().zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


@register.filter
def hour(instant: datetime) -> str:
    """Return the hour of an instant on the wall: "14:05"."""
    return f"{instant.astimezone(the_room().zone):%H:%M}"


@register.filter
def day(on: date | None) -> str:
    """Return a date: "Tue 3 March 2026"."""
    return "–" if on is None else f"{on:%a} {on.day} {on:%B %Y}"


@register.filter
def lasting(time: timedelta) -> str:
    """Return a duration: "5 h 12 min", "3 d 4 h"."""
    minutes = max(0, int(time.total_seconds()) // MINUTE_S)
    days, hours = divmod(minutes // 60, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60:02} min"


@register.filter
def counted(number: int, what: str) -> str:
    """Return a number with its word: "1 patient", "2 patients"."""
    return plural(number, what)


@register.filter
def day_cells(cells: Iterable[Cell]) -> SafeString:
    """Return the days of a row of the board: by hundreds of rows, a template's loop takes seconds."""
    return format_html_join("", "{}", ((_day_cell(one),) for one in cells))


@lru_cache(maxsize=10_000)
def _day_cell(one: Cell) -> SafeString:
    kind = format_html(' class="{}"', one.kind) if one.kind else ""
    at = format_html(' title="{}"', one.at) if one.at else ""
    return format_html("<td{}{}>{}</td>", kind, at, one.text)


@register.filter
def share(part: int, whole: int) -> int:
    """Return a part in whole per cent, 0 of nothing."""
    return round(100 * part / whole) if whole else 0


@register.filter
def kinds(warnings: Iterable[str]) -> str:
    """Return what warnings are about, by the capitals they begin with: "same name"."""
    found = (LOUD.match(text) for text in warnings)
    return ", ".join(dict.fromkeys(one[0].strip().lower() for one in found if one))


@register.filter
def spaced(name: str) -> str:
    """Return the name of a fact in words: "cord compression"."""
    return name.replace("_", " ")
