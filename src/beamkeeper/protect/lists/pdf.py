"""A page as PDF/A: A4 landscape, legible in black and white; every value goes in as data, never as markup."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from beamkeeper.domain.words import line
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from beamkeeper.protect.lists.page import Cell, Page

_TEMPLATE = files(__package__).joinpath("list.typ").read_bytes()


def page_pdf(page: Page, *, made_at: int, numbered: bool = True) -> bytes:
    """Return the page as PDF; the same page gives the same bytes.

    Parameters
    ----------
    made_at
        Unix time that stands in the file as its date.
    numbered
        Write "page 1 of 5"; a binder counts its pages through instead.
    """
    return set_pdf(_TEMPLATE, _facts(page) | {"numbered": numbered}, made_at=made_at)


def _facts(page: Page) -> dict[str, object]:
    return {
        "title": page.title,
        "site": page.site_name,
        "night": page.night,
        "trust": page.trust,
        "made": page.made,
        "warnings": list(page.warnings),
        "summary": list(page.summary),
        "notes": list(page.notes),
        "decides": page.decides,
        "empty": page.empty if page.is_empty else "",
        "pictures": [
            {"svg": one.svg.decode(), "caption": line(one.caption), "alternative": line(one.alternative)}
            for one in page.pictures
        ],
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
    return [[line.shown, line.style.value] for line in cell]
