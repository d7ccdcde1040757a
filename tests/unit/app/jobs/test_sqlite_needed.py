"""A Python that DBOS asks more of than its SQLite can do is named before a night begins."""

from __future__ import annotations

import pytest

from beamkeeper.app.jobs.durable import verify_sqlite
from beamkeeper.errors import ConfigError

SQLITE, POSTGRESQL = "sqlite:////srv/jobs.db", "postgresql://jobs@host/jobs"


def test_a_newer_python_on_an_older_sqlite_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"Python 3\.13 stands here on SQLite 3\.40\.1") as refused:
        verify_sqlite(SQLITE, python=(3, 13), sqlite=(3, 40, 1))

    assert "Python 3.11" in refused.value.do_next


@pytest.mark.parametrize(
    ("jobs_url", "python", "sqlite"),
    [
        (SQLITE, (3, 11), (3, 40, 1)),
        (SQLITE, (3, 12), (3, 42, 0)),
        (SQLITE, (3, 13), (3, 46, 1)),
        (POSTGRESQL, (3, 13), (3, 40, 1)),
    ],
)
def test_what_fits_together_is_not_refused(
    jobs_url: str, python: tuple[int, ...], sqlite: tuple[int, ...]
) -> None:
    verify_sqlite(jobs_url, python=python, sqlite=sqlite)
