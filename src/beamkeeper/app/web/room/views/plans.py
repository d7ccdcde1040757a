"""Which of two plans holds: two people sign it on the patient's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from beamkeeper.app.jobs.incident_acts import within
from beamkeeper.app.jobs.replacing_plans import Holds, replace_plan
from beamkeeper.app.web.room.permissions import PLAN
from beamkeeper.app.web.room.room import the_room
from beamkeeper.app.web.room.session import signed_by
from beamkeeper.app.web.room.views.patients import patient_page
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from beamkeeper.app.jobs.incident_people import Member

TYPED: Final = ("old", "new", "after", "next", "left", "why", "person", "person_2")
NUMBER_MAX: Final = 999


@require_POST
def hold(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Write down which plan holds; what was typed stays in the form when it is refused."""
    room = the_room()
    if pseudonym not in {one.pseudonym for one in room.overview().patients}:
        raise Http404
    typed = {key: request.POST.get(key, "") for key in TYPED}
    try:
        people = _signers(request)
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


def _signers(request: HttpRequest) -> tuple[Member, Member]:
    one, other = signed_by(request, PLAN), signed_by(request, PLAN, of="_2")
    if one.login == other.login:
        raise ConfigError("One person signed twice.", do_next="Two different people sign this.")
    return one, other


def _number(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and int(typed[:4]) <= NUMBER_MAX):
        raise ConfigError(f"{typed!r} is no number of fractions.", do_next="Type a whole number.")
    return int(typed)
