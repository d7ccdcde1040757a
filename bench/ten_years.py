"""The list from an invented OIS database of many years: written once, asked several times."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine, create_engine, event, text

from beamkeeper.protect.census import CensusWindow, SqlSource
from beamkeeper.wire.sql import PartsRelation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from beamkeeper.protect.census import OisMapping
    from beamkeeper.rehearse.sim.vendor_tables import VendorTables

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


class Bulk(Protocol):
    """Rows of a large department."""

    def batches(self) -> Iterable[tuple[str, list[Any]]]:
        """Yield rows of one table after the other, in portions."""


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product's database: how it is asked, and how an invented one is written.

    Attributes
    ----------
    bulk
        Makes the rows, given the server's clock.
    columns
        Of each table, in the order in which rows have them.
    """

    name: str
    mapping: OisMapping
    tables: VendorTables
    columns: Mapping[str, Sequence[str]]
    bulk: Callable[..., Bulk]


def _as_text(value: Any) -> Any:
    """Return what SQLite keeps of a value."""
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value


def _write_sqlite(product: Product, path: Path, what: Bulk) -> Counter[str]:
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        product.tables.create(connection)
    written: Counter[str] = Counter()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN")
        for name, rows in what.batches():
            columns = product.columns[name]
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names
            connection.executemany(insert, ([_as_text(value) for value in row] for row in rows))
            written[name] += len(rows)
        connection.execute("COMMIT")
    with engine.begin() as connection:
        product.tables.create_indexes(connection)
        connection.execute(text("ANALYZE"))
    engine.dispose()
    return written


def _write_postgresql(product: Product, url: str, what: Bulk) -> Counter[str]:
    """Write into an empty database; one that has the tables is used as it is."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    written: Counter[str] = Counter()
    with engine.begin() as connection:
        if connection.dialect.has_table(connection, next(iter(product.columns)).lower()):
            return written
        product.tables.create(connection)
        cursor = connection.connection.cursor()
        for name, rows in what.batches():
            with cursor.copy(f"COPY {name} ({', '.join(product.columns[name])}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            written[name] += len(rows)
        product.tables.create_indexes(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
    return written


class _Clock:
    """How long the questions of each section take until all their rows are there."""

    def __init__(self, mapping: OisMapping) -> None:
        self._sources = [
            (section.relation.source.split(":keys")[0].strip(), section.label)
            for section in mapping.sections
            if isinstance(section.relation, PartsRelation)
        ]
        self._begun = 0.0
        self.seconds: Counter[str] = Counter()
        event.listen(Engine, "before_cursor_execute", self._begin)
        event.listen(Engine, "after_cursor_execute", self._end)

    def _begin(self, *_: Any) -> None:
        self._begun = time.perf_counter()

    def _end(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        took = time.perf_counter() - self._begun
        label = next((label for source, label in self._sources if source in statement), "other")
        self.seconds[label] += took

    def dearest(self) -> dict[str, float]:
        """Return the seconds since last asked, the dearest first, without what took next to nothing."""
        found, self.seconds = self.seconds, Counter()
        return {label: round(took, 2) for label, took in found.most_common() if took >= 0.05}


def _rounds(product: Product, url: str, count: int) -> Iterator[dict[str, Any]]:
    clock = _Clock(product.mapping)
    for _ in range(count):
        begun, cpu = time.perf_counter(), time.process_time()
        answer = SqlSource(product.mapping, url, read_only=False).ask(NOW, CensusWindow())
        yield {
            "questions_s": clock.dearest(),
            "seconds": round(time.perf_counter() - begun, 2),
            "own_cpu_s": round(time.process_time() - cpu, 2),
            "patients": len(answer.entries),
            "finished": len(answer.finished_patient_ids),
            "counts": sum(len(entry.counts) for entry in answer.entries),
            "differing": sum(bool(entry.disagreements) for entry in answer.entries),
        }


def run(product: Product, about: str) -> int:
    """Write the database, ask it, print what it took.

    Parameters
    ----------
    about
        What `--help` says.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--courses", type=int, default=6500, help="a year")
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgresql", metavar="URL")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    server_now = NOW.astimezone(product.mapping.zone).replace(tzinfo=None)
    what = product.bulk(server_now, courses_per_year=options.courses, years=options.years)
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as folder:
        path = (options.keep or Path(folder) / f"{product.name}.db").absolute()
        begun = time.perf_counter()
        written: Counter[str] = Counter()
        if options.postgresql:
            written = _write_postgresql(product, options.postgresql, what)
        elif not path.exists():
            written = _write_sqlite(product, path, what)
        took = {"writing_s": round(time.perf_counter() - begun), "rows": dict(written)}
        took["rounds"] = list(_rounds(product, options.postgresql or f"sqlite:///{path}", options.rounds))
    if options.json:
        options.json.write_text(json.dumps(took, indent=1), encoding="utf-8")
    sys.stdout.write(json.dumps(took, indent=1) + "\n")
    return 0
