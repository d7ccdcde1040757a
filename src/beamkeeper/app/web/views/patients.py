"""Patients: who is kept, where each stands in the course, how last night went for them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.web.console import Console, the_console
from beamkeeper.app.web.known import report_of
from beamkeeper.app.web.witness import witness
from beamkeeper.protect.documents import state_in_words

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from beamkeeper.domain.night import NightReport, PatientNight
    from beamkeeper.ledger import PatientRow

PATIENTS_A_PAGE: Final = 50
SEARCHED_CHARACTERS_MAX: Final = 80
CHANGES_SHOWN_MAX: Final = 30
DOCUMENTS_SHOWN_MAX: Final = 200


def _last_report(console: Console) -> NightReport | None:
    for row in console.ledger.nights(7):
        report = report_of(console, row.run_on)
        if report is not None:
            return report
    return None


@require_safe
def patients(request: HttpRequest) -> HttpResponse:
    """List everybody in the vault, by name; every one shown is written down."""
    console = the_console()
    report = _last_report(console)
    nights = {item.pseudonym: item for item in report.patients} if report else {}
    asked = request.GET.get("q", "")[:SEARCHED_CHARACTERS_MAX].strip()
    rows = sorted(console.ledger.patients(), key=_by_name)
    found = [row for row in rows if _fits(row, asked.casefold())]
    page = Paginator(found, PATIENTS_A_PAGE).get_page(request.GET.get("page"))
    listed = [{"row": row, "night": nights.get(row.pseudonym)} for row in page]
    witness(
        request,
        "patients listed",
        details={"patients": [row.pseudonym for row in page], "page": page.number, "searched": bool(asked)},
    )
    facts = {
        "page": page,
        "listed": listed,
        "asked": asked,
        "report": report,
        "total": len(rows),
        "query": f"q={asked}&" if asked else "",
    }
    return render(request, "console/patients.html", facts)


def _by_name(row: PatientRow) -> tuple[str, str]:
    plain = unicodedata.normalize("NFKD", row.patient.name.casefold())
    return ("".join(sign for sign in plain if not unicodedata.combining(sign)), row.patient.patient_id)


def _fits(row: PatientRow, asked: str) -> bool:
    name = row.patient.name.casefold().replace("^", " ")
    return all(word in name or word in row.patient.patient_id.casefold() for word in asked.split())


@require_safe
def patient(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Show one patient; that they were looked at is written down first."""
    console = the_console()
    row = console.ledger.patient(pseudonym)
    if row is None:
        raise Http404
    witness(request, "patient looked at", patient=pseudonym)
    report = _last_report(console)
    night = next((item for item in report.patients if item.pseudonym == pseudonym), None) if report else None
    kept = console.ledger.current_objects(pseudonym)
    changed = console.ledger.changes(pseudonym=pseudonym)
    documents = [row.stored for row in console.ledger.documents(pseudonym)]
    facts = {
        "row": row,
        "report": report,
        "documents": [
            {"title": item.title, "state": state_in_words(item, documents)}
            for item in sorted(documents, key=lambda one: one.title)
            if not item.superseded
        ][:DOCUMENTS_SHOWN_MAX],
        "night": night,
        "position": _position(console, pseudonym, night),
        "kept": sorted(
            Counter(item.modality for item in kept if item.present and not item.superseded).items()
        ),
        "kept_bytes": sum(item.size_bytes for item in kept if item.present and not item.superseded),
        "changed": list(reversed([item for item in changed if item.comparison.changes]))[:CHANGES_SHOWN_MAX],
    }
    return render(request, "console/patient.html", facts)


def _position(console: Console, pseudonym: str, night: PatientNight | None) -> object:
    if night is not None and night.position is not None:
        return night.position
    known = console.ledger.positions(pseudonym=pseudonym)
    return known[-1].position if known else None
