"""Domain values to JSON and back, strictly, driven by their type hints.

What is written is what a reader of the format page expects: field names as keys, enums as their
values, instants as ISO 8601 with offset, days as ISO dates. Reading refuses unknown or missing keys
and wrong types, so that a damaged or foreign document never becomes a half-right value.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

TAG = "is"
"""Key that names the class where a field may hold one of several dataclasses."""


class NotThisShapeError(ValueError):
    """The JSON does not have the shape of the type asked for; says where."""


def to_json(value: object) -> Json:
    """Return `value` (a domain dataclass, or tuples of them) as JSON types."""
    if value is None or isinstance(value, bool | int | float) or type(value) is str:
        return value
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, frozenset):
        return sorted((to_json(item) for item in value), key=str)
    if is_dataclass(value) and not isinstance(value, type):
        return {TAG: type(value).__name__} | {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    raise TypeError(f"{type(value).__name__} is no domain value")


def from_json(kind: type[T], data: object, *, where: str = "") -> T:
    """Return the `kind` that `data` describes.

    Raises
    ------
    NotThisShapeError
        A key is unknown or missing, or a value has the wrong type; the message says where.
    """
    return cast("T", _decode(kind, data, where or kind.__name__))


def _decode(kind: object, data: object, where: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), data, where)
    if origin is tuple:
        return _decode_tuple(get_args(kind), data, where)
    if origin is frozenset:
        return frozenset(_items(get_args(kind)[0], data, where))
    if kind is type(None):
        return _is(data is None, data, where, "null")
    if isinstance(kind, type) and is_dataclass(kind):
        return _decode_dataclass(kind, data, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _parse(kind, data, where)
    if kind is datetime:
        instant = _parse(datetime.fromisoformat, data, where)
        if not isinstance(instant, datetime) or instant.tzinfo is None:
            raise NotThisShapeError(f"{where}: an instant without its offset")
        return instant
    if kind is date:
        return _parse(date.fromisoformat, data, where)
    if kind is float:
        _is(isinstance(data, int | float) and not isinstance(data, bool), data, where, "a number")
        return float(data)  # type: ignore[arg-type]
    if kind is bool:
        return _is(isinstance(data, bool), data, where, "true or false")
    if kind is int:
        return _is(isinstance(data, int) and not isinstance(data, bool), data, where, "a whole number")
    if kind is str:
        return _is(isinstance(data, str), data, where, "text")
    raise TypeError(f"{where}: no rule for {kind}")


def _is(good: bool, data: object, where: str, what: str) -> object:  # noqa: FBT001 - an assertion
    if not good:
        raise NotThisShapeError(f"{where}: expected {what}, found {type(data).__name__}")
    return data


def _parse(reader: object, data: object, where: str) -> object:
    _is(isinstance(data, str), data, where, "text")
    try:
        return reader(data)  # type: ignore[operator]
    except ValueError as error:
        raise NotThisShapeError(f"{where}: {error}") from error


def _items(kind: object, data: object, where: str) -> list[object]:
    if not isinstance(data, list):
        raise NotThisShapeError(f"{where}: expected a list, found {type(data).__name__}")
    return [_decode(kind, item, f"{where}[{index}]") for index, item in enumerate(data)]


def _decode_tuple(kinds: tuple[object, ...], data: object, where: str) -> tuple[object, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
        return tuple(_items(kinds[0], data, where))
    if not isinstance(data, list) or len(data) != len(kinds):
        raise NotThisShapeError(f"{where}: expected a list of {len(kinds)}")
    return tuple(
        _decode(kind, item, f"{where}[{index}]")
        for index, (kind, item) in enumerate(zip(kinds, data, strict=True))
    )


def _decode_union(kinds: tuple[object, ...], data: object, where: str) -> object:
    if data is None and type(None) in kinds:
        return None
    if isinstance(data, dict):
        for kind in kinds:
            if isinstance(kind, type) and is_dataclass(kind) and data.get(TAG) == kind.__name__:
                return _decode(kind, data, where)
    rest = [kind for kind in kinds if kind is not type(None) and not is_dataclass(kind)]
    if len(rest) == 1:
        return _decode(rest[0], data, where)
    raise NotThisShapeError(f"{where}: none of the types it may have")


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _decode_dataclass(kind: type, data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise NotThisShapeError(f"{where}: expected an object, found {type(data).__name__}")
    if data.get(TAG) != kind.__name__:
        raise NotThisShapeError(f"{where}: expected {kind.__name__}, found {data.get(TAG)!r}")
    known = {field.name for field in fields(kind)}
    if extra := set(data) - known - {TAG}:
        raise NotThisShapeError(f"{where}: unknown {sorted(map(str, extra))}")
    values: dict[str, object] = {}
    for field in fields(kind):
        if field.name in data:
            values[field.name] = _decode(_hints(kind)[field.name], data[field.name], f"{where}.{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise NotThisShapeError(f"{where}: {field.name} is missing")
    try:
        return kind(**values)
    except ValueError as error:
        raise NotThisShapeError(f"{where}: {error}") from error
