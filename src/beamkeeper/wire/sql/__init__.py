"""Reading other people's databases, and only reading: SELECT statements over SQLAlchemy Core.

A `Relation` says where the wanted values stand: a table with its columns, one SELECT whose aliases are
fixed, or a SELECT in parts of which those that are not there are left out. An `OpenSource` reads rows
from it over one read-only connection with a row limit and a time limit; `read_text`, `read_instant` and
their kin turn what a driver returns into our types.
A folder of CSV reports is asked like a database.
No statement that writes can be built here, and a SELECT written by a site is refused unless it is
exactly that.
"""

from beamkeeper.wire.sql.reader import OpenSource, Row, open_source
from beamkeeper.wire.sql.relation import (
    Among,
    Condition,
    PartsRelation,
    Relation,
    Resolved,
    SelectRelation,
    Since,
    TableRelation,
    wants_keys,
)
from beamkeeper.wire.sql.reports import oldest_report
from beamkeeper.wire.sql.select_only import checked_select
from beamkeeper.wire.sql.server import ServerFacts
from beamkeeper.wire.sql.values import (
    read_bool,
    read_date,
    read_float,
    read_instant,
    read_int,
    read_long_text,
    read_text,
)

__all__ = [
    "Among",
    "Condition",
    "OpenSource",
    "PartsRelation",
    "Relation",
    "Resolved",
    "Row",
    "SelectRelation",
    "ServerFacts",
    "Since",
    "TableRelation",
    "checked_select",
    "oldest_report",
    "open_source",
    "read_bool",
    "read_date",
    "read_float",
    "read_instant",
    "read_int",
    "read_long_text",
    "read_text",
    "wants_keys",
]
