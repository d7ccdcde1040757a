"""Accounts and the invitations that make them; nothing about patients."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from beamkeeper.protect.quorum import Role

if TYPE_CHECKING:
    from datetime import datetime

LOGIN_CHARACTERS_MAX = 40
NAME_CHARACTERS_MAX = 80
LANGUAGES = (("nl", "Nederlands"), ("fr", "Français"), ("de", "Deutsch"), ("en", "English"))
"""Each in its own words: somebody who landed in the wrong one still finds theirs."""


class AccountManager(BaseUserManager["Account"]):
    """Finds accounts by their login, as it was given."""


class Account(AbstractBaseUser):
    """One person's account. Without a password nobody can log in to it.

    The role is the one it was made with; the site file has to name the same person with the same role
    before their votes count.
    """

    login: models.CharField[str, str] = models.CharField(max_length=LOGIN_CHARACTERS_MAX, unique=True)
    name: models.CharField[str, str] = models.CharField(max_length=NAME_CHARACTERS_MAX)
    role: models.CharField[str, str] = models.CharField(
        max_length=20, choices=[(role.value, role.value) for role in Role]
    )
    language: models.CharField[str, str] = models.CharField(max_length=2, choices=LANGUAGES, default="en")
    is_active: models.BooleanField[bool, bool] = models.BooleanField(default=True)
    made_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.login

    @property
    def duty(self) -> Role:
        """What this person does in the department."""
        return Role(self.role)


class Invitation(models.Model):
    """A secret that sets a password once; only its SHA-256 is kept."""

    sha256: models.CharField[str, str] = models.CharField(max_length=64, primary_key=True)
    account: models.ForeignKey[Account, Account] = models.ForeignKey(Account, on_delete=models.CASCADE)
    expires_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    def __str__(self) -> str:
        return f"invitation of {self.account.login}"
