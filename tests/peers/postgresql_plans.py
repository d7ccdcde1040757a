"""Reading the plans that PostgreSQL makes: which tables a question reads from end to end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from tests.peers.postgresql_cluster import PrivateCluster

    from beamkeeper.rehearse.sim.vendor_tables import VendorTables

SCANS = {"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Sample Scan"}
SETTINGS = {
    "enable_seqscan": "off", "enable_mergejoin": "off", "enable_hashjoin": "off",
    "cpu_tuple_cost": 1, "cpu_index_tuple_cost": 1, "random_page_cost": 0.01,
}  # fmt: skip
"""To read a row is dear, to look for one cheap: as it is where tables are large."""
ROWS = 3_000
"""So many are added to each table: of a handful all are read, whatever is asked."""


def padded(cluster: PrivateCluster, database: str, tables: VendorTables) -> str:
    """Return the address of a copy of a database with many rows more, of a key and nothing else."""
    copy = f"{database}_padded"
    cluster.sql(f"CREATE DATABASE {copy} TEMPLATE {database}")
    more = [
        f"INSERT INTO {table.name} ({next(iter(table.primary_key.columns)).name})"  # noqa: S608 - our own names
        f" SELECT 900000000 + n FROM generate_series(1, {ROWS}) AS n"
        for table in tables.meta.sorted_tables
    ]
    cluster.sql("; ".join([*more, "ANALYZE"]), database=copy)
    return cluster.url(copy, "reader")


def explained(url: str, questions: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each statement with its plan, where what reads a table whole is the last resort."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        for name, value in SETTINGS.items():
            connection.exec_driver_sql(f"SET {name} = {value}")
        for statement, values in questions:
            (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).one()
            yield statement, (plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]
    engine.dispose()


def unbounded(plan: dict[str, Any], codes: Collection[str]) -> set[str]:
    """Return the tables, but for those of codes, that a plan reads without starting at a key or a date."""
    found = set()
    if plan["Node Type"] in SCANS and plan["Relation Name"] not in codes:
        indexes = [plan] if "Bitmap" not in plan["Node Type"] else _outer(plan)
        if not all(_has_start(one) for one in indexes):
            found.add(plan["Relation Name"])
    return found.union(*(unbounded(part, codes) for part in plan.get("Plans", ())))


def _outer(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a node reads from, without the questions that stand inside its filter."""
    return [part for part in plan["Plans"] if part["Parent Relationship"] == "Outer"]


def _has_start(node: dict[str, Any]) -> bool:
    """Whether a scan goes to some rows of an index; a bitmap may be made of several, each of which does."""
    if node["Node Type"] in {"BitmapOr", "BitmapAnd"}:
        return all(_has_start(part) for part in node["Plans"])
    return "Index Cond" in node
