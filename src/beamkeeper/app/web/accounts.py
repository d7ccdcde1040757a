"""People and invitations: made on the collector's command line, never over the network."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import transaction

from beamkeeper.app.jobs.quorum import people_of
from beamkeeper.app.web.models import Account, Invitation
from beamkeeper.domain.ballot import is_login
from beamkeeper.errors import ConfigError
from beamkeeper.protect.quorum import Role

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.web.console import Console

SECRET_BYTES = 32
ACTOR = "command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """An invitation that was just made.

    Attributes
    ----------
    link
        Where the password is set, once; whoever has it is this person.
    votes
        Whether votes of this account count: the site file names the person too.
    """

    login: str
    name: str
    role: str
    link: str
    expires_at: datetime
    votes: bool


def add_person(console: Console, login: str, role: str, *, name: str = "", language: str = "") -> Invited:
    """Make an account without a password, and the invitation that sets one.

    What the site file says of that person fills in what is not given.

    Raises
    ------
    ConfigError
        No such role, no login, there already, or the site file says another role.
    """
    if not is_login(login):
        raise ConfigError(
            f"{login!r} is no login.", do_next='Small letters, digits, ".", "_" and "-"; at most 40.'
        )
    if role not in set(Role):
        raise ConfigError(f"There is no role {role!r}.", do_next=f"One of: {', '.join(Role)}.")
    people = people_of(console.site) if console.site.quorum else ()
    person = next((person for person in people if person.login == login), None)
    if person is not None and person.role != role:
        raise ConfigError(
            f"The site file says that {login} is {person.role.value}, not {role}.",
            do_next="Give that role, or mend the site file.",
        )
    if Account.objects.filter(login=login).exists():
        raise ConfigError(
            f"{login} has an account.", do_next=f"A new invitation: beamkeeper console invite {login}"
        )
    account = Account(
        login=login,
        name=name or (person.name if person else login),
        role=role,
        language=language or (person.language if person else "en"),
        made_at=console.now(),
    )
    account.set_unusable_password()
    with transaction.atomic():
        account.save()
        _write_down(console, "account made", account)
        return _invite(console, account, votes=person is not None and person.may_vote)


def invite_again(console: Console, login: str) -> Invited:
    """Give somebody who forgot the password or lost the second factor a new start.

    The password, the second factor, recovery codes, other invitations and sessions of before end now.
    """
    account = _account(login)
    people = people_of(console.site) if console.site.quorum else ()
    votes = any(person.login == login and person.may_vote for person in people)
    with transaction.atomic():
        account.set_unusable_password()
        account.is_active = True
        account.save()
        _end_everything(account)
        _write_down(console, "account invited again", account)
        return _invite(console, account, votes=votes)


def remove_person(console: Console, login: str) -> None:
    """Switch an account off: its sessions end, and nobody can log in to it. What it did stays in the log."""
    account = _account(login)
    with transaction.atomic():
        account.is_active = False
        account.set_unusable_password()
        account.save()
        _end_everything(account)
        _write_down(console, "account switched off", account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One account as the command line shows it."""

    login: str
    name: str
    role: str
    state: str
    second_factor: bool


def everybody() -> tuple[Standing, ...]:
    """Return every account, by login."""
    totp = Authenticator.objects.filter(type=Authenticator.Type.TOTP)
    with_factor = set(totp.values_list("user_id", flat=True))
    return tuple(
        Standing(
            login=account.login,
            name=account.name,
            role=account.role,
            state=_state(account),
            second_factor=account.pk in with_factor,
        )
        for account in Account.objects.order_by("login")
    )


def _state(account: Account) -> str:
    if not account.is_active:
        return "switched off"
    return "in use" if account.has_usable_password() else "invited"


def find_invitation(secret: str, *, now: datetime) -> Invitation | None:
    """Return the invitation of a secret; None when there is none that counts now."""
    found = Invitation.objects.select_related("account").filter(sha256=_digest(secret)).first()
    return found if found is not None and found.expires_at > now and found.account.is_active else None


def accept(invitation: Invitation, password: str) -> bool:
    """Set the password; False when somebody used the invitation a moment before."""
    account = invitation.account
    account.set_password(password)  # takes a while, so not while the database waits
    with transaction.atomic():
        if not Invitation.objects.filter(account=account).delete()[0]:
            return False
        account.save()
    return True


def _invite(console: Console, account: Account, *, votes: bool) -> Invited:
    secret = secrets.token_urlsafe(SECRET_BYTES)
    expires_at = console.now() + timedelta(hours=console.site.console.invitation_hours)
    Invitation.objects.filter(account=account).delete()
    Invitation.objects.create(sha256=_digest(secret), account=account, expires_at=expires_at)
    return Invited(
        login=account.login,
        name=account.name,
        role=account.role,
        link=f"{console.site.console.address}invitation/{secret}/",
        expires_at=expires_at,
        votes=votes,
    )


def _account(login: str) -> Account:
    account = Account.objects.filter(login=login).first()
    if account is None:
        raise ConfigError(f"{login} has no account.", do_next="`beamkeeper console people` lists them.")
    return account


def _end_everything(account: Account) -> None:
    Invitation.objects.filter(account=account).delete()
    Authenticator.objects.filter(user_id=account.pk).delete()
    for session in Session.objects.all():
        if session.get_decoded().get("_auth_user_id") == str(account.pk):
            session.delete()


def _write_down(console: Console, action: str, account: Account) -> None:
    console.ledger.audit.append(
        action,
        actor=ACTOR,
        outcome="ok",
        at=console.now(),
        details={"login": account.login, "role": account.role},
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
