"""The inventory: everybody of the chosen night, where each stands, what is missing, whom to call."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.views.refusals import not_counted
from beamkeeper.domain.patient import shown_name
from beamkeeper.errors import IntegrityError
from beamkeeper.protect.lists import Section
from beamkeeper.protect.lists.page import name_of
from beamkeeper.respond.incident import Deed
from beamkeeper.respond.incident.replaced import said_of_plans
from beamkeeper.respond.triage.facts import STATED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.since import Now
    from beamkeeper.app.web.room.room import Room
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.domain.position import FractionState
    from beamkeeper.errors import ConfigError
    from beamkeeper.protect.lists import ListRow, Person
    from beamkeeper.respond.placement import Placed

PATIENTS_A_PAGE: Final = 100
SEARCHED_CHARACTERS_MAX: Final = 80
SECTIONS: Final = {
    "treatment": (Section.ON_TREATMENT, "On treatment"),
    "ready": (Section.READY, "Ready to start"),
    "not-ready": (Section.NOT_READY, "Not ready"),
    "finished": (Section.FINISHED, "Finished"),
}
MARKS: Final = {
    "look": "With ▲ to look at",
    "asked": "Possibly treated since",
    "no-phone": "Without a phone number",
}


@require_safe
def patients(request: HttpRequest) -> HttpResponse:
    """List everybody of the night, in the order of the lists."""
    room = the_room()
    rows, damaged = room.rows(), room.damaged()
    asked = request.GET.get("q", "")[:SEARCHED_CHARACTERS_MAX].strip()
    section, mark = request.GET.get("section", ""), request.GET.get("mark", "")
    found = [row for row in rows if _is_in(row, section) and _has(row, mark) and _fits(row, asked)]
    page = Paginator(found, PATIENTS_A_PAGE).get_page(request.GET.get("page"))
    facts = {
        "page": page,
        "asked": asked,
        "section": section,
        "mark": mark,
        "choices": [
            (key, words, sum(_is_in(row, key) for row in rows)) for key, (_, words) in SECTIONS.items()
        ],
        "marks": MARKS.items(),
        "total": len(rows),
        "inventory": room.inventory(),
        "since": room.since(),
        "damaged": [(row, one) for row in rows if (one := damaged.get(row.pseudonym))],
        "is_part": bool(asked or section or mark),
    }
    return render(request, "room/patients.html", facts)


@require_safe
def patient(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Show one patient: plans, evidence, contacts, place in the order, what people said."""
    return patient_page(request, pseudonym)


def patient_page(
    request: HttpRequest,
    pseudonym: str,
    *,
    status: int = 200,
    error: ConfigError | None = None,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return the page of a patient; with `error` why a form was refused, and what was typed into it."""
    room = the_room()
    try:
        found = room.patient(pseudonym)
    except IntegrityError as damage:
        row = next((one for one in room.rows() if one.pseudonym == pseudonym), None)
        if row is None:
            raise
        return not_counted(request, f"{name_of(row.patient)} ({row.patient.patient_id})", damage)
    if found is None:
        raise Http404
    _, ranked = room.order()
    forms = _Forms(typed or {}, error)
    facts = {
        "row": found.row,
        "plans": [(line, _fractions(found.person, line.plan_uid)) for line in found.row.plans],
        "changed": pseudonym in room.since(),
        "said": [one for one in reversed(room.journal()) if one.patient_pseudonym == pseudonym],
        "one": next((one for one in ranked if one.pseudonym == pseudonym), None),
        "of_all": len(ranked),
        "placed": _placed(room, pseudonym),
        "first_at": _first_at(room, pseudonym),
        "stated": STATED,
        "members": room.members(),
        "two_plans": len([line for line in found.row.plans if line.plan_uid]) > 1,
        "hold": forms.named("hold"),
        "say": forms.named("say"),
        "said_of_plans": [
            {"row": one, "form": forms.named(f"line-{one.sequence}")}
            for one in _said_of_plans(room, pseudonym)
        ],
        "sessions": [one | {"form": forms.named(f"session-{one['key']}")} for one in _sessions(room, found)],
        "waiting": len(found.questions),
        "error": forms.of_none,
    }
    return render(request, "room/patient.html", facts, status=status)


@dataclass(frozen=True, slots=True)
class _Form:
    """One form of the page; what was typed into it and why it was refused, where it was this one."""

    of: str
    typed: Mapping[str, str]
    error: ConfigError | None


class _Forms:
    """The forms of the page, of which one may have been refused."""

    def __init__(self, typed: Mapping[str, str], error: ConfigError | None) -> None:
        self._typed = typed
        self.of_none = error
        """Why a form was refused that the page does not have any more."""

    def named(self, name: str) -> _Form:
        if self._typed.get("form") != name:
            return _Form(name, {}, None)
        error, self.of_none = self.of_none, None
        return _Form(name, self._typed, error)


def _said_of_plans(room: Room, pseudonym: str) -> list[AuditRow]:
    """Return the lines of the journal that say which plan holds and were not taken back."""
    standing = said_of_plans(room.journal(), pseudonym, room.zone)
    return [row for row in room.journal() if row.sequence in standing]


def _sessions(room: Room, now: Now) -> list[dict[str, object]]:
    """Return the sessions of another house that do not count by themselves, the open ones first."""
    said = {row.details.get("about"): row for row in room.journal() if row.action == Deed.ASSIGNED}
    labels = {one.sop_instance_uid: one.rt_plan_label for one in now.person.plans}
    return [
        {"key": one.key, "of": one, "plan": labels[one.plan_uid], "said": said.get(one.key)}
        for one in (*now.questions, *now.answered)
    ]


def _fractions(person: Person, plan_uid: str) -> tuple[FractionState, ...]:
    """Return the fractions of a plan as its records show them, in their order."""
    if person.position is None:
        return ()
    of = (one for at in person.position.plans if at.plan_uid == plan_uid for one in at.fractions)
    return tuple(sorted(of, key=lambda one: (one.fraction_group_number, one.fraction_number)))


def _placed(room: Room, pseudonym: str) -> Placed | None:
    """Return where the placement that counts has this patient; None for whom it does not speak of."""
    at = room.placement()
    return next((one for one in at.version.placed if one.patient == pseudonym), None) if at else None


def _first_at(room: Room, pseudonym: str) -> str:
    """Return at what time of day the first session there is; "" where nobody knows it."""
    at = room.placement()
    return room.first_at(at).get(pseudonym, "") if at else ""


def _is_in(row: ListRow, section: str) -> bool:
    return section not in SECTIONS or row.section is SECTIONS[section][0]


def _has(row: ListRow, mark: str) -> bool:
    if mark == "look":
        return bool(row.warnings or any(line.conflicts for line in row.plans))
    if mark == "asked":
        return row.pseudonym in the_room().asked()
    return mark != "no-phone" or row.first_call is None


def _fits(row: ListRow, asked: str) -> bool:
    """Whether every word of a search stands in name or Patient ID; accents and case do not matter."""
    if not asked:
        return True
    patient_id = row.patient.patient_id.casefold()
    name = _plain(shown_name(row.patient.name))
    return all(word in name or word in patient_id for word in _plain(asked).split())


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
