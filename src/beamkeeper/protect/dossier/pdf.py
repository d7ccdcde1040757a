"""The dossier as PDF/A-2b, set by typst: the same facts give the same bytes on any machine."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from importlib.resources import files
from typing import TYPE_CHECKING

import typst

from beamkeeper.protect.dossier.glyphs import PDF_STANDARD, ascii_only, fonts, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.protect.dossier.sheet import Dossier

_TEMPLATE = files(__package__).joinpath("dossier.typ").read_bytes()


def render_pdf(dossier: Dossier) -> bytes:
    """Return the dossier as PDF, PDF/A-2b where its characters and pictures allow it.

    No paper is worse than a paper with a flaw: what no font shows stands as code points; a picture that typst
    refuses is left out with a word; and what still fails is set as plain PDF.
    """
    said = _as_data(dossier)
    for shown, pictures in ((printable, True), (ascii_only, True), (printable, False), (ascii_only, False)):
        try:
            return _set(said, dossier.as_of, shown, pictures=pictures)
        except typst.TypstError:
            continue
    return _set(said, dossier.as_of, ascii_only, pictures=False, archivable=False)


def _set(
    said: object,
    as_of: datetime,
    shown: Callable[[str], str],
    *,
    pictures: bool,
    archivable: bool = True,
) -> bytes:
    pdf = typst.compile(
        _TEMPLATE,
        sys_inputs={"facts": json.dumps(_each(said, shown)), "pictures": "yes" if pictures else "no"},
        font_paths=fonts(),
        pdf_standards=PDF_STANDARD if archivable else None,
        timestamp=max(0, int(as_of.timestamp())),
    )
    assert isinstance(pdf, bytes), "one document was asked for"  # noqa: S101
    return pdf + b"\n"  # Orthanc takes the last byte of an even number for padding, unless it ends a line


def _as_data(value: object) -> object:
    """Return a value as JSON types; a block says which kind it is under "is"."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: _as_data(getattr(value, field.name)) for field in fields(value)}
        return {"is": type(value).__name__} | named
    if isinstance(value, tuple):
        return [_as_data(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, datetime | Enum):
        return str(value)
    return value


def _each(value: object, shown: Callable[[str], str]) -> object:
    """Return the data with every text as it can be shown; drawings stay as they are."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list):
        return [_each(item, shown) for item in value]
    if isinstance(value, dict):
        return {key: item if key == "svg" else _each(item, shown) for key, item in value.items()}
    return value
