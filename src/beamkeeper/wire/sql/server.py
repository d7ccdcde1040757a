"""What a database server says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_QUESTIONS = {
    "sqlite": ("SQLite", "SELECT sqlite_version(), '', NULL"),
    "postgresql": (
        "PostgreSQL",
        "SELECT current_setting('server_version'), current_database(), LOCALTIMESTAMP",
    ),
    "mssql": (
        "SQL Server",
        "SELECT CAST(SERVERPROPERTY('ProductVersion') AS NVARCHAR(128)), DB_NAME(), GETDATE()",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Product, version and database of one connection.

    Attributes
    ----------
    wall_time
        What the server's clock shows, without a zone; None for a file, which has no clock.
    """

    product: str
    version: str
    database: str
    wall_time: datetime | None


def server_facts(connection: Connection) -> ServerFacts:
    """Ask the server which it is and what time it has."""
    product, question = _QUESTIONS[connection.dialect.name]
    version, database, wall_time = connection.execute(text(question)).one()
    return ServerFacts(
        product=product,
        version=str(version),
        database=str(database),
        wall_time=wall_time.replace(tzinfo=None) if isinstance(wall_time, datetime) else None,
    )
