"""What every page shows: where we are, who is looking, where they may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from beamkeeper.app.web.adapters import has_second_factor
from beamkeeper.app.web.console import the_console
from beamkeeper.app.web.models import LANGUAGES, Account
from beamkeeper.app.web.permissions import PAGES, SECOND_FACTOR, Access, may

if TYPE_CHECKING:
    from django.http import HttpRequest

MENU: Final = (
    ("tonight", _("Tonight")),
    ("newest-changes", _("Changes")),
    ("patients", _("Patients")),
    ("nights", _("Nights")),
    ("mirrors", _("Mirrors")),
    ("people", _("People")),
    ("audit", _("Audit log")),
)
ALSO: Final = {
    "changes": "newest-changes",
    "drawings": "newest-changes",
    "patient": "patients",
    "night": "nights",
}
"""Pages that stand under another one in the menu."""


def _may_go_on(account: Account, page: str) -> bool:
    """Whether other pages are open already: on one's own pages the second factor may still be missing."""
    is_own = PAGES.get(page) is Access.OWN
    return not is_own or account.duty not in SECOND_FACTOR or has_second_factor(account)


def every_page(request: HttpRequest) -> dict[str, object]:
    """Return what the frame of every page needs."""
    console = the_console()
    account = getattr(request, "user", None)
    here = request.resolver_match.view_name if request.resolver_match else ""
    menu = []
    if isinstance(account, Account) and _may_go_on(account, here):
        menu = [(page, title) for page, title in MENU if may(account.duty, page)]
    return {
        "site_name": console.site.site.name,
        "time_zone": console.site.site.time_zone,
        "now": console.now(),
        "account": account if isinstance(account, Account) else None,
        "menu": menu,
        "here": ALSO.get(here, here),
        "languages": LANGUAGES,
        "has_people": console.site.quorum is not None,
        "static": settings.STATIC_URL,
    }
