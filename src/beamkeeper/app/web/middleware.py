"""What happens around every page of the console: the end of a session, the language, the site's time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth import logout
from django.shortcuts import redirect
from django.utils import timezone, translation

from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.models import Account
from beamkeeper.app.web.witness import witness

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest, HttpResponseBase

    from beamkeeper.app.site_console import ConsoleSection

    Answer = Callable[[HttpRequest], HttpResponseBase]

BEGAN, SEEN = "began_at", "seen_at"
NOTED_EVERY: Final = timedelta(seconds=30)
"""How exactly it is remembered when somebody was last seen: not every click writes."""
CLOCK_BACK_MAX: Final = timedelta(minutes=5)
"""A clock set back further ends sessions: nobody knows how long they lasted."""


def session_times(get_response: Answer) -> Answer:
    """End a session that nobody used for a while, or that has lasted a whole shift."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        console = the_console()
        if isinstance(request.user, Account):
            now = console.now()
            why = _over(request.session, console.site.console, now)
            if why:
                witness(request, "session ended", details={"why": why})
                logout(request)
                return redirect("account_login")
            _note(request.session, now)
        return get_response(request)

    return middleware


def _over(session: SessionBase, section: ConsoleSection, now: datetime) -> str:
    """Return why a session is over; "" while it is not."""
    began, seen = _instant(session, BEGAN), _instant(session, SEEN)
    if began is None or seen is None:
        return ""
    if seen - now > CLOCK_BACK_MAX:
        return "the clock was set back"
    if now - seen > timedelta(minutes=section.idle_minutes):
        return "nobody used it"
    if now - began > timedelta(hours=section.session_hours):
        return "it lasted long enough"
    return ""


def _note(session: SessionBase, now: datetime) -> None:
    if BEGAN not in session:
        session[BEGAN] = now.isoformat()
    seen = _instant(session, SEEN)
    if seen is None or not timedelta() <= now - seen < NOTED_EVERY:
        session[SEEN] = now.isoformat()


def _instant(session: SessionBase, key: str) -> datetime | None:
    text = session.get(key)
    return None if text is None else datetime.fromisoformat(text)


def tongue(get_response: Answer) -> Answer:
    """Speak the language of whoever is logged in, and show the time on the wall of the site."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if isinstance(request.user, Account):
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
        with timezone.override(the_console().site.zone):
            return get_response(request)

    return middleware
