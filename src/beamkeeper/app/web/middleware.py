"""What happens around every page: headers, the end of a session, the language, the site's time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.contrib.auth import logout
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation

from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.models import Account
from beamkeeper.app.web.settings import CONTENT_POLICY
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
PAGE: Final = "text/html"
TURNS: Final = dict.fromkeys(
    map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), "\ufffd"
)
"""Marks of the direction of writing (Unicode, UAX 9); nothing of ours has one."""
FEATURES_OFF: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def headers(get_response: Answer) -> Answer:
    """Say to browsers what a page may load (nothing but our own), and that nothing is kept."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response.headers.setdefault("Permissions-Policy", FEATURES_OFF)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        if not request.path_info.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def plain_direction(get_response: Answer) -> Answer:
    """Show marks that turn the writing round: a name with one could be read as somebody else's."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponse) and response.headers.get("Content-Type", "").startswith(PAGE):
            response.content = response.content.decode().translate(TURNS).encode()
        return response

    return middleware


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
