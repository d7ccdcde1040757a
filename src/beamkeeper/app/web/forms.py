"""What people type: a new password, a vote."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django import forms
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from beamkeeper.domain.ballot import REASON_CHARACTERS_MAX, Verdict

if TYPE_CHECKING:
    from beamkeeper.app.web.models import Account

USED_CODE_KEPT_S: Final = 300
"""Longer than any code is right: three periods of 30 s."""
PASSWORD_CHARACTERS_MAX: Final = 256
"""Longer ones only make hashing slow."""


class _Once:
    """A code of a second factor counts once for as long as it could be typed again.

    allauth remembers a code for one period; with tolerance for clocks it is right for three.
    """

    user: Account

    def clean_code(self) -> str:
        """Return the code when it is right and was not used before."""
        code = str(super().clean_code())  # type: ignore[misc]
        digest = hashlib.sha256(f"{self.user.pk} {normalize_user_code(code)}".encode()).hexdigest()
        if not cache.add(f"code-used:{digest}", "y", timeout=USED_CODE_KEPT_S):
            raise get_adapter().validation_error("incorrect_code")
        return code


class SecondFactorForm(_Once, AuthenticateForm):  # type: ignore[misc]
    """The code of a second factor, or a recovery code, when somebody logs in."""


class SecondFactorAgainForm(_Once, ReauthenticateForm):  # type: ignore[misc]
    """The same before something is changed."""


class NewPasswordForm(forms.Form):
    """A password, twice."""

    password = forms.CharField(
        label=_("New password"),
        max_length=PASSWORD_CHARACTERS_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validators_help_text_html,
    )
    again = forms.CharField(
        label=_("The same once more"),
        max_length=PASSWORD_CHARACTERS_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, account: Account, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        self.account = account

    def clean_password(self) -> str:
        """Return a password that is hard enough to guess."""
        password = str(self.cleaned_data["password"])
        validate_password(password, self.account)
        return password

    def clean(self) -> dict[str, object]:
        """Refuse two different ones."""
        data = super().clean() or {}
        if "password" in data and data.get("again") != data["password"]:
            self.add_error("again", _("The two are not the same."))
        return data


class VoteForm(forms.Form):
    """One word on a list: which list, about whom, which word, and why."""

    digest = forms.RegexField(regex=r"^[0-9a-f]{64}$")
    patient = forms.RegexField(regex=r"^[A-Za-z0-9_-]{1,128}$", required=False)
    verdict = forms.ChoiceField(choices=[(verdict.value, verdict.value) for verdict in Verdict])
    reason = forms.CharField(max_length=REASON_CHARACTERS_MAX, required=False)
