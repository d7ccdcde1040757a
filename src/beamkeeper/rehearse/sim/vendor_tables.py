"""Tables as a vendor calls them: one schema for SQLite, PostgreSQL and SQL Server.

Names are written unquoted, as SQL Server has them: PostgreSQL folds them, and so do the questions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    create_engine,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

Rows = dict[str, list[dict[str, Any]]]
"""Rows of each table, by the table's name."""

_TYPES: dict[str, TypeEngine[Any]] = {
    "bigint": BigInteger(),
    "int": Integer(),
    "smallint": SmallInteger(),
    "float": Float(),
    "datetime": DateTime(),
    "binary": LargeBinary(),
}


def _type(written: str) -> TypeEngine[Any]:
    kind, _, width = written.partition(":")
    if kind in {"char", "varchar"}:
        return CHAR(int(width)) if kind == "char" else String(int(width))
    return _TYPES[kind]


@dataclass(slots=True)
class VendorTables:
    """The tables of one product."""

    meta: MetaData = field(default_factory=MetaData)

    def table(self, name: str, columns: str, *, indexed: tuple[str, ...] = ()) -> Table:
        """Return a table from lines `Name Name … type`; the first column is the key."""
        found: list[Column[Any]] = []
        for line in filter(None, map(str.strip, columns.splitlines())):
            *names, written = line.split()
            found += [Column(one, _type(written), autoincrement=False, quote=False) for one in names]
        found[0].primary_key = True
        table = Table(name, self.meta, *found, quote=False)
        for column in indexed:
            Index(f"ix_{name}_{column}".lower(), table.c[column])
        return table

    def create(self, connection: Connection) -> None:
        """Make all tables, without indexes."""
        for table in self.meta.sorted_tables:
            indexes, table.indexes = table.indexes, set()
            try:
                table.create(connection)
            finally:
                table.indexes = indexes

    def create_indexes(self, connection: Connection) -> None:
        """Make the indexes a database of this size has."""
        for table in self.meta.sorted_tables:
            for index in sorted(table.indexes, key=lambda one: str(one.name)):
                index.create(connection)

    def write(self, connection: Connection, rows: Mapping[str, list[dict[str, Any]]]) -> None:
        """Write rows of the tables they are named after."""
        for table in self.meta.sorted_tables:
            if of_table := rows.get(table.name):
                connection.execute(table.insert(), [_padded(table, row) for row in of_table])

    def write_sqlite(self, path: Path, rows: Mapping[str, list[dict[str, Any]]]) -> None:
        """Write a database of its own to `path`."""
        engine = create_engine(f"sqlite:///{path}")
        try:
            with engine.begin() as connection:
                self.create(connection)
                self.write(connection, rows)
                self.create_indexes(connection)
        finally:
            engine.dispose()


def _padded(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row as fixed-length columns give it back: text filled up with blanks.

    SQLite does not do it by itself, and a reader that forgets to trim must be found out there too.
    """
    whole: dict[str, Any] = {column.name: row.get(column.name) for column in table.columns}
    for column in table.columns:
        value = whole[column.name]
        if isinstance(column.type, CHAR) and isinstance(value, str):
            whole[column.name] = value.ljust(column.type.length or 0)
    return whole
