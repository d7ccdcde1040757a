"""The options as JSON, for programs: docs/formats/gap.md, docs/formats/gap.schema.json."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beamkeeper.respond.gap.options import Options

FORMAT, VERSION = "beamkeeper-gap", 1


def as_json(options: Options) -> dict[str, object]:
    """Return the document; who the patient is stays out."""
    plain = _plain(options)
    assert isinstance(plain, dict), "a dataclass gives an object"  # noqa: S101
    course = plain["course"]
    del course["person"]
    return {"format": FORMAT, "version": VERSION, **plain}


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return [_plain(item) for item in sorted(value)]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return None  # a range without an end
    return value
