"""Whether the login we were given could write; asked before anything else."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection


class WritingLogin(Enum):
    """The answer."""

    NO = "no"
    YES = "yes"


_POSTGRESQL = """
SELECT EXISTS (
  SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    AND (has_table_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'UPDATE')
      OR has_table_privilege(c.oid, 'DELETE')))
"""

_SQL_SERVER = """
SELECT CASE WHEN HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'INSERT') = 1
              OR HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UPDATE') = 1
              OR HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'DELETE') = 1 THEN 1 ELSE 0 END
"""


def may_write(connection: Connection) -> WritingLogin:
    """Ask the database whether this login may write to any of its tables.

    SQLite has no logins: the file is opened read-only, so the answer is no.
    """
    question = {"postgresql": _POSTGRESQL, "mssql": _SQL_SERVER}.get(connection.dialect.name)
    if question is None:
        return WritingLogin.NO
    return WritingLogin.YES if connection.execute(text(question)).scalar_one() else WritingLogin.NO
