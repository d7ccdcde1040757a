"""A PostgreSQL server of our own: a private cluster on a Unix socket, gone when the tests are."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVER_USER = "postgres"


class PrivateCluster:
    """Starts a server that listens on a socket in its own folder only; use it as a context manager.

    Parameters
    ----------
    program
        The fixture that finds programs.
    """

    def __init__(self, program: Callable[[str], str]) -> None:
        self._program = program
        self.folder = Path(tempfile.mkdtemp(prefix="bk-pg-"))
        self._data = self.folder / "data"

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self.folder, SERVER_USER)
        self._run(
            "initdb", "--auth=trust", f"--username={SERVER_USER}", "--encoding=UTF8", "--no-sync", self._data
        )
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{self.folder}'\nfsync = off\n")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self.folder / "log", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop", check=False)

    def sql(self, statement: str, *, database: str = "postgres") -> None:
        """Run a statement as the owner of the server."""
        self._run("psql", "-h", self.folder, "-d", database, "-v", "ON_ERROR_STOP=1", "-q", "-c", statement)

    @contextmanager
    def without(self, database: str, table: str, column: str) -> Iterator[None]:
        """Take a column away for a while, as in a version of the product that lacks it."""
        self.sql(f"ALTER TABLE {table} RENAME COLUMN {column} TO gone", database=database)
        yield
        self.sql(f"ALTER TABLE {table} RENAME COLUMN gone TO {column}", database=database)

    def url(self, database: str, user: str = SERVER_USER) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def _run(self, name: str, *arguments: object, check: bool = True) -> None:
        command = [self._program(name), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", SERVER_USER, "--", *command]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{name} failed: {done.stderr[-500:]}")
