"""A folder of CSV reports as a database: for a system that gives files and no login.

Each file is a table: its name before `.csv` is the table's, its first line names the columns. Everything is
text, an empty cell is NULL. A file that cannot be read whole refuses the folder: half a list must never look
like a list.
"""

from __future__ import annotations

import csv
import io
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from beamkeeper.errors import SourceAnswerInvalid, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

FAMILY: Final = "csv"
FILES_MAX: Final = 100
FILE_BYTES_MAX: Final = 64 << 20
COLUMNS_MAX: Final = 200
CELL_CHARACTERS_MAX: Final = 1 << 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""What UTF-16 begins with, as spreadsheets write it."""


def reports_in_memory(url: URL) -> sqlite3.Connection:
    """Return a database that holds the reports of a folder and can only be asked.

    Raises
    ------
    SourceUnavailable
        No folder, no report in it, or one that is being written just now.
    SourceAnswerInvalid
        A report that cannot be read whole.
    """
    database = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        for path in _reports(url):
            _fill(database, path.stem, _whole(path))
    except BaseException:
        database.close()
        raise
    database.commit()
    database.execute("PRAGMA query_only=ON")
    database.execute("PRAGMA trusted_schema=OFF")
    return database


def oldest_report(url: str) -> tuple[str, datetime] | None:
    """Return which report of a folder was written longest ago, and when; None for a real database.

    Raises
    ------
    SourceUnavailable
        No folder, or no report in it.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None  # whoever opens it says so
    if parsed.get_backend_name() != FAMILY:
        return None
    written = min((path.stat().st_mtime, path.stem) for path in _reports(parsed))
    return written[1], datetime.fromtimestamp(written[0], tz=UTC)


def _reports(url: URL) -> list[Path]:
    """Return the files that are called like a table; others may lie beside them."""
    folder = Path(url.database or "")
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".csv" and p.is_file())
    except OSError as error:
        raise SourceUnavailable(
            "The folder of reports cannot be read.",
            do_next="Check the path, the rights on it, and that the share it lies on is mounted.",
        ) from error
    named = [path for path in found if _NAME.fullmatch(path.stem)]
    if not named:
        raise SourceUnavailable(
            "The folder of reports holds no CSV file called like a table.",
            do_next="Look whether the scheduled report ran, and what its files are called.",
        )
    if len(named) > FILES_MAX:
        raise SourceAnswerInvalid(f"The folder of reports holds more than {FILES_MAX} tables.")
    return named


def _whole(path: Path) -> str:
    """Return the text of a report that nobody wrote to while it was read."""
    try:
        before = path.stat()
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        after = path.stat()
    except OSError as error:
        raise SourceUnavailable(f"The report {path.stem} cannot be read.") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceUnavailable(f"The report {path.stem} is being written.", do_next="Try again later.")
    if len(data) > FILE_BYTES_MAX:
        raise SourceAnswerInvalid(f"The report {path.stem} is longer than {FILE_BYTES_MAX >> 20} MiB.")
    try:
        text = data.decode("utf-16" if data.startswith(_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceAnswerInvalid(
            f"The report {path.stem} is no UTF-8.", do_next="Have it written as CSV in UTF-8."
        ) from error
    if "\0" in text:
        raise SourceAnswerInvalid(f"The report {path.stem} is no CSV: it holds NUL characters.")
    return text


def _fill(database: sqlite3.Connection, table: str, text: str) -> None:
    rows = _rows(table, text)
    columns = next(rows, [])
    if not 0 < len(columns) <= COLUMNS_MAX or not all(_NAME.fullmatch(one) for one in columns):
        raise SourceAnswerInvalid(
            f"The first line of the report {table} does not name its columns.",
            do_next="Letters, digits and underscores; separated by comma, semicolon or tab.",
        )
    if len({one.casefold() for one in columns}) < len(columns):
        raise SourceAnswerInvalid(f"Two columns of the report {table} have one name.")
    names = ", ".join(f'"{one}"' for one in columns)
    database.execute(f'CREATE TABLE "{table}" ({names})')
    places = ", ".join("?" * len(columns))
    database.executemany(
        f'INSERT INTO "{table}" VALUES ({places})',  # noqa: S608 - checked names; values are bound
        ([cell or None for cell in row] for row in rows),
    )


def _rows(table: str, text: str) -> Iterator[list[str]]:
    """Yield the rows, the names of the columns first; all of one length."""
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    width = 0
    try:
        for row in reader:
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                counted = f"has {len(row)} cells, the first line {width}"
                raise SourceAnswerInvalid(
                    f"Line {reader.line_num} of the report {table} {counted}.",
                    do_next="A cell that holds the separator or a line break stands in double quotes.",
                )
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise SourceAnswerInvalid(
            f"Line {reader.line_num} of the report {table} is no CSV.",
            do_next="Look for an open quote there.",
        ) from error
