"""A page as PDF: A4 landscape, legible in black and white; every value goes in as data, never as markup."""

from __future__ import annotations

import json
import re
import unicodedata
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import typst

if TYPE_CHECKING:
    from beamkeeper.protect.lists.page import Cell, Page

_TEMPLATE = files(__package__).joinpath("list.typ").read_bytes()
_LONG = re.compile(r"[^\s\u200b]{16}(?=[^\s\u200b])")
_BREAK_HERE = "\u200b"
"""Zero width space: where a word longer than a column may be broken."""


_PRINTED: Final = frozenset({"LATIN", "GREEK", "CYRILLIC", "HEBREW", "ARABIC"})
"""Scripts that the fonts which come with typst have; any other needs a font of the computer."""
MAY_BE_BOXES: Final = (
    "Boxes stand for letters that this computer has no font for. Go by birth date and Patient ID; the HTML, "
    "the text and the spreadsheet have the letters."
)


def page_pdf(page: Page, *, made_at: int, numbered: bool = True) -> bytes:
    """Return the page as PDF; the same page gives the same bytes.

    Not PDF/A: that refuses a name with a character the font lacks, and no list at all is worse.

    Parameters
    ----------
    made_at
        Unix time that stands in the file as its date.
    numbered
        Write "page 1 of 5"; a binder counts its pages through instead.
    """
    facts = json.dumps(_facts(page) | {"numbered": numbered}, ensure_ascii=False)
    pdf = typst.compile(_TEMPLATE, sys_inputs={"facts": facts}, timestamp=made_at)
    assert isinstance(pdf, bytes), "one document was asked for"  # noqa: S101
    return pdf + b"\n"  # Orthanc takes the last byte of an even number for padding, unless it ends a line


def _facts(page: Page) -> dict[str, object]:
    return {
        "title": page.title,
        "site": page.site_name,
        "night": page.night,
        "trust": page.trust,
        "made": page.made,
        "warnings": [*page.warnings, *([MAY_BE_BOXES] if _may_be_boxes(page) else [])],
        "summary": list(page.summary),
        "notes": list(page.notes),
        "decides": page.decides,
        "empty": page.empty if page.is_empty else "",
        "columns": [{"title": column.title, "width": column.width} for column in page.columns],
        "groups": [
            {
                "title": group.title,
                "said": group.said,
                "rows": [
                    {"cells": [_cell(cell) for cell in row.cells], "under": _cell(row.under)}
                    for row in group.rows
                ],
            }
            for group in page.groups
        ],
    }


def _cell(cell: Cell) -> list[list[str]]:
    return [[breakable(line.shown), line.style.value] for line in cell]


def _may_be_boxes(page: Page) -> bool:
    letters = {
        sign
        for group in page.groups
        for row in group.rows
        for cell in (*row.cells, row.under)
        for line in cell
        for sign in line.text
        if sign.isalpha()
    }
    return any(unicodedata.name(sign, "").partition(" ")[0] not in _PRINTED for sign in letters)


def breakable(text: str) -> str:
    """Return text whose long words may be broken."""
    return _LONG.sub(lambda found: found.group() + _BREAK_HERE, text)
