"""One's own account: the language, and the invitation that sets the first password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.decorators import rate_limit
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.i18n import set_language

from beamkeeper.app.web import accounts
from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.forms import NewPasswordForm
from beamkeeper.app.web.models import LANGUAGES, Account
from beamkeeper.app.web.views import refusals
from beamkeeper.app.web.witness import witness

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase


@require_POST
def language(request: HttpRequest) -> HttpResponseBase:
    """Speak another language from now on; an account remembers it."""
    chosen = request.POST.get("language", "")
    if isinstance(request.user, Account) and chosen in dict(LANGUAGES):
        Account.objects.filter(pk=request.user.pk).update(language=chosen)
    return set_language(request)


@require_safe
def inactive(request: HttpRequest) -> HttpResponse:
    """Say that an account was switched off."""
    return refusals.not_yours(request)


@sensitive_post_parameters("password", "again")
@rate_limit(action="invitation")  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Let whoever holds an invitation set their password, once."""
    found = accounts.find_invitation(secret, now=the_console().now())
    if found is None:
        return _does_not_count(request)
    form = NewPasswordForm(found.account, request.POST or None)
    if request.method == "POST" and form.is_valid():
        witness(request, "password set by invitation", actor=found.account.login)
        if not accounts.accept(found, str(form.cleaned_data["password"])):
            return _does_not_count(request)
        return redirect("account_login")
    return render(request, "console/invitation.html", {"form": form, "invited": found.account})


def _does_not_count(request: HttpRequest) -> HttpResponse:
    facts = {
        "title": _("This invitation does not count."),
        "text": _("It was used before, it is too old, or the address is not whole."),
        "do_next": _("Ask for another one."),
    }
    return render(request, "console/refusal.html", facts, status=410)
