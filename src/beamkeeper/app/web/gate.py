"""The gate before every page: logged in, with the second factor one must have, in the right role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect
from django.urls import reverse

from beamkeeper.app.web.adapters import has_second_factor
from beamkeeper.app.web.models import Account
from beamkeeper.app.web.permissions import PAGES, SECOND_FACTOR, Access, may
from beamkeeper.app.web.views.refusals import not_yours, ours
from beamkeeper.app.web.witness import witness
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase


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
        """Return None when this person may see this page, else the answer they get instead."""
        assert request.resolver_match is not None  # noqa: S101 - Django found a page
        page = request.resolver_match.view_name
        rule = PAGES.get(page)
        if rule is Access.OPEN:
            return None
        account = request.user
        if not isinstance(account, Account):
            return redirect_to_login(request.get_full_path(), reverse("account_login"))
        if rule is Access.OWN:
            return None
        if account.duty in SECOND_FACTOR and not has_second_factor(account):
            return redirect("mfa_activate_totp")
        if not may(account.duty, page):
            witness(request, "page refused", outcome="refused", details={"page": page})
            return not_yours(request)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Return the page of an error of ours; other mistakes go to Django."""
        return ours(request, error) if isinstance(error, BeamkeeperError) else None
