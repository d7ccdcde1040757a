"""Keeps the console's tables and the ledger's apart: each in a database of its own."""

from __future__ import annotations

LEDGER_APP = "ledger"


class Apart:
    """Django's question which tables belong into which database."""

    def allow_migrate(self, db: str, app_label: str, **_hints: object) -> bool:
        """Whether tables of an application are made in a database."""
        return (app_label == LEDGER_APP) == (db != "default")
