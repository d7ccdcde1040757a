"""Where the wanted values stand, and the SELECT that fetches them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy import DateTime, bindparam, func, literal, select, text
from sqlalchemy.sql import column, table

from beamkeeper.wire.sql.select_only import checked_select

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from sqlalchemy.sql.selectable import Select, Subquery

NUMBER = "number of rows"
"""How the count of `counting_select` is called: no alias has blanks."""
KEYS_IN_ONE_STATEMENT_MAX = 500
"""More keys than this are asked for in several statements: every database has its own limit."""


KEYS = "keys"
"""The parameter that stands for the keys asked for: `WHERE t.RTPlanSer IN :keys`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRelation:
    """A table or view whose columns stand for aliases.

    Attributes
    ----------
    columns
        (alias, column name) pairs; each alias once.
    schema
        Schema of the table; "" for the default one.
    """

    table: str
    columns: tuple[tuple[str, str], ...]
    schema: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectRelation:
    """One SELECT (already checked) whose result columns are named by the aliases."""

    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsRelation:
    """A SELECT in parts, of which those that this database does not have can be left out.

    Attributes
    ----------
    columns
        (alias, expression) pairs; each alias once.
    source
        What follows FROM: tables, joins, WHERE, GROUP BY.
    parameters
        Names that may be bound.
    """

    columns: tuple[tuple[str, str], ...]
    source: str
    parameters: frozenset[str] = frozenset()

    def select(self, aliases: Container[str]) -> SelectRelation:
        """Return the SELECT of `aliases` only; raises `ConfigError` unless it is exactly that."""
        wanted = ", ".join(f'{text} AS "{alias}"' for alias, text in self.columns if alias in aliases)
        statement = f"SELECT {wanted} FROM {self.source}"  # noqa: S608 - checked in the same breath
        return SelectRelation(statement=checked_select(statement, parameters=self.parameters))


Resolved = TableRelation | SelectRelation
"""What rows are read from."""

Relation = Resolved | PartsRelation


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """Rows whose `alias` is one of `keys` (at most `KEYS_IN_ONE_STATEMENT_MAX`)."""

    alias: str
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Rows whose `alias` is at or after `start` and, when given, before `end`: naive server times."""

    alias: str
    start: datetime
    end: datetime | None = None


Condition = Among | Since


def relation_select(
    relation: Resolved, aliases: tuple[str, ...], conditions: tuple[Condition, ...], *, row_limit: int
) -> Select[Any]:
    """Return the SELECT of `aliases` from `relation` under all `conditions`, one row more than `row_limit`.

    The one row more tells a full answer from one that was cut.
    """
    rows = _subquery(relation, aliases)
    statement = select(*(rows.c[alias] for alias in aliases))
    for condition in conditions:
        statement = statement.where(_criterion(rows, condition))
    return statement.limit(row_limit + 1)


def counting_select(
    relation: Resolved, alias: str, conditions: tuple[Condition, ...], *, limit: int
) -> Select[Any]:
    """Return the SELECT of the different values of `alias` and their number, the commonest first."""
    asked = dict.fromkeys((alias, *(condition.alias for condition in conditions)))
    rows = _subquery(relation, tuple(asked))
    number = func.count().label(NUMBER)
    statement = select(rows.c[alias], number).group_by(rows.c[alias])
    for condition in conditions:
        statement = statement.where(_criterion(rows, condition))
    return statement.order_by(number.desc(), rows.c[alias]).limit(limit)


def _subquery(relation: Resolved, aliases: tuple[str, ...]) -> Subquery:
    if isinstance(relation, SelectRelation):
        return _bound(relation.statement).columns(*(column(alias) for alias in aliases)).subquery("q")
    names = dict(relation.columns)
    source = table(
        relation.table,
        *(column(name) for name in dict.fromkeys(names.values())),
        schema=relation.schema or None,
    )
    return select(*(source.c[names[alias]].label(alias) for alias in aliases)).subquery("q")


def _criterion(rows: Subquery, condition: Condition) -> sqlalchemy.ColumnElement[bool]:
    if isinstance(condition, Among):
        if len(condition.keys) > KEYS_IN_ONE_STATEMENT_MAX:
            raise ValueError(f"{len(condition.keys)} keys in one statement")
        return rows.c[condition.alias].in_(condition.keys)
    after = rows.c[condition.alias] >= literal(condition.start)
    if condition.end is None:
        return after
    return after & (rows.c[condition.alias] < literal(condition.end))


def aliases_probe(relation: SelectRelation) -> sqlalchemy.TextClause:
    """Return a SELECT without rows that tells which aliases a site's SELECT yields."""
    return _bound(f"SELECT * FROM ({relation.statement}) AS q WHERE 1 = 0")  # noqa: S608 - checked by select_only


def wants_keys(statement: str) -> bool:
    """Tell whether a statement can only be asked by keys: it names them deep inside."""
    return KEYS in parameter_names(text(statement))


def parameter_names(statement: sqlalchemy.ClauseElement) -> frozenset[str]:
    """Return the names of the parameters that a statement binds."""
    return frozenset(statement.compile().params)


def _bound(statement: str) -> sqlalchemy.TextClause:
    """Return a site's statement with its parameters typed: naive server times, and keys that are many."""
    clause = text(statement)
    times = (bindparam(name, type_=DateTime()) for name in parameter_names(clause) - {KEYS})
    typed = clause.bindparams(*times)
    return typed.bindparams(bindparam(KEYS, expanding=True)) if wants_keys(statement) else typed
