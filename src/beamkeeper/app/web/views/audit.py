"""The audit log: who did what and when, newest first; and whether the chain is whole."""

from __future__ import annotations

import json
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
            {"row": row, "details": json.dumps(dict(row.details), ensure_ascii=False)}
            for row in reversed(lines)
        ],
        "last": last,
        "newer": min(last, until + LINES_A_PAGE) if until < last else None,
        "older": after if after > 0 else None,
        "checked": audit_whole(console) if request.GET.get("check") else None,
    }
    return render(request, "console/audit.html", facts)


def _number(text: str, otherwise: int) -> int:
    fits = text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX
    return int(text) if fits else otherwise
