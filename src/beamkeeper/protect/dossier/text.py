"""The dossier as text of 80 columns: for a terminal, a mail, a screen reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beamkeeper.domain.words import COLUMNS, columns_of, wrapped
from beamkeeper.protect.dossier.sheet import Lines, Marked, Pairs, Shown, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beamkeeper.protect.dossier.sheet import Block, Dossier, Section, Standing

LABEL_COLUMNS_MAX = 22


def render_text(dossier: Dossier) -> str:
    """Return the dossier as text; no line is wider than `COLUMNS`."""
    return "\n".join(_dossier(dossier)) + "\n"


def _dossier(dossier: Dossier) -> Iterator[str]:
    who = dossier.identity
    yield "=" * COLUMNS
    yield from _wrapped(who.name)
    yield from _wrapped(f"ID {who.patient_id}")
    yield from _pairs(who.others)
    yield "=" * COLUMNS
    yield from _marked(dossier.name_alerts)
    yield from _wrapped(dossier.verdict.words)
    for text in dossier.verdict.because:
        yield from _wrapped(text, "  ")
    yield "=" * COLUMNS
    yield from _wrapped(f"{dossier.site_name}. As of {dossier.as_of_words}.")
    yield from _wrapped(("" if dossier.is_confirmed else "▲ ") + dossier.made_of)
    yield from _wrapped(dossier.decides)
    if dossier.alerts:
        yield from ("", "ALERTS", *_marked(dossier.alerts))
    for section in dossier.before:
        yield from _section(section)
    yield from ("", "WHAT COMES NEXT")
    if dossier.nothing_to_treat:
        yield from _marked((dossier.nothing_to_treat,))
    for standing in dossier.standings:
        yield from _standing(standing)
    for section in dossier.first:
        yield from _section(section)
    yield ""
    yield from _wrapped(dossier.reading)
    for section in (*dossier.second, *dossier.details):
        yield from _section(section)


def _standing(standing: Standing) -> Iterator[str]:
    yield ""
    yield from _wrapped(f"Plan {standing.plan}: {standing.next_words}")
    yield from _wrapped(standing.given, "  ")
    yield from (f"  {text}" for text in _pairs(standing.facts, COLUMNS - 2))
    if standing.ready:
        yield from _wrapped(standing.ready + ".", "  ")
    yield from (f"  {text}" for text in _marked(standing.warnings, COLUMNS - 2))


def _section(section: Section) -> Iterator[str]:
    yield from ("", section.title.upper(), "-" * min(COLUMNS, columns_of(section.title)))
    for block in section.blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Pairs():
            yield from _pairs(block.rows)
        case Table():
            yield from _table(block)
        case Marked():
            yield from _marked(block.items)
        case Lines():
            for item in block.items:
                yield from _wrapped(item)
        case Shown():
            yield from ("", *_wrapped(f"[{block.picture.title}]"))
            yield from _wrapped(block.picture.alternative)
            yield from _wrapped(block.picture.caption)


def _pairs(rows: Sequence[tuple[str, str]], width: int = COLUMNS) -> Iterator[str]:
    wide = min(LABEL_COLUMNS_MAX, max((columns_of(label) for label, _ in rows), default=0)) + 2
    for label, said in rows:
        first, *more = list(_wrapped(said, width=width - wide)) or [""]
        if columns_of(label) + 2 > wide:
            yield from _wrapped(label, width=width)
            yield " " * wide + first
        else:
            yield (_padded(label, wide) + first).rstrip()
        yield from (" " * wide + text for text in more)


def _marked(items: Sequence[str], width: int = COLUMNS) -> Iterator[str]:
    for item in items:
        first, *more = list(_wrapped(item, width=width - 2)) or [""]
        yield f"▲ {first}"
        yield from (f"  {text}" for text in more)


def _table(table: Table) -> Iterator[str]:
    """Yield a table in columns where it fits, else each row as pairs."""
    if table.title:
        yield from ("", *_wrapped(table.title))
    rows = [[cell.split("\n") for cell in row] for row in table.rows]
    heads = [[head] for head in table.header]
    wide = [
        max(columns_of(text) for row in (heads, *rows) for text in row[place])
        for place in range(len(table.header))
    ]
    if sum(wide) + 2 * (len(wide) - 1) > COLUMNS:
        for row in table.rows:
            stated = [pair for pair in zip(table.header, row, strict=True) if pair[1] not in {"", "–"}]
            yield from ("", *_pairs(stated))
        return
    yield from _row(heads, wide, table.numeric)
    yield "  ".join("-" * width for width in wide)
    for cells in rows:
        yield from _row(cells, wide, table.numeric)


def _row(cells: Sequence[Sequence[str]], wide: Sequence[int], numeric: Sequence[int]) -> Iterator[str]:
    for place in range(max(len(cell) for cell in cells)):
        texts = [cell[place] if place < len(cell) else "" for cell in cells]
        yield "  ".join(
            _padded(text, width, right=index in numeric)
            for index, (text, width) in enumerate(zip(texts, wide, strict=True))
        ).rstrip()


def _wrapped(text: str, indent: str = "", *, width: int = COLUMNS) -> Iterator[str]:
    for part in filter(str.strip, text.split("\n")):
        yield from wrapped(part, width, first=indent, rest=indent)


def _padded(text: str, width: int, *, right: bool = False) -> str:
    blanks = " " * (width - columns_of(text))
    return blanks + text if right else text + blanks
