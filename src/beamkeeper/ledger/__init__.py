"""What we remember: nights, patients, kept objects, changes, lists, positions, and the audit log.

`Ledger.open(url)` is the only way in; answers are frozen values. The tables are Django models with
migrations, on SQLite by default and on PostgreSQL by one line of the site file; nothing outside this
room sees a model or a query. Everything but the audit log can be rebuilt from the vault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.ledger.rows import (
    AnnouncementRow,
    ChangeRow,
    CopyRow,
    DocumentRow,
    MirrorRow,
    NightRow,
    PatientRow,
    PositionRow,
    RemovalPlaceRow,
    RemovalRow,
    RetentionRow,
    WordRow,
)

if TYPE_CHECKING:
    from beamkeeper.ledger.ledger import Ledger

__all__ = [
    "AnnouncementRow",
    "ChangeRow",
    "CopyRow",
    "DocumentRow",
    "Ledger",
    "MirrorRow",
    "NightRow",
    "PatientRow",
    "PositionRow",
    "RemovalPlaceRow",
    "RemovalRow",
    "RetentionRow",
    "WordRow",
]


def __getattr__(name: str) -> object:
    """Import what needs Django's settings only when it is asked for.

    Django imports this package while it sets itself up; the models may not be imported before that.
    """
    if name != "Ledger":
        raise AttributeError(name)
    from beamkeeper.ledger import ledger  # noqa: PLC0415 - see above

    return ledger.Ledger
