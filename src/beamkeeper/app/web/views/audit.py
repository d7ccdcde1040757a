"""The audit log: who did what and when, newest first; and whether the chain is whole."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.known import audit_whole
from beamkeeper.app.web.witness import witness

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

LINES_A_PAGE: Final = 50
NUMBER_DIGITS_MAX: Final = 12
ITEMS_SHOWN_MAX: Final = 3
DETAIL_CHARACTERS_MAX: Final = 100


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Show a page of lines, ending at `?until=`; with `?check=1` every line of the log is checked."""
    console = the_console()
    if request.GET.get("check"):
        witness(request, "audit log checked")
    last = console.ledger.audit.head().sequence
    until = min(last, _number(request.GET.get("until", ""), last))
    after = max(0, until - LINES_A_PAGE)
    lines = list(islice(console.ledger.audit.rows(after=after), max(0, until - after)))
    facts = {
        "lines": [
            {"row": row, "details": [(key, _shortly(value)) for key, value in sorted(row.details.items())]}
            for row in reversed(lines)
        ],
        "last": last,
        "newer": min(last, until + LINES_A_PAGE) if until < last else None,
        "older": after if after > 0 else None,
        "checked": audit_whole(console) if request.GET.get("check") else None,
    }
    return render(request, "console/audit.html", facts)


def _shortly(value: object) -> str:
    """Return a detail as one reads it; a list of many is counted."""
    if isinstance(value, list) and len(value) > ITEMS_SHOWN_MAX:
        return f"({len(value)})"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= DETAIL_CHARACTERS_MAX else f"{text[:DETAIL_CHARACTERS_MAX]}…"


def _number(text: str, otherwise: int) -> int:
    fits = text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX
    return int(text) if fits else otherwise
