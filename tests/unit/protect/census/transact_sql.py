"""Reading a statement as SQL Server would: another's grammar, the tables' own names, rules.

No SQL Server can be had freely where the tests run. sqlglot reads its language and finds every column in
the tables; the rules are those by which SQL Server refuses what SQLite and PostgreSQL take, each with the
number of its message. What none of them knows is not found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlglot.expressions import Expression

FOREIGN = (exp.DPipe, exp.Boolean, exp.ILike, exp.Anonymous, exp.Offset, exp.Lateral, exp.TryCast)
"""Of other databases, or a function that is not known."""
PLACES = (exp.Where, exp.And, exp.Or, exp.Not, exp.Paren, exp.If, exp.Join, exp.Having, exp.Case)
"""Where a predicate may stand: it is no value."""


def refused(statement: str, tables: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return why SQL Server would not run a statement; nothing when nothing is known against it."""
    try:
        tree = sqlglot.parse_one(statement, dialect="tsql")
        qualify(tree.copy(), dialect="tsql", schema=dict(tables))
    except SqlglotError as error:
        return [str(error).splitlines()[0]]
    return [*_foreign(tree), *_predicates(tree), *_aggregates(tree), *_ungrouped(tree)]


def _foreign(tree: Expression) -> Iterator[str]:
    for node in tree.find_all(*FOREIGN):
        yield f"not of its language: {node.sql(dialect='tsql')[:60]}"
    for node in tree.find_all(exp.Order):
        if isinstance(node.parent, exp.Select) and node.parent.parent is not None:
            yield "1033: ORDER BY inside a subquery"


def _predicates(tree: Expression) -> Iterator[str]:
    for node in tree.find_all(exp.Predicate):
        if not isinstance(node, exp.SubqueryPredicate | exp.Binary | exp.Exists | exp.In):
            continue
        if not isinstance(node.parent, PLACES) or (
            isinstance(node.parent, exp.If) and node.parent.this is not node
        ):
            yield f"156: a predicate where a value stands: {node.sql(dialect='tsql')[:60]}"


def _aggregates(tree: Expression) -> Iterator[str]:
    for node in tree.find_all(exp.AggFunc):
        inside = [one for one in node.find_all(exp.AggFunc, exp.Select) if one is not node]
        if inside:
            yield f"130: an aggregate over a subquery or an aggregate: {node.sql(dialect='tsql')[:60]}"


def _ungrouped(tree: Expression) -> Iterator[str]:
    """Yield columns of a grouped SELECT that are neither grouped nor added up (message 8120)."""
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        added_up = any(_own(select, node) for node in select.find_all(exp.AggFunc))
        if not group and not added_up:
            continue
        grouped = {one.sql(dialect="tsql") for one in group.expressions} if group else set()
        for expression in select.expressions:
            for column in expression.find_all(exp.Column):
                inside = column.find_ancestor(exp.AggFunc, exp.Select)
                if inside is select and column.sql(dialect="tsql") not in grouped:
                    yield f"8120: neither grouped nor added up: {column.sql(dialect='tsql')}"


def _own(select: Expression, node: Expression) -> bool:
    return node.find_ancestor(exp.Select) is select
