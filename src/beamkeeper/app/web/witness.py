"""Writes into the audit log what people do on the pages; what cannot be written does not happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.app.web.console import the_console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from beamkeeper.app.web.models import Account

NOBODY = "nobody known"


def witness(
    request: HttpRequest,
    action: str,
    *,
    actor: str = "",
    outcome: str = "ok",
    patient: str | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Write one line about a request: who, from where, what.

    Raises
    ------
    StorageFull, LedgerUnavailable
        It is not in the log; whoever asked must not get what they asked for.
    """
    console = the_console()
    console.ledger.audit.append(
        action,
        actor=actor or login_of(request),
        outcome=outcome,
        at=console.now(),
        patient_pseudonym=patient,
        details={"from": str(request.META.get("REMOTE_ADDR", "")), "by": "console", **(details or {})},
    )


def login_of(request: HttpRequest) -> str:
    """Return who is logged in."""
    return str(getattr(request.user, "login", NOBODY))


def listen() -> None:
    """Hear of every login, failed or not, every logout, and every change of a second factor."""
    from allauth.mfa import signals as factors  # noqa: PLC0415 - needs the models
    from django.contrib.auth import signals  # noqa: PLC0415 - needs the models

    signals.user_logged_in.connect(_logged_in)
    signals.user_logged_out.connect(_logged_out)
    signals.user_login_failed.connect(_failed)
    factors.authenticator_added.connect(_factor_added)
    factors.authenticator_removed.connect(_factor_removed)
    factors.authenticator_reset.connect(_factor_added)
    factors.authentication_failed.connect(_factor_refused)


def _logged_in(*, request: HttpRequest, user: Account, **_: object) -> None:
    witness(request, "logged in", actor=user.login)


def _logged_out(*, request: HttpRequest, user: Account | None, **_: object) -> None:
    if user is not None:
        witness(request, "logged out", actor=user.login)


def _failed(*, credentials: Mapping[str, object], request: HttpRequest | None = None, **_: object) -> None:
    """Note the login only of somebody who has an account: others may have typed their password there."""
    from beamkeeper.app.web.models import Account  # noqa: PLC0415 - needs the models

    if request is None:
        return
    login = str(credentials.get("username") or credentials.get("login") or "")
    known = Account.objects.filter(login=login).exists()
    witness(request, "login refused", actor=login if known else NOBODY, outcome="refused")


def _factor_added(*, request: HttpRequest, user: Account, authenticator: object, **_: object) -> None:
    kind = str(getattr(authenticator, "type", ""))
    witness(request, "second factor set", actor=user.login, details={"kind": kind})


def _factor_removed(*, request: HttpRequest, user: Account, authenticator: object, **_: object) -> None:
    kind = str(getattr(authenticator, "type", ""))
    witness(request, "second factor removed", actor=user.login, details={"kind": kind})


def _factor_refused(*, request: HttpRequest, user: Account, **_: object) -> None:
    witness(request, "second factor refused", actor=user.login, outcome="refused")
