"""The list from an ARIA database of ten years: how long the census asks.

    python bench/aria.py [--courses 6500] [--years 10] [--rounds 3] [--json FILE] [--keep FILE]
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
from typing import Any

from sqlalchemy import create_engine, text

from beamkeeper.protect.census import CensusWindow, SqlSource, aria_mapping
from beamkeeper.protect.ois_settings import AriaSettings
from beamkeeper.rehearse.sim.aria import TABLES
from beamkeeper.rehearse.sim.aria.bulk import COLUMNS, Bulk

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
MAPPING = aria_mapping(AriaSettings(timezone="Europe/Brussels", schema="", triage_column="UserDefAttrib03"))


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
        TABLES.create(connection)
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
        TABLES.create_indexes(connection)
        connection.execute(text("ANALYZE"))
    engine.dispose()
    return written


def write_postgresql(url: str, what: Bulk) -> Counter[str]:
    """Write into an empty database; return how many rows each table has."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    written: Counter[str] = Counter()
    with engine.begin() as connection:
        TABLES.create(connection)
        cursor = connection.connection.cursor()
        for name, rows in what.batches():
            with cursor.copy(f"COPY {name} ({', '.join(COLUMNS[name])}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            written[name] += len(rows)
        TABLES.create_indexes(connection)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
    return written


def asked(url: str, rounds: int) -> tuple[list[float], dict[str, int]]:
    """Return the seconds of each round, and what the last answered."""
    seconds: list[float] = []
    answer = None
    for _ in range(rounds):
        source = SqlSource(MAPPING, url, read_only=False)
        start = time.monotonic()
        answer = source.ask(NOW, CensusWindow())
        seconds.append(time.monotonic() - start)
    if answer is None:
        return seconds, {}
    facts = {
        "patients": len(answer.entries),
        "finished": len(answer.finished_patient_ids),
        "counts": sum(len(entry.counts) for entry in answer.entries),
        "disagreements": sum(len(entry.disagreements) for entry in answer.entries),
    }
    return seconds, facts


def main() -> int:
    """Write, ask, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--courses", type=int, default=6_500)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--postgresql")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beamkeeper-bench-") as folder:
        path = options.keep or Path(folder) / "aria.db"
        url = options.postgresql or f"sqlite:///{path}"
        written: Counter[str] = Counter()
        start = time.monotonic()
        if options.postgresql:
            written = write_postgresql(url, bulk(options.courses, options.years))
        elif not path.is_file():
            written = write_sqlite(path, bulk(options.courses, options.years))
        wrote_s = time.monotonic() - start
        seconds, facts = asked(url, options.rounds)
    result: dict[str, Any] = {
        "rows": written.total(),
        "beams": written["RadiationHstry"],
        "written_s": round(wrote_s, 1),
    }
    result |= {"asked_s": [round(one, 2) for one in seconds], **facts}
    sys.stdout.write(json.dumps(result, indent=1) + "\n")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
