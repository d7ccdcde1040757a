"""The dossier as PDF/A-2b: the same facts give the same bytes on any machine."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from importlib.resources import files
from typing import TYPE_CHECKING

from beamkeeper.wire.paper.setting import set_pdf

if TYPE_CHECKING:
    from beamkeeper.protect.dossier.sheet import Dossier

_TEMPLATE = files(__package__).joinpath("dossier.typ").read_bytes()


def render_pdf(dossier: Dossier) -> bytes:
    """Return the dossier as PDF, PDF/A-2b where its characters and pictures allow it."""
    made_at = int(dossier.as_of.timestamp())
    return set_pdf(_TEMPLATE, _as_data(dossier), made_at=made_at, has_pictures=True)


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
