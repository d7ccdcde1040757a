"""Drawings of what moved: a picture of the largest movement beside the list, all of them on a page."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from beamkeeper.app.jobs import drawn
from beamkeeper.app.jobs.runtime import open_vault
from beamkeeper.app.web.console import Console, the_console
from beamkeeper.app.web.known import report_of
from beamkeeper.app.web.witness import witness
from beamkeeper.vault import SiteKeys

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.http import HttpRequest

    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.night import PatientNight
    from beamkeeper.protect.report.drawing import Drawing

KEPT_MAX: Final = 64
PICTURE_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"

_Key = tuple["date", "datetime", str, str]
_kept: OrderedDict[_Key, tuple[Drawing, ...]] = OrderedDict()
_drawing = threading.Lock()


@require_safe
def picture(request: HttpRequest, night: date, pseudonym: str, uid: str) -> HttpResponse:
    """Answer with the drawing of the largest movement in one object."""
    _, _, found = _drawings(night, pseudonym, uid)
    if not found:
        raise Http404
    del request  # whoever looks was written down with the list this picture stands in
    response = HttpResponse(found[0].svg, content_type="image/svg+xml")
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    return response


@require_safe
def drawings(request: HttpRequest, night: date, pseudonym: str, uid: str) -> HttpResponse:
    """Show every drawing of one object."""
    patient, comparison, found = _drawings(night, pseudonym, uid)
    witness(request, "drawings looked at", patient=pseudonym, details={"run_on": night.isoformat()})
    facts = {
        "night": night,
        "patient": patient,
        "comparison": comparison,
        "drawings": [
            # Our own SVG: every text in it was escaped when it was drawn, and no script may run here.
            {"svg": mark_safe(one.svg), "title": one.title, "largest_mm": one.largest_mm}  # noqa: S308
            for one in found
        ],
    }
    return render(request, "console/drawings.html", facts)


def _drawings(
    night: date, pseudonym: str, uid: str
) -> tuple[PatientNight, ObjectComparison, tuple[Drawing, ...]]:
    """Return whose they are, of what, and the drawings; those made lately are not made again."""
    console = the_console()
    report = report_of(console, night)
    patients = report.patients if report else ()
    patient = next((item for item in patients if item.pseudonym == pseudonym), None)
    objects = patient.comparisons if patient else ()
    comparison = next((item for item in objects if item.sop_instance_uid == uid), None)
    if report is None or patient is None or comparison is None or not drawn.can_be_drawn(comparison):
        raise Http404
    key = (night, report.finished_at, pseudonym, uid)
    with _drawing:
        if key not in _kept:
            _kept[key] = _draw(console, night, pseudonym, comparison)
        _kept.move_to_end(key)
        while len(_kept) > KEPT_MAX:
            _kept.popitem(last=False)
        return patient, comparison, _kept[key]


def _draw(console: Console, night: date, pseudonym: str, comparison: ObjectComparison) -> tuple[Drawing, ...]:
    keys = SiteKeys.load(console.site.vault.keys_dir)
    vault = open_vault(console.site, console.clock, keys)
    return drawn.drawings(
        vault, console.ledger, keys.identities, night=night, pseudonym=pseudonym, comparison=comparison
    )
