"""Django's settings for the pages of one site, and setting Django up with them, once a process."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.utils import DatabaseError

from beamkeeper.app.sealed_data import verify_sealed
from beamkeeper.app.web.certificates import SECRET_NAME, console_dir
from beamkeeper.errors import ConfigError, KeyUnavailable, StorageFull

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock

HERE: Final = Path(__file__).parent
DATABASE_NAME: Final = "console.db"
CACHE_TABLE: Final = "console_limits"
BUSY_S: Final = 20
PASSWORD_LETTERS_MIN: Final = 12
POST_BYTES_MAX: Final = 64 << 10
FIELDS_MAX: Final = 50
QUIET_LOGGERS: Final = {
    "django.request": logging.ERROR,
    "django.security": logging.ERROR,
    "django.security.DisallowedHost": logging.CRITICAL,
}
"""Whoever is outside could fill the log; the audit log has what matters."""
HSTS_S: Final = 365 * 24 * 3600
KEPT_SHUT: Final[Mapping[str, Any]] = {
    "DEBUG": False,
    "SECURE_CONTENT_TYPE_NOSNIFF": True,
    "SECURE_REFERRER_POLICY": "same-origin",
    "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_EXPIRE_AT_BROWSER_CLOSE": True,
    "DATA_UPLOAD_MAX_MEMORY_SIZE": POST_BYTES_MAX,
    "DATA_UPLOAD_MAX_NUMBER_FIELDS": FIELDS_MAX,
    "DATA_UPLOAD_MAX_NUMBER_FILES": 0,
}
"""What holds for all pages of ours; hosts, TLS and cookies are each site's own."""

LIMITS: Final = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "invitation": "20/h/ip",
}
"""How often the same address, account or person may try; see django-allauth's rate limits."""


def settings_for(site: Site) -> dict[str, Any]:
    """Return everything Django has to know to show the pages of a site.

    Raises
    ------
    KeyUnavailable
        The console was never made.
    """
    return {
        **_what_it_is_made_of(site),
        **_how_it_is_kept_shut(site),
        **_how_people_log_in(),
        "SECRET_KEY": _secret(console_dir(site) / SECRET_NAME),
        "LOGGING_CONFIG": None,
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": True,
        "LANGUAGE_CODE": "en",
        "LANGUAGES": [("nl", "Nederlands"), ("fr", "Français"), ("de", "Deutsch"), ("en", "English")],
        "LOCALE_PATHS": [HERE / "locale"],
        "FORMS_URLFIELD_ASSUME_HTTPS": True,
    }


def _what_it_is_made_of(site: Site) -> dict[str, Any]:
    loaders = ["django.template.loaders.app_directories.Loader"]
    return {
        "INSTALLED_APPS": [
            "beamkeeper.app.web",  # before allauth: its templates are ours
            "beamkeeper.ledger",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "allauth",
            "allauth.account",
            "allauth.mfa",
        ],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "beamkeeper.app.web.shielding.headers",
            "beamkeeper.app.web.shielding.plain_direction",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "beamkeeper.app.web.middleware.session_times",
            "beamkeeper.app.web.middleware.tongue",
            "beamkeeper.app.web.gate.Gate",
        ],
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(site.data_dir / DATABASE_NAME),
                "OPTIONS": {
                    "timeout": BUSY_S,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
                    "PRAGMA foreign_keys=ON;",
                },
            }
        },
        "DATABASE_ROUTERS": ["beamkeeper.app.web.routing.Apart"],
        "CACHES": {
            "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": CACHE_TABLE}
        },
        "ROOT_URLCONF": "beamkeeper.app.web.urls",
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [("django.template.loaders.cached.Loader", loaders)],
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                        "beamkeeper.app.web.context.every_page",
                    ],
                    "builtins": ["beamkeeper.app.web.templatetags.shown", "django.templatetags.i18n"],
                },
            }
        ],
        "STATIC_URL": "/static/",
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
    }


