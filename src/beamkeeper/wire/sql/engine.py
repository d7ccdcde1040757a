"""Engines whose sessions cannot write, one way per database."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool, StaticPool

from beamkeeper.errors import ConfigError, SourceUnavailable
from beamkeeper.wire.sql.reports import FAMILY, reports_in_memory

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

SUPPORTED = ("sqlite", "postgresql", "mssql", FAMILY)


def read_only_engine(url: str, *, secret: str, timeout_s: float) -> Engine:
    """Return an engine for `url`; nothing is connected yet and no connection is kept.

    Raises
    ------
    ConfigError
        Not a URL of a supported database, a password inside the URL, or a driver that is not installed.
    SourceUnavailable
        The SQLite file is not there.
    """
    parsed = _parsed(url)
    family = parsed.get_backend_name()
    if family == "sqlite":
        return _sqlite(parsed, timeout_s)
    if family == FAMILY:
        return _as_it_is_asked(
            create_engine(
                "sqlite://",
                creator=lambda: reports_in_memory(parsed),
                poolclass=StaticPool,
                hide_parameters=True,
            )
        )
    if secret:
        parsed = parsed.set(password=secret)
    try:
        if family == "postgresql":
            return _postgresql(parsed.set(drivername="postgresql+psycopg"), timeout_s)
        return _sql_server(parsed, timeout_s)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(
            f"The driver for {parsed.drivername} is not installed.",
            do_next="Install it in Beamkeeper's environment (for SQL Server: pymssql).",
        ) from error


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "The address of the database is not a URL.", do_next="Write it like postgresql://reader@host/ois."
        ) from error
    if parsed.get_backend_name() not in SUPPORTED:
        raise ConfigError(
            f"There is no reader for {parsed.get_backend_name()} databases.",
            do_next=f"Supported: {', '.join(SUPPORTED)}.",
        )
    if parsed.password is not None:
        raise ConfigError(
            "The address of the database carries a password.",
            do_next="Take it out and name it as the source's secret.",
        )
    return parsed


def _sqlite(url: URL, timeout_s: float) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigError("The address names no SQLite file.", do_next="Write it like sqlite:////srv/ois.db.")
    path = Path(url.database)
    if not path.is_file():
        raise SourceUnavailable(
            f"There is no database file called {path.name}.",
            do_next="Check the path, and that the share it lies on is mounted.",
        )
    address = f"file:{quote(str(path.absolute()))}?mode=ro"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(address, uri=True, timeout=timeout_s, check_same_thread=False)
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        return connection

    return _as_it_is_asked(
        create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    )


def _as_it_is_asked(engine: Engine) -> Engine:
    """Return a SQLite engine whose transactions begin where we begin them."""

    @event.listens_for(engine, "begin")
    def _snapshot(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    @event.listens_for(engine, "connect")
    def _no_implicit_transactions(driver_connection: Any, _: object) -> None:
        driver_connection.isolation_level = None

    return engine


def _postgresql(url: URL, timeout_s: float) -> Engine:
    """Return an engine without just-in-time compilation: our many short questions each wait for it."""
    milliseconds = max(1, round(timeout_s * 1000))
    options = (
        "-c default_transaction_read_only=on -c jit=off "
        f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} "
        f"-c idle_in_transaction_session_timeout={milliseconds}"
    )
    arguments = {
        "options": options,
        "connect_timeout": max(2, round(timeout_s)),
        "application_name": "beamkeeper (reads only)",
    }
    return create_engine(
        url,
        connect_args=arguments,
        poolclass=NullPool,
        hide_parameters=True,
        execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    )


def _sql_server(url: URL, timeout_s: float) -> Engine:
    seconds = max(1, round(timeout_s))
    if url.drivername == "mssql":
        url = url.set(drivername="mssql+pymssql")
    arguments: dict[str, Any] = {}
    if url.get_driver_name() == "pymssql":
        arguments = {"login_timeout": seconds, "timeout": seconds, "read_only": True, "appname": "beamkeeper"}
    engine = create_engine(url, connect_args=arguments, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _wait_no_longer_for_locks(driver_connection: Any, _: object) -> None:
        cursor = driver_connection.cursor()
        cursor.execute(f"SET LOCK_TIMEOUT {seconds * 1000}")
        cursor.close()

    return engine
