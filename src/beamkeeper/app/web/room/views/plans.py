"""Which of two plans holds: two people sign it on the patient's page, and two take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from beamkeeper.app.jobs.incident_acts import within
from beamkeeper.app.jobs.replacing_plans import Holds, replace_plan
from beamkeeper.app.jobs.replacing_plans import take_back as taken_back
from beamkeeper.app.web.room.permissions import PLAN
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import signed_by_two
from beamkeeper.app.web.room.views.patients import patient_page
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.web.room.room import Room

SIGNED: Final = ("why", "person", "person_2")
NUMBER_MAX: Final = 999
LINE_MAX: Final = 9
"""Digits of a line's number."""


@require_POST
def hold(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Write down which plan holds; what was typed stays in the form when it is refused."""
    room = room_of(pseudonym)
    typed = typed_in(request, "hold", "old", "new", "after", "next", "left")
    try:
        people = signed_by_two(request, PLAN)
        made = replace_plan(
            room.folder,
            pseudonym,
            Holds(
                old=typed["old"],
                new=typed["new"],
                after=_number(typed["after"]),
                next_fraction=_number(typed["next"]),
                left=_number(typed["left"]),
            ),
            people=tuple(one.words for one in people),
            reason=within(typed["why"]),
            clock=room.clock,
            signed=" ".join(one.login for one in people),
        )
    except ConfigError as error:
        return patient_page(request, pseudonym, status=400, error=error, typed=typed)
    messages.success(request, f"Line {made.line} of the journal: signed by both.")
    return redirect("patient", pseudonym)


@require_POST
def take_back(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Write down that what a line said of two plans holds no more."""
    room, line = room_of(pseudonym), request.POST.get("line", "")
    typed = typed_in(request, f"line-{line}")
    try:
        people = signed_by_two(request, PLAN)
        taken_back(
            room.folder,
            pseudonym,
            _line(line),
            people=tuple(one.words for one in people),
            reason=within(typed["why"]),
            clock=room.clock,
            signed=" ".join(one.login for one in people),
        )
    except ConfigError as error:
        return patient_page(request, pseudonym, status=400, error=error, typed=typed)
    messages.success(request, f"What line {line} said holds no more: signed by both.")
    return redirect("patient", pseudonym)


def room_of(pseudonym: str) -> Room:
    """Return the room, where the patient is one of its incident."""
    room = the_room()
    if pseudonym not in {one.pseudonym for one in room.overview().patients}:
        raise Http404
    return room


def typed_in(request: HttpRequest, form: str, *fields: str) -> dict[str, str]:
    """Return what stays in a form of the patient's page when it is refused, and which form it was."""
    return {"form": form} | {key: request.POST.get(key, "") for key in (*fields, *SIGNED)}


def _line(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) <= LINE_MAX):
        raise ConfigError(f"{typed[:20]!r} is no line of the journal.", do_next="Use the form of a line.")
    return int(typed)


def _number(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and int(typed[:4]) <= NUMBER_MAX):
        raise ConfigError(f"{typed!r} is no number of fractions.", do_next="Type a whole number.")
    return int(typed)
