"""Reading the plans that SQLite makes: which tables a question reads from end to end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def scanned(statement: str, steps: Iterable[str], codes: Collection[str]) -> set[str]:
    """Return the tables, but for those of codes, that a plan reads whole.

    A plan says the statement's name for a table, and what else it scans is made by the statement itself.
    """
    tables = re.findall(r"\b(?:FROM|JOIN)\s+(\w+)\s+(?:AS\s+)?(\w+)", statement)
    found = {match[1] for step in steps if (match := re.match(r"SCAN (\w+)", step))}
    return {table for table, alias in tables if alias in found} - set(codes)
