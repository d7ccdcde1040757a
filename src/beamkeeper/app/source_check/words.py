"""A sheet as lines of text."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from beamkeeper.app.source_check.sheet import SIGNATURES, STAYS_HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.source_check.sheet import Part, Sheet

WIDTH = 80
SIGNS = {"good": "✓", "warning": "△", "bad": "✗", "unchecked": "?"}


def sheet_lines(sheet: Sheet) -> Iterator[str]:
    """Yield the sheet as it is printed, no line wider than 80 columns."""
    yield from _wrapped(f"Self-check of the source {sheet.source}, {sheet.site_name}", "")
    yield f"{sheet.checked_at}, Beamkeeper {sheet.version}"
    if sheet.settings_sha256:
        yield f"Mapping or settings, SHA-256 {sheet.settings_sha256[:32]} …"
    yield STAYS_HERE
    for part in sheet.parts:
        yield ""
        yield from _part(part)
    yield ""
    for who in SIGNATURES:
        yield ""
        yield f"{who:<38} ____________________  ______________"
    yield f"{'':<38} name and signature    date"


def _part(part: Part) -> Iterator[str]:
    yield from _wrapped(f"{SIGNS[part.verdict]} {part.number}. {part.title}", "  ")
    for line in part.lines:
        yield from _wrapped(line.lstrip(), "  ", indent="   " + " " * (len(line) - len(line.lstrip())))
    if part.by_hand:
        yield from _wrapped(f"□ {part.by_hand}", "  ", indent="   ")


def _wrapped(text: str, hanging: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + hanging, break_on_hyphens=False
    ) or [""]
