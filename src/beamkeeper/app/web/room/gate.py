"""The gate before every page: let in at all, and for acts, a person who proved to be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.shortcuts import redirect
from django.urls import reverse

from beamkeeper.app.web.room.lobby import the_lobby
from beamkeeper.app.web.room.permissions import PAGES, Access
from beamkeeper.app.web.room.session import may_read, present
from beamkeeper.app.web.room.views.refusals import not_shown, ours
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase


IN_THE_LOBBY: Final = frozenset({"open", "declare", "door"})


class Gate:
    """Middleware that lets a request through to its page, or says why not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Hand the request on."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., Any], _args: object, _kwargs: object
    ) -> HttpResponseBase | None:
        """Return None when this screen may have this page, else the answer it gets instead."""
        assert request.resolver_match is not None  # noqa: S101 - Django found a page
        name = request.resolver_match.view_name
        if the_lobby() is not None and name not in IN_THE_LOBBY:
            return redirect("declare")  # there is no incident yet, and nothing else to show
        access = PAGES.get(name)
        if access is Access.OPEN:
            return None
        if access is None:
            return not_shown(request)
        if not may_read(request):
            return _to_the_door(request.get_full_path() if request.method == "GET" else "")
        if access is Access.ACT and present(request) is None:
            return _to_the_door(request.POST.get("back", ""))
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Return the page of an error of ours; other mistakes go to Django."""
        return ours(request, error) if isinstance(error, BeamkeeperError) else None


def _to_the_door(back: str) -> HttpResponseBase:
    return redirect(f"{reverse('door')}?{urlencode({'back': back})}" if back else reverse("door"))
