"""A page as text of 80 columns, for a terminal and for a printer that knows nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beamkeeper.domain.words import COLUMNS, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.protect.lists.page import Cell, Page, PageRow

_INDENT: Final = "     "


def page_text(page: Page) -> str:
    """Return the page as text; the same page gives the same text."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: Page) -> Iterator[str]:
    yield from _wrap(f"{page.title.upper()} · {page.site_name}")
    yield from _wrap(f"{page.night}. {page.trust} {page.made}.")
    for said in page.summary:
        yield from _wrap(said)
    for said in page.warnings:
        yield from _wrap(f"▲ {said}", indent="  ")
    yield from _wrap(page.decides)
    if page.is_empty:
        yield from ("", *_wrap(f"▲ {page.empty}"))
    for group in page.groups:
        yield ""
        yield from _wrap(f"{group.title}  {group.said}".strip())
        yield "=" * COLUMNS
        for row in group.rows:
            yield from _row(page, row)
            yield "-" * COLUMNS
    for picture in page.pictures:
        yield from _wrap(f"(picture) {picture.caption}")
    yield ""
    for said in page.notes:
        yield from _wrap(said)
    yield from _wrap(f"{page.decides} Not a medical device.")


def _row(page: Page, row: PageRow) -> Iterator[str]:
    first, second, *others = row.cells
    yield from _wrap(f"{_joined(first):<4} {_joined(second)}", indent=_INDENT)
    for column, cell in zip(page.columns[2:], others, strict=True):
        if cell:
            yield from _wrap(f"{_INDENT}{column.title}: {_joined(cell)}", indent=_INDENT + "  ")
    for line in row.under:
        yield from _wrap(f"{_INDENT}{line.shown}", indent=_INDENT + "  ")


def _joined(cell: Cell) -> str:
    return " · ".join(line.shown for line in cell)


def _wrap(text: str, indent: str = "") -> Iterator[str]:
    start = text[: len(text) - len(text.lstrip(" "))]
    return wrapped(text, first=start, rest=indent)
