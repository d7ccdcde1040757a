"""Which fraction a session is that another house gave by a plan or numbers of its own: two people sign it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from beamkeeper.app.jobs.assigning import assign as write_down
from beamkeeper.app.jobs.incident_acts import within
from beamkeeper.app.web.room.permissions import PLAN
from beamkeeper.app.web.room.session import signed_by_two
from beamkeeper.app.web.room.views.patients import patient_page
from beamkeeper.app.web.room.views.plans import room_of, typed_in
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

FRACTION, NONE = "fraction", "none"
"""What a session is said to be: a fraction of our plan with its number, or none."""
DIGITS_MAX: Final = 3


@require_POST
def assign(request: HttpRequest, pseudonym: str) -> HttpResponse:
    """Write down what a session is; what was typed stays in the form when it is refused."""
    room, session = room_of(pseudonym), request.POST.get("session", "")
    typed = typed_in(request, f"session-{session}", "is", "fraction")
    try:
        people = signed_by_two(request, PLAN)
        write_down(
            room.folder,
            pseudonym,
            session,
            fraction=_fraction(typed),
            people=tuple(one.words for one in people),
            reason=within(typed["why"]),
            clock=room.clock,
            signed=" ".join(one.login for one in people),
        )
    except ConfigError as error:
        return patient_page(request, pseudonym, status=400, error=error, typed=typed)
    messages.success(request, "It stands in the journal, signed by both; where the course stands follows.")
    return redirect("patient", pseudonym)


def _fraction(typed: Mapping[str, str]) -> int | None:
    """Return our number of a session; None where it is no fraction of our plan.

    Raises
    ------
    ConfigError
        Neither or both were said, or it is no number.
    """
    kind, number = typed["is"], typed["fraction"].strip()
    if kind not in {FRACTION, NONE} or (kind == NONE and number):
        raise ConfigError(
            "Say one of both: which fraction of our plan it is, or that it is none.",
            do_next="Choose, and give a number only with a fraction of our plan.",
        )
    if kind == NONE:
        return None
    if not (number.isascii() and number.isdigit() and len(number) <= DIGITS_MAX):
        raise ConfigError(f"{number[:20]!r} is no number of a fraction.", do_next="Type a whole number.")
    return int(number)