def _how_it_is_kept_shut(site: Site) -> dict[str, Any]:
    section = site.console
    return {
        **KEPT_SHUT,
        "ALLOWED_HOSTS": allowed(section.hosts),
        "SECURE_HSTS_SECONDS": HSTS_S,
        "SESSION_ENGINE": "django.contrib.sessions.backends.db",
        "SESSION_COOKIE_NAME": "__Host-beamkeeper",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_AGE": section.session_hours * 3600,
        "CSRF_USE_SESSIONS": True,
        "CSRF_FAILURE_VIEW": "beamkeeper.app.web.views.refusals.forged",
        "LANGUAGE_COOKIE_NAME": "__Host-language",
        "LANGUAGE_COOKIE_SECURE": True,
        "LANGUAGE_COOKIE_HTTPONLY": True,
        "LANGUAGE_COOKIE_SAMESITE": "Lax",
    }


def allowed(hosts: Iterable[str]) -> list[str]:
    """Return names and addresses as Django compares them: IPv6 addresses in brackets."""
    return [f"[{host}]" if ":" in host else host for host in hosts]


def _how_people_log_in() -> dict[str, Any]:
    validation = "django.contrib.auth.password_validation"
    return {
        "AUTH_USER_MODEL": "console.Account",
        "AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "AUTH_PASSWORD_VALIDATORS": [
            {
                "NAME": f"{validation}.UserAttributeSimilarityValidator",
                "OPTIONS": {"user_attributes": ("login", "name")},
            },
            {
                "NAME": f"{validation}.MinimumLengthValidator",
                "OPTIONS": {"min_length": PASSWORD_LETTERS_MIN},
            },
            {"NAME": f"{validation}.CommonPasswordValidator"},
            {"NAME": f"{validation}.NumericPasswordValidator"},
        ],
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "tonight",
        "ACCOUNT_LOGOUT_REDIRECT_URL": "account_login",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "ACCOUNT_USER_MODEL_USERNAME_FIELD": "login",
        "ACCOUNT_USER_MODEL_EMAIL_FIELD": None,
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_PREVENT_ENUMERATION": True,
        "ACCOUNT_SESSION_REMEMBER": False,
        "ACCOUNT_RATE_LIMITS": LIMITS,
        "ACCOUNT_ADAPTER": "beamkeeper.app.web.adapters.AccountAdapter",
        "MFA_ADAPTER": "beamkeeper.app.web.adapters.SecondFactorAdapter",
        "MFA_ALLOW_UNVERIFIED_EMAIL": True,
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        "MFA_TOTP_TOLERANCE": 1,
        "MFA_TOTP_ISSUER": "Beamkeeper",
        "MFA_FORMS": {
            "authenticate": "beamkeeper.app.web.forms.SecondFactorForm",
            "reauthenticate": "beamkeeper.app.web.forms.SecondFactorAgainForm",
        },
    }


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnavailable(
            "The console of this site was never made.", do_next="Run `beamkeeper console init`."
        ) from error


def prepare(site: Site, clock: Clock) -> None:
    """Set Django up for the pages of a site; before anything opens its ledger.

    Raises
    ------
    KeyUnavailable
        The console was never made.
    ConfigError
        This process shows another site already.
    """
    from beamkeeper.app.web.console import SETTING, Console  # noqa: PLC0415 - after a ledger it is too late

    verify_sealed(site)
    if settings.configured:
        known = getattr(settings, SETTING, None)
        if known is None or known.site != site:
            raise ConfigError("This process was set up for something else.", do_next="Start another one.")
        return
    settings.configure(**settings_for(site))
    for name, level in QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(level)
    django.setup()
    migrate(site)
    from beamkeeper.app.jobs.runtime import open_ledger  # noqa: PLC0415 - Django's settings come first

    setattr(settings, SETTING, Console(site, open_ledger(site), clock))


def migrate(site: Site) -> None:
    """Bring the console's tables to this version, in a file that only its owner may read."""
    path = site.data_dir / DATABASE_NAME
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
    except (OSError, sqlite3.Error, DatabaseError) as error:
        raise StorageFull(
            f"The console's database {path.name} cannot be written ({type(error).__name__}).",
            do_next="Check the disk, the room on it, and that the file belongs to the collector's user.",
        ) from error
    finally:
        connection.close()
