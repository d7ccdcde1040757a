"""A sheet as CSV that no spreadsheet program takes for formulas."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beamkeeper.protect.lists.sheet import Sheet

HARMLESS: Final = "\u00a0"
"""No-break space: a cell that begins with it is text to every spreadsheet, and a person reads the same.

An apostrophe would be read as part of the name, and an ordinary space is dropped before a number, so that
"+32 2 555" would lose its plus.
"""
DANGEROUS: Final = frozenset("=+-@\t\r\n＝＋－＠")
"""First characters that some spreadsheet program takes for the beginning of a formula or a command."""


def sheet_csv(sheet: Sheet, *, bom: bool = False) -> bytes:
    """Return the sheet as CSV in UTF-8: a line of titles, then the rows (RFC 4180).

    Parameters
    ----------
    bom
        Begin with a byte order mark, by which Excel knows that it is UTF-8.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(sheet.columns)
    writer.writerows(map(_harmless_row, sheet.rows))
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8", "replace")


def harmless(value: str) -> str:
    """Return a cell that no spreadsheet program computes."""
    value = value.replace("\x00", "")
    return HARMLESS + value if value[:1] in DANGEROUS and value else value


def _harmless_row(row: Iterable[str]) -> list[str]:
    return [harmless(value) for value in row]
