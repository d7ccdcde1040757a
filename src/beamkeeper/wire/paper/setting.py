"""A paper as PDF/A-2b, set by typst: the same facts give the same bytes on any computer.

Every value goes in as data, never as markup. What all papers have in common is defined in `paper.typ`, which
stands before every template.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import typst

from beamkeeper.wire.paper.glyphs import PDF_STANDARD, ascii_only, fonts, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMMON: Final = files(__package__).joinpath("paper.typ").read_bytes()
AS_THEY_ARE: Final = frozenset({"svg"})
"""Keys whose values are drawings and no text."""


def set_pdf(template: bytes, facts: object, *, made_at: int, has_pictures: bool = False) -> bytes:
    """Return a paper as PDF, PDF/A-2b where its characters and pictures allow it.

    No paper is worse than a paper with a flaw: what no font shows stands as code points; pictures that typst
    refuses are left out, of which the template says a word; and what still fails is set as plain PDF.

    Parameters
    ----------
    template
        Reads `sys.inputs.facts`, and `sys.inputs.pictures`, "yes" or "no".
    facts
        JSON types.
    made_at
        Unix time that stands in the file as its date.
    has_pictures
        Whether it is worth a try without them.
    """
    for shown, pictures in _attempts(has_pictures=has_pictures):
        try:
            return _set(template, _each(facts, shown), made_at, pictures=pictures)
        except typst.TypstError:
            continue
    return _set(template, _each(facts, ascii_only), made_at, pictures=False, archivable=False)


def _attempts(*, has_pictures: bool) -> Iterator[tuple[Callable[[str], str], bool]]:
    for pictures in (True, False) if has_pictures else (True,):
        yield printable, pictures
        yield ascii_only, pictures


def _set(template: bytes, facts: object, made_at: int, *, pictures: bool, archivable: bool = True) -> bytes:
    pdf = typst.compile(
        _COMMON + template,
        sys_inputs={"facts": json.dumps(facts), "pictures": "yes" if pictures else "no"},
        font_paths=fonts(),
        pdf_standards=PDF_STANDARD if archivable else None,
        timestamp=max(0, made_at),
    )
    assert isinstance(pdf, bytes), "one document was asked for"  # noqa: S101
    return pdf + b"\n"  # Orthanc takes the last byte of an even number for padding, unless it ends a line


def _each(value: object, shown: Callable[[str], str]) -> object:
    """Return facts with every text as it can be shown; drawings stay as they are."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list | tuple):
        return [_each(item, shown) for item in value]
    if isinstance(value, dict):
        return {key: item if key in AS_THEY_ARE else _each(item, shown) for key, item in value.items()}
    return value
