"""Sheets as one XLSX workbook: text only, no formula, no link, no macro; the same sheets, the same bytes."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import xlsxwriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.protect.lists.sheet import Sheet

CELL_CHARACTERS_MAX: Final = 32_767
"""Excel's own limit; what is longer is cut and says so."""
_CUT: Final = " [cut]"
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_WIDTH_MIN, _WIDTH_MAX = 8, 40


def workbook_xlsx(sheets: Sequence[Sheet], *, made_at: datetime) -> bytes:
    """Return the sheets as a workbook, each with its head above the titles, which stay in sight."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(out, {**options, "strings_to_numbers": False})
    book.set_properties({"author": "Beamkeeper", "created": made_at.astimezone(UTC).replace(tzinfo=None)})
    bold = book.add_format({"bold": True})
    titles = book.add_format({"bold": True, "bottom": 2, "text_wrap": True, "valign": "top"})
    text = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        for row, (what, value) in enumerate(sheet.about):
            page.write_string(row, 0, what, bold)
            page.write_string(row, 1, _fit(value))
        top = len(sheet.about) + 1
        for column, title in enumerate(sheet.columns):
            page.write_string(top, column, title, titles)
            page.set_column(column, column, _width([title, *(values[column] for values in sheet.rows)]))
        for row, values in enumerate(sheet.rows, start=top + 1):
            for column, value in enumerate(values):
                page.write_string(row, column, _fit(value), text)
        page.freeze_panes(top + 1, 2)
        page.repeat_rows(top)
        if sheet.rows:
            page.autofilter(top, 0, top + len(sheet.rows), len(sheet.columns) - 1)
        page.set_footer(f"&L{_plain(sheet.about[-1][1])}&R&P / &N")
    book.close()
    return out.getvalue()


def _fit(value: str) -> str:
    plain = _NOT_XML.sub("\ufffd", value)
    return plain if len(plain) <= CELL_CHARACTERS_MAX else plain[: CELL_CHARACTERS_MAX - len(_CUT)] + _CUT


def _width(values: Sequence[str]) -> int:
    return min(max(_WIDTH_MIN, *(len(value) + 1 for value in values)), _WIDTH_MAX)


def _plain(text: str) -> str:
    """Return text for a footer, where "&" begins a code and 255 characters are the limit."""
    return text.replace("&", "and")[:200]
