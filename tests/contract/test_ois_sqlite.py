"""The OIS contract over SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.contract.ois_contract import OisContract
from tests.contract.ois_department import CONTENT, TABLES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("ois") / "ois.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES)
        for table, rows in CONTENT.items():
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own names
        connection.commit()
    return f"sqlite:///{path}"


class TestSqliteOis(OisContract):
    """SQLite keeps times as text and pads nothing by itself."""
