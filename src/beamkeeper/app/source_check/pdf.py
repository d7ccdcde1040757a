"""Sheets as PDF, to print and to sign."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from beamkeeper.app.source_check.sheet import SIGNATURES, STAYS_HERE
from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.app.source_check.sheet import Part, Sheet

SIGNS = {"good": "Good:", "warning": "Look:", "bad": "BAD:", "unchecked": "Not checked:"}
BY_HAND = "By hand:"
_TEMPLATE = files(__package__).joinpath("sheet.typ").read_bytes()


def sheets_pdf(sheets: Sequence[Sheet], *, made_at: int) -> bytes:
    """Return the sheets, each on a new page; `made_at` is the Unix time that stands in the file."""
    facts = {
        "stays": STAYS_HERE,
        "signatures": SIGNATURES,
        "sheets": [
            {
                "site": sheet.site_name,
                "source": sheet.source,
                "checked_at": sheet.checked_at,
                "version": sheet.version,
                "settings": sheet.settings_sha256,
                "parts": [_part(part) for part in sheet.parts],
            }
            for sheet in sheets
        ],
    }
    return set_pdf(_TEMPLATE, facts, made_at=made_at)


def _part(part: Part) -> dict[str, object]:
    return {
        "number": str(part.number),
        "sign": BY_HAND if part.verdict == "unchecked" and part.by_hand else SIGNS[part.verdict],
        "title": part.title,
        "lines": [(len(line) - len(line.lstrip()), line.lstrip()) for line in part.lines],
        "by_hand": part.by_hand,
    }
