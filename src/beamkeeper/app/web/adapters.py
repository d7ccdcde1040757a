"""What django-allauth asks us: nobody signs up, nothing is mailed, secrets are stored encrypted."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings

from beamkeeper.app.web.models import Account
from beamkeeper.app.web.permissions import SECOND_FACTOR

if TYPE_CHECKING:
    from django.http import HttpRequest

JUST_NOW_S: Final = 300.0


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made on the collector's command line only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up."""
        del request
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return who is at the other end of the connection; no header can say otherwise."""
        return str(request.META["REMOTE_ADDR"])

    def is_ajax(self, request: HttpRequest) -> bool:
        """Answer everybody with pages: without this, a header of the asker turns forms into JSON."""
        del request
        return False

    def is_reauthentication_required(self, *, app: str, **_named: object) -> bool:
        """Ask again before a second factor is changed, unless somebody logged in just now."""
        del app
        records = get_authentication_records(self.request, self.request.user)
        return not records or time.time() - records[-1]["at"] > JUST_NOW_S

    def add_message(self, *_arguments: object, **_named: object) -> None:
        """Say nothing of its own: the pages speak for themselves."""

    def send_mail(self, *_arguments: object, **_named: object) -> None:
        """Mail nothing: the console knows no addresses."""


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors: encrypted at rest, and kept by whoever must have one."""

    def encrypt(self, text: str) -> str:
        """Return a secret as it is stored."""
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a stored secret."""
        return _box().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Whether this person may do without."""
        account = authenticator.user
        assert isinstance(account, Account)  # noqa: S101 - our own user model
        return account.duty not in SECOND_FACTOR

    def send_notification_mail(self, *_arguments: object, **_named: object) -> None:
        """Mail nothing."""


def _box() -> Fernet:
    key = hashlib.sha256(b"second factors of the console" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def has_second_factor(account: Account) -> bool:
    """Whether a person has a second factor."""
    return bool(Authenticator.objects.filter(user_id=account.pk, type=Authenticator.Type.TOTP).exists())
