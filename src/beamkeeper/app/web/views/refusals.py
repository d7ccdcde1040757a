"""The pages of what is not shown, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.utils.translation import gettext as _

from beamkeeper.app.web.witness import witness
from beamkeeper.errors import ConfigError, VoteRefused

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from beamkeeper.errors import BeamkeeperError


def _page(
    request: HttpRequest, status: int, title: str, text: str, do_next: str = "", *, is_quoted: bool = False
) -> HttpResponse:
    facts = {"title": title, "text": text, "do_next": do_next, "is_quoted": is_quoted}
    return render(request, "console/refusal.html", facts, status=status)


def not_yours(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that this page is not for this role."""
    return _page(
        request,
        403,
        _("This page is not for your role."),
        _("What you may see depends on what you do in the department."),
        _("Ask whoever keeps the accounts if you need it."),
    )


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form that did not come from a page of ours, or from one that is too old."""
    if request.user.is_authenticated:  # anybody else could fill the log
        witness(request, "form refused", outcome="refused", details={"why": reason[:200]})
    return _page(
        request,
        403,
        _("This form did not come from a page of this session."),
        _("Nothing was changed."),
        _("Go back, load the page again, and send it once more."),
    )


def not_there(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that there is no such page."""
    return _page(
        request, 404, _("There is no such page."), _("The address is wrong, or what it showed is gone.")
    )


def not_understood(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that a request made no sense."""
    return _page(request, 400, _("This request was not understood."), _("Nothing was changed."))


def our_mistake(request: HttpRequest) -> HttpResponse:
    """Say that it was our mistake."""
    return _page(
        request,
        500,
        _("A mistake of ours."),
        _("Nothing stored is lost."),
        _("Try again; the console's log on the collector holds the trace."),
    )


def ours(request: HttpRequest, error: BeamkeeperError) -> HttpResponse:
    """Say what went wrong, in the words of the error."""
    status = 400 if isinstance(error, ConfigError | VoteRefused) else 503
    return _page(
        request, status, _("This cannot be shown now."), error.message, error.do_next, is_quoted=True
    )
