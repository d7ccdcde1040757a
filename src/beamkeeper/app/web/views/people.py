"""People: who has an account, in which role, with which second factor, and whom the site file names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from django.shortcuts import render
from django.views.decorators.http import require_safe

from beamkeeper.app.jobs.quorum import people_of
from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.models import Account
from beamkeeper.app.web.permissions import SECOND_FACTOR

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Show accounts beside the people of the site file: a vote counts when both say the same."""
    console = the_console()
    named = {person.login: person for person in people_of(console.site)} if console.site.quorum else {}
    totp = Authenticator.objects.filter(type=Authenticator.Type.TOTP)
    with_factor = set(totp.values_list("user_id", flat=True))
    accounts = {account.login: account for account in Account.objects.order_by("login")}
    listed = []
    for login in sorted({*accounts, *named}):
        account, person = accounts.get(login), named.get(login)
        role = account.duty if account else person.role if person else None
        listed.append(
            {
                "login": login,
                "name": account.name if account else person.name if person else "",
                "role": role,
                "account": account,
                "person": person,
                "has_factor": account is not None and account.pk in with_factor,
                "needs_factor": role in SECOND_FACTOR,
                "was_asked": account is not None and account.has_usable_password(),
                "same_role": not (account and person) or account.duty == person.role,
            }
        )
    return render(request, "console/people.html", {"listed": listed})
