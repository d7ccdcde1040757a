"""Where each page is. Who may see it: `permissions`; a path without a line there is shown to nobody."""

from __future__ import annotations

from datetime import date

from allauth.account.views import login, logout, password_change, reauthenticate
from allauth.mfa.base.views import authenticate, index
from allauth.mfa.base.views import reauthenticate as reauthenticate_by_factor
from allauth.mfa.recovery_codes.views import generate_recovery_codes, view_recovery_codes
from allauth.mfa.totp.views import activate_totp, deactivate_totp
from django.urls import path, register_converter

from beamkeeper.app.web.paths import Pseudonym
from beamkeeper.app.web.views import (
    account,
    audit,
    changes,
    drawings,
    mirrors,
    nights,
    patients,
    people,
    refusals,
    tonight,
)


class _Day:
    """A date in a path."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class _Uid(Pseudonym):
    """A DICOM UID in a path."""

    regex = r"[0-9.]{1,64}"


register_converter(_Day, "day")
register_converter(_Uid, "uid")
register_converter(Pseudonym, "pseudonym")

urlpatterns = [
    path("", tonight.tonight, name="tonight"),
    path("changes/", changes.newest, name="newest-changes"),
    path("changes/<day:night>/", changes.changes, name="changes"),
    path("changes/<day:night>/vote/", changes.vote, name="vote"),
    path("changes/<day:night>/<pseudonym:pseudonym>/<uid:uid>/", drawings.drawings, name="drawings"),
    path("changes/<day:night>/<pseudonym:pseudonym>/<uid:uid>/picture.svg", drawings.picture, name="picture"),
    path("patients/", patients.patients, name="patients"),
    path("patients/<pseudonym:pseudonym>/", patients.patient, name="patient"),
    path("nights/", nights.nights, name="nights"),
    path("nights/<day:night>/", nights.night, name="night"),
    path("mirrors/", mirrors.mirrors, name="mirrors"),
    path("people/", people.people, name="people"),
    path("audit/", audit.audit, name="audit"),
    path("language/", account.language, name="language"),
    path("invitation/<slug:secret>/", account.invitation, name="invitation"),
    path("login/", login, name="account_login"),
    path("login/off/", account.inactive, name="account_inactive"),
    path("login/code/", authenticate, name="mfa_authenticate"),
    path("logout/", logout, name="account_logout"),
    path("account/", index, name="mfa_index"),
    path("account/password/", password_change, name="account_change_password"),
    path("account/again/", reauthenticate, name="account_reauthenticate"),
    path("account/again/code/", reauthenticate_by_factor, name="mfa_reauthenticate"),
    path("account/factor/", activate_totp, name="mfa_activate_totp"),
    path("account/factor/off/", deactivate_totp, name="mfa_deactivate_totp"),
    path("account/recovery/", view_recovery_codes, name="mfa_view_recovery_codes"),
    path("account/recovery/new/", generate_recovery_codes, name="mfa_generate_recovery_codes"),
]

handler400 = refusals.not_understood
handler403 = refusals.not_yours
handler404 = refusals.not_there
handler500 = refusals.our_mistake
