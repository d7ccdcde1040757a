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
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

Rows = dict[str, list[dict[str, Any]]]
"""Rows of each table, by the table's name."""
Lacking = tuple[str, str]
"""(table, column) that a version of the product does not have."""

_TYPES: dict[str, TypeEngine[Any]] = {
    "bigint": BigInteger(),
    "int": Integer(),
    "smallint": SmallInteger(),
    "float": Float(),
    "datetime": DateTime(),
    "binary": LargeBinary(),
}


@dataclass(frozen=True, kw_only=True)
class VendorTables:
    """The tables of one product.

    Attributes
    ----------
    types
        What this product calls its types, where these differ from those every product has.
    quoted
        Names of columns that are keywords somewhere.
    """

    types: Mapping[str, TypeEngine[Any]] = field(default_factory=dict)
    quoted: frozenset[str] = frozenset()
    meta: MetaData = field(default_factory=MetaData)

    def table(self, name: str, columns: str, *, indexed: tuple[str, ...] = ()) -> Table:
        """Return a table from lines `Name Name … type`; the first column is the key."""
        found: list[Column[Any]] = []
        for line in filter(None, map(str.strip, columns.splitlines())):
            *names, written = line.split()
            found += [self._column(one, self._type(written), is_key=False) for one in names]
        found[0].primary_key = True
        table = Table(name, self.meta, *found, quote=False)
        for column in indexed:
            Index(f"ix_{name}_{column}".lower(), table.c[column])
        return table

    def _type(self, written: str) -> TypeEngine[Any]:
        kind, _, width = written.partition(":")
        if kind in {"char", "varchar"}:
            return CHAR(int(width)) if kind == "char" else String(int(width))
        return self.types[kind] if kind in self.types else _TYPES[kind]

    def _column(self, name: str, kind: TypeEngine[Any], *, is_key: bool) -> Column[Any]:
        return Column(name, kind, primary_key=is_key, autoincrement=False, quote=name in self.quoted)

    def _there(self, table: Table, without: Collection[Lacking]) -> Table:
        """Return a table without its indexes and without what a version of the product lacks."""
        columns = [
            self._column(one.name, one.type, is_key=one.primary_key)
            for one in table.columns
            if (table.name, one.name) not in without
        ]
        return Table(table.name, MetaData(), *columns, quote=False)

    def create(self, connection: Connection, *, without: Collection[Lacking] = ()) -> None:
        """Make all tables, without indexes and without the columns named."""
        for table in self.meta.sorted_tables:
            self._there(table, without).create(connection)

    def create_indexes(self, connection: Connection) -> None:
        """Make the indexes a database of this size has."""
        for table in self.meta.sorted_tables:
            for index in sorted(table.indexes, key=lambda one: str(one.name)):
                index.create(connection)

    def write(
        self,
        connection: Connection,
        rows: Mapping[str, list[dict[str, Any]]],
        *,
        without: Collection[Lacking] = (),
    ) -> None:
        """Write rows of the tables they are named after, without the columns named."""
        for table in self.meta.sorted_tables:
            if of_table := rows.get(table.name):
                there = self._there(table, without)
                connection.execute(there.insert(), [_padded(there, row) for row in of_table])

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
