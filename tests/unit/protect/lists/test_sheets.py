"""Where a list is parted among sheets of paper: a small group stays whole, and no word is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from people_on_lists import HEAD
from reading_pdf import pdf_pages

from beamkeeper.protect.lists.page import Column, Group, PageRow, cell, headed
from beamkeeper.protect.lists.pdf import page_pdf

if TYPE_CHECKING:
    from pathlib import Path

    from beamkeeper.protect.lists.page import Page

CARDS, ROWS = 9, 5


def page(*groups: Group) -> Page:
    return headed(
        HEAD,
        title="Role cards",
        summary=(),
        columns=(Column("What", 1),),
        groups=groups,
        notes=(),
        decides="People decide.",
        empty="",
    )


def group(number: int, *texts: str) -> Group:
    return Group(f"Card {number}", "", tuple(PageRow((cell(text),)) for text in texts))


def test_a_group_of_few_rows_is_not_torn_by_the_end_of_a_sheet(tmp_path: Path) -> None:
    cards = [group(card, *(f"card {card} row {row}" for row in range(ROWS))) for card in range(CARDS)]
    sheets = pdf_pages(page_pdf(page(*cards), made_at=0), tmp_path)

    assert len(sheets) > 1
    for card in range(CARDS):
        of = [sheet.count(f"card{card}row") for sheet in sheets]
        assert sorted(of) == [*[0] * (len(sheets) - 1), ROWS]


def test_a_group_taller_than_a_sheet_goes_on_the_next_and_loses_nothing(tmp_path: Path) -> None:
    lines = [cell(f"begin{row}", *["word " * 180] * 12, f"end{row}") for row in range(3)]
    tall = Group("Card 1", "", tuple(PageRow((one,)) for one in lines))
    text = "".join(pdf_pages(page_pdf(page(tall), made_at=0), tmp_path))

    assert all(f"begin{row}" in text and f"end{row}" in text for row in range(3))
    assert text.count("word") == 3 * 12 * 180
