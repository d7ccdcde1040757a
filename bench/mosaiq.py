"""The list from a MOSAIQ database of ten years: how long the census asks.

    python bench/mosaiq.py [--courses 6500] [--years 10] [--rounds 3] [--json FILE] [--keep FILE]
                           [--postgresql URL]

The invented database is written once (a few minutes, some GB) and asked several times with the mapping that
is shipped. By default it is an SQLite file in a temporary folder; with --keep it stays and is used again.
With --postgresql it is written into an empty database of that server, by a login that may.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text

from beamkeeper.protect.census import CensusWindow, SqlSource
from beamkeeper.protect.census.mosaiq import mosaiq_mapping
from beamkeeper.protect.ois_settings import MosaiqSettings
from beamkeeper.rehearse.sim.mosaiq import create_indexes, create_tables
from beamkeeper.rehearse.sim.mosaiq.bulk import COLUMNS, Bulk

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
MAPPING = mosaiq_mapping(MosaiqSettings(timezone="Europe/Brussels"))


def bulk(courses: int, years: int) -> Bulk:
    """Return what is written: the server's clock shows Brussels' time."""
    return Bulk(NOW.astimezone(MAPPING.zone).replace(tzinfo=None), courses_per_year=courses, years=years)


def as_text(value: Any) -> Any:
    """Return what SQLite keeps of a value."""
    return value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value


def write_sqlite(path: Path, what: Bulk) -> Counter[str]:
    """Write the database; return how many rows each table has."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        create_tables(connection)
    written: Counter[str] = Counter()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN")
        for name, rows in what.batches():
            marks = ", ".join("?" * len(COLUMNS[name]))
            insert = f"INSERT INTO {name} ({', '.join(COLUMNS[name])}) VALUES ({marks})"  # noqa: S608 - our own names
            connection.executemany(insert, ([as_text(value) for value in row] for row in rows))
            written[name] += len(rows)
        connection.execute("COMMIT")
    with engine.begin() as connection:
        create_indexes(connection)
        connection.execute(text("ANALYZE"))
    engine.dispose()
    return written


def write_postgresql(url: str, what: Bulk) -> Counter[str]:
    """Write into an empty database; return how many rows each table has."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    written: Counter[str] = Counter()
    with engine.begin() as connection:
        create_tables(connection)
        cursor = connection.connection.cursor()
        for name, rows in what.batches():
            with cursor.copy(f"COPY {name} ({', '.join(COLUMNS[name])}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            written[name] += len(rows)
        create_indexes(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
    return written


def rounds(url: str, count: int) -> Iterator[dict[str, Any]]:
    """Yield what each round of asking took."""
    for _ in range(count):
        begun, cpu = time.perf_counter(), time.process_time()
        answer = SqlSource(MAPPING, url, read_only=False).ask(NOW, CensusWindow())
        seconds = time.perf_counter() - begun
        yield {
            "seconds": round(seconds, 2),
            "own_cpu_s": round(time.process_time() - cpu, 2),
            "patients": len(answer.entries),
            "finished": len(answer.finished_patient_ids),
            "differing": sum(bool(entry.disagreements) for entry in answer.entries),
        }


def main() -> int:
    """Write the database, ask it, print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--courses", type=int, default=6500, help="a year")
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgresql", metavar="URL")
    parser.add_argument("--keep", type=Path, metavar="FILE")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    what = bulk(options.courses, options.years)
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as folder:
        path = (options.keep or Path(folder) / "mosaiq.db").absolute()
        begun = time.perf_counter()
        written: Counter[str] = Counter()
        if options.postgresql:
            written = write_postgresql(options.postgresql, what)
        elif not path.exists():
            written = write_sqlite(path, what)
        took = {"writing_s": round(time.perf_counter() - begun), "rows": dict(written)}
        took["rounds"] = list(rounds(options.postgresql or f"sqlite:///{path}", options.rounds))
    if options.json:
        options.json.write_text(json.dumps(took, indent=1), encoding="utf-8")
    sys.stdout.write(json.dumps(took, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
