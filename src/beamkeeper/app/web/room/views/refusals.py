"""The pages of what is not shown or not done, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from beamkeeper.errors import BeamkeeperError


def _page(request: HttpRequest, status: int, title: str, text: str, do_next: str = "") -> HttpResponse:
    facts = {"title": title, "text": text, "do_next": do_next}
    return render(request, "room/refusal.html", facts, status=status)


def not_shown(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that this page is shown to nobody."""
    return _page(request, 403, "This page is not shown.", "Nothing was changed.")


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Refuse a form that did not come from a page of ours, or from one that is too old."""
    return _page(
        request,
        403,
        "This form did not come from a page of this browser.",
        "Nothing was changed.",
        "Go back, load the page again, and send it once more.",
    )


def not_there(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that there is no such page."""
    return _page(request, 404, "There is no such page.", "The address is wrong, or nobody is known by it.")


def not_understood(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that a request made no sense."""
    return _page(request, 400, "This request was not understood.", "Nothing was changed.")


def our_mistake(request: HttpRequest) -> HttpResponse:
    """Say that it was our mistake."""
    return _page(
        request,
        500,
        "A mistake of ours.",
        "Nothing stored is lost: the journal holds what was written.",
        "Try again; the command line does the same without this page.",
    )


def ours(request: HttpRequest, error: BeamkeeperError) -> HttpResponse:
    """Say what went wrong, in the words of the error."""
    is_asked = isinstance(error, ConfigError)
    title = "This was not done." if is_asked else "This cannot be shown now."
    return _page(request, 400 if is_asked else 503, title, error.message, error.do_next)


def not_counted(request: HttpRequest, whose: str, error: BeamkeeperError) -> HttpResponse:
    """Say of one patient why no count is shown; everybody else's page goes on."""
    return _page(request, 503, f"Not counted: {whose}", error.message, error.do_next)
