"""Django's settings for the pages of one incident, and setting Django up with them, once a process."""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import django
from django.conf import settings

from beamkeeper.app.jobs.incident_folder import IncidentFolder
from beamkeeper.app.web.settings import HSTS_S, KEPT_SHUT, QUIET_LOGGERS, allowed

if TYPE_CHECKING:
    from beamkeeper.app.web.room.serving import Place, Undeclared
    from beamkeeper.clock import Clock

HERE: Final = Path(__file__).parent
SESSIONS_MAX: Final = 10_000
"""Only whoever came through a door has a session; more than this would be somebody's mistake."""
SESSION_LASTS: Final = timedelta(days=31)
"""A screen in the room is left alone for as long as the incident lasts; acts ask for a passphrase."""


def settings_for(where: Place, *, reads_a_vault: bool = False) -> dict[str, Any]:
    """Return everything Django has to know to show the pages of an incident."""
    return {
        **_what_it_is_made_of(reads_a_vault=reads_a_vault),
        **_how_it_is_kept_shut(where),
        # Sessions end with the process that made them.
        "SECRET_KEY": secrets.token_hex(48),
        "LOGGING_CONFIG": None,
        "USE_TZ": True,
        "TIME_ZONE": "UTC",
        "USE_I18N": False,
        "LANGUAGE_CODE": "en",
        "FORMS_URLFIELD_ASSUME_HTTPS": True,
    }


def _what_it_is_made_of(*, reads_a_vault: bool) -> dict[str, Any]:
    loaders = ["django.template.loaders.app_directories.Loader"]
    return {
        "INSTALLED_APPS": [
            "beamkeeper.app.web.room",
            # Its tables are not used; what makes lists of a vault knows it.
            *(["beamkeeper.ledger"] if reads_a_vault else ()),
            "django.contrib.messages",
            "django.contrib.staticfiles",
        ],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "beamkeeper.app.web.shielding.headers",
            "beamkeeper.app.web.shielding.plain_direction",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "beamkeeper.app.web.room.gate.Gate",
        ],
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
                "OPTIONS": {"MAX_ENTRIES": SESSIONS_MAX},
            }
        },
        "ROOT_URLCONF": "beamkeeper.app.web.room.urls",
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [("django.template.loaders.cached.Loader", loaders)],
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.messages.context_processors.messages",
                        "beamkeeper.app.web.room.context.every_page",
                    ],
                    "builtins": ["beamkeeper.app.web.room.templatetags.shown_room"],
                },
            }
        ],
        "STATIC_URL": "/static/",
        # The console's style sheet and mark are these pages', too.
        "STATICFILES_DIRS": [HERE.parent / "static"],
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "MESSAGE_STORAGE": "django.contrib.messages.storage.session.SessionStorage",
    }


def _how_it_is_kept_shut(where: Place) -> dict[str, Any]:
    is_tls = not where.is_loopback
    prefix = "__Host-" if is_tls else ""  # browsers take the prefix with TLS only
    return {
        **KEPT_SHUT,
        "ALLOWED_HOSTS": allowed(where.hosts),
        "SECURE_HSTS_SECONDS": HSTS_S if is_tls else 0,
        "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
        "SESSION_COOKIE_NAME": f"{prefix}room-{where.port}",  # cookies of two rooms on one computer
        "SESSION_COOKIE_SECURE": is_tls,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_AGE": int(SESSION_LASTS.total_seconds()),
        "CSRF_COOKIE_NAME": f"{prefix}room-form-{where.port}",
        "CSRF_COOKIE_SECURE": is_tls,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CSRF_FAILURE_VIEW": "beamkeeper.app.web.room.views.refusals.forged",
    }


def prepare(path: Path, where: Place, token: str, clock: Clock, undeclared: Undeclared | None = None) -> None:
    """Set Django up for the pages of an incident, or for declaring it first; once a process."""
    from beamkeeper.app.web.room.doors import Doors  # noqa: PLC0415 - with the room
    from beamkeeper.app.web.room.lobby import Lobby  # noqa: PLC0415 - with the room
    from beamkeeper.app.web.room.room import SETTING, Room  # noqa: PLC0415 - with the room

    settings.configure(**settings_for(where, reads_a_vault=undeclared is not None))
    for name, level in QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(level)
    django.setup()
    doors = Doors(token)
    if undeclared is None:
        setattr(settings, SETTING, Room(IncidentFolder.open(path), clock, doors))
    else:
        setattr(settings, SETTING, Lobby(path, clock, doors, undeclared))
