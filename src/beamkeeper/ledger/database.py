"""Opening the ledger's database, and giving each thread a connection only while it needs one."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import InterfaceError, OperationalError, ProgrammingError

from beamkeeper.errors import BeamkeeperError, ConfigError, IntegrityError, LedgerUnavailable, StorageFull
from beamkeeper.ledger import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_S = 20
"""How long a writer waits for another one before it gives up."""

_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"
)
"""What is deleted is overwritten: a removed patient's name shall not lie in the free pages of the file."""

_preparing = threading.Lock()


def prepare_django() -> None:
    """Tell Django what the ledger is, once a process; settings made by a caller before are left alone."""
    with _preparing:
        if settings.configured:
            return
        settings.configure(
            INSTALLED_APPS=["beamkeeper.ledger"],
            DATABASES={},
            USE_TZ=True,
            TIME_ZONE="UTC",
            LOGGING_CONFIG=None,
        )
        django.setup()


def database_settings(url: str, *, secret: str = "") -> dict[str, Any]:
    """Return Django's settings for the database at `url`.

    Parameters
    ----------
    url
        `sqlite:////path/ledger.db` or `postgresql://user@host:5432/name`; a directory of a Unix socket
        as `postgresql://user@/name?host=/run/postgresql`.
    secret
        The password of PostgreSQL; never part of the URL.

    Raises
    ------
    ConfigError
        Not such a URL.
    """
    parts = urlsplit(url)
    if parts.password:
        raise ConfigError(
            "The ledger's address carries a password.",
            do_next="Take it out and name it as a secret of the site file.",
        )
    if parts.scheme == "sqlite" and not parts.netloc and parts.path.startswith("//"):
        return _sqlite(Path(unquote(parts.path[1:])))
    if parts.scheme in {"postgresql", "postgres"} and len(parts.path) > 1:
        return _postgresql(url, secret)
    raise ConfigError(
        "The ledger's address is not understood.",
        do_next="Write it like sqlite:////srv/beamkeeper/ledger.db or postgresql://beamkeeper@localhost/beamkeeper.",
    )


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": TIMEOUT_S,
            "transaction_mode": "IMMEDIATE",
            "init_command": _PRAGMAS,
        },
    }


def _postgresql(url: str, secret: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": secret,
        "HOST": (query.get("host") or [parts.hostname or ""])[0],
        "PORT": (query.get("port") or [str(parts.port or "")])[0],
        "OPTIONS": {"connect_timeout": TIMEOUT_S, "options": f"-c lock_timeout={TIMEOUT_S * 1000}"},
    }


class Database:
    """One database of the process, under an alias of its own.

    Parameters
    ----------
    url, secret
        As in `database_settings`.
    """

    def __init__(self, url: str, *, secret: str = "") -> None:
        prepare_django()
        wanted = database_settings(url, secret=secret)
        self.alias = f"ledger-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
        self._depth = threading.local()
        self._file = Path(wanted["NAME"]) if "sqlite" in wanted["ENGINE"] else None
        with _preparing:
            if self.alias not in connections.databases:
                known = connections.configure_settings({"default": {}, self.alias: wanted})
                connections.databases[self.alias] = known[self.alias]

    def create_file(self) -> None:
        """Create the SQLite file so that only its owner may read it; it holds names."""
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StorageFull(
                f"The ledger {self._file.name} cannot be written ({error.strerror}).",
                do_next="Check the directory, its owner and the room on that disk.",
            ) from error

    def migrate(self) -> None:
        """Bring the tables to this version.

        Every job asks. Django builds all models twice to learn that nothing is to be done (38 ms); what
        was applied stands in one table.
        """
        with self.session():
            applied = MigrationRecorder(connections[self.alias]).applied_migrations()
            if all(("ledger", module.name) in applied for module in iter_modules(migrations.__path__)):
                return
            call_command("migrate", "ledger", database=self.alias, verbosity=0, interactive=False)

    def overwrite_freed(self) -> None:
        """Leave nothing of what was deleted beside the database; PostgreSQL does so in its own time."""
        connection = connections[self.alias]
        with self.session():
            if connection.vendor == "sqlite":
                with connection.cursor() as cursor:
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def session(self) -> Iterator[None]:
        """Keep this thread's connection open inside, and hang up at the outermost end.

        Database errors leave as ours; the driver's text stays in the cause, because it may quote values.
        """
        self._depth.value = getattr(self._depth, "value", 0) + 1
        try:
            yield
        except (DatabaseError, InterfaceError) as error:
            ours = _ours(error)
            if ours is None:
                raise
            raise ours from error
        finally:
            self._depth.value -= 1
            if self._depth.value == 0:
                connections[self.alias].close()


_FULL_WORDS = ("disk is full", "no space", "readonly database", "read-only")
_DAMAGED_WORDS = ("malformed", "not a database", "corrupt")
_NO_TABLES_WORDS = ("no such table", "no such column")


def _ours(error: Exception) -> BeamkeeperError | None:
    """Return our error for a database error; None for a mistake of ours (a constraint, a wrong statement)."""
    words = str(error).lower()
    if any(word in words for word in _FULL_WORDS):
        return StorageFull(
            "The ledger cannot be written: its disk is full or may not be written to.",
            do_next="Make room on that disk or restore the right to write, then run again; nothing was lost.",
        )
    if any(word in words for word in _DAMAGED_WORDS):
        return IntegrityError(
            "The ledger's database is damaged.",
            do_next="Move the file aside and run `beamkeeper vault rebuild`: the vault holds what was in it.",
        )
    if _lacks_tables(error, words):
        return LedgerUnavailable(
            "The ledger's tables are not those of this version.",
            do_next="Run `beamkeeper status` once: it brings the tables to this version.",
        )
    if isinstance(error, OperationalError | InterfaceError):
        return LedgerUnavailable(
            f"The ledger's database gave no answer ({type(error.__cause__ or error).__name__}).",
            do_next="Check that it runs and that nobody else holds it, then run again; nothing was lost.",
        )
    return None


def _lacks_tables(error: Exception, words: str) -> bool:
    """Whether a table or column is unknown: SQLite calls that operational, PostgreSQL a wrong statement."""
    if isinstance(error, ProgrammingError):
        return "does not exist" in words
    return isinstance(error, OperationalError) and any(known in words for known in _NO_TABLES_WORDS)
