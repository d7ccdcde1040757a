"""Domain values to JSON and back, strictly, driven by their type hints.

What is written is what a reader of the format page expects: field names as keys, enums as their
values, instants as ISO 8601 with offset, days as ISO dates. Reading refuses unknown or missing keys
and wrong types, so that a damaged or foreign document never becomes a half-right value.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Hashable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache, partial
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

TAG = "is"
"""Key that names the class where a field may hold one of several dataclasses."""


class NotThisShapeError(ValueError):
    """The JSON does not have the shape of the type asked for; says where."""


def canonical(value: object) -> str:
    """Return JSON types as the one text they are hashed and stored as: sorted keys, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def to_json(value: object) -> Json:
    """Return `value` (a domain dataclass, or tuples of them) as JSON types."""
    return value if type(value) is str else _encoder(type(value))(value)  # type: ignore[arg-type]


_Encoder: TypeAlias = Callable[[Any], Json]


@cache
def _encoder(kind: type) -> _Encoder:
    """Return the function that writes one type."""
    if issubclass(kind, Enum):
        return lambda value: to_json(value.value)
    if issubclass(kind, type(None) | bool | int | float):
        return lambda value: value
    if issubclass(kind, datetime | date):
        return lambda value: str(value.isoformat())
    if issubclass(kind, tuple | list):
        return lambda value: [to_json(item) for item in value]
    if issubclass(kind, frozenset):
        return lambda value: sorted((to_json(item) for item in value), key=str)
    if is_dataclass(kind):
        return partial(_as_object, kind.__name__, tuple(field.name for field in fields(kind)))
    raise TypeError(f"{kind.__name__} is no domain value")


def _as_object(tag: str, names: tuple[str, ...], value: object) -> Json:
    return {TAG: tag} | {name: to_json(getattr(value, name)) for name in names}


def from_json(kind: type[T], data: object, *, where: str = "") -> T:
    """Return the `kind` that `data` describes.

    Raises
    ------
    NotThisShapeError
        A key is unknown or missing, or a value has the wrong type; the message says where.
    """
    try:
        return cast("T", _decoder(cast("Hashable", kind))(data))
    except _MisfitError as misfit:
        path = "".join(reversed(misfit.path))
        raise NotThisShapeError(f"{where or kind.__name__}{path}: {misfit.text}") from misfit


class _MisfitError(Exception):
    """A value that does not fit; where it stands is gathered on the way out, so that fitting is quick."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.path: list[str] = []


_Decoder: TypeAlias = Callable[[object], object]


@cache
def _decoder(kind: Hashable) -> _Decoder:
    """Return the function that reads one type: made once, because a night reads 100,000 values of it."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union_decoder(get_args(kind))
    if origin is tuple:
        return _tuple_decoder(get_args(kind))
    if origin is frozenset:
        items = _items_decoder(get_args(kind)[0])
        return lambda data: frozenset(items(data))
    if isinstance(kind, type):
        if is_dataclass(kind):
            return partial(_dataclass, kind)
        if issubclass(kind, Enum):
            return partial(_parsed, kind)
        if kind in _PLAIN:
            return _PLAIN[kind]
    raise TypeError(f"no rule for {kind}")


def _null(data: object) -> None:
    if data is not None:
        raise _unlike("null", data)


def _number(data: object) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise _unlike("a number", data)
    return float(data)


def _flag(data: object) -> bool:
    if not isinstance(data, bool):
        raise _unlike("true or false", data)
    return data


def _whole(data: object) -> int:
    if isinstance(data, bool) or not isinstance(data, int):
        raise _unlike("a whole number", data)
    return data


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise _unlike("text", data)
    return data


def _instant(data: object) -> datetime:
    instant = _parsed(datetime.fromisoformat, data)
    if not isinstance(instant, datetime) or instant.tzinfo is None:
        raise _MisfitError("an instant without its offset")
    return instant


def _day(data: object) -> object:
    return _parsed(date.fromisoformat, data)


_PLAIN: dict[type, _Decoder] = {
    type(None): _null,
    float: _number,
    bool: _flag,
    int: _whole,
    str: _text,
    datetime: _instant,
    date: _day,
}


def _unlike(what: str, data: object) -> _MisfitError:
    return _MisfitError(f"expected {what}, found {type(data).__name__}")


def _parsed(reader: Callable[[str], object], data: object) -> object:
    try:
        return reader(_text(data))
    except ValueError as error:
        raise _MisfitError(str(error)) from error


def _items_decoder(kind: Hashable) -> Callable[[object], list[object]]:
    item_of = _decoder(kind)

    def items(data: object) -> list[object]:
        if not isinstance(data, list):
            raise _unlike("a list", data)
        found: list[object] = []
        try:
            for item in data:
                found.append(item_of(item))  # noqa: PERF401 - how many were read says where it failed
        except _MisfitError as misfit:
            misfit.path.append(f"[{len(found)}]")
            raise
        return found

    return items


def _tuple_decoder(kinds: tuple[object, ...]) -> _Decoder:
    if len(kinds) == 2 and kinds[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
        items = _items_decoder(kinds[0])
        return lambda data: tuple(items(data))
    decoders = [_decoder(kind) for kind in kinds]

    def decode(data: object) -> tuple[object, ...]:
        if not isinstance(data, list) or len(data) != len(decoders):
            raise _MisfitError(f"expected a list of {len(decoders)}")
        found: list[object] = []
        try:
            for item_of, item in zip(decoders, data, strict=True):
                found.append(item_of(item))
        except _MisfitError as misfit:
            misfit.path.append(f"[{len(found)}]")
            raise
        return tuple(found)

    return decode


def _union_decoder(kinds: tuple[object, ...]) -> _Decoder:
    may_be_null = type(None) in kinds
    tagged = {kind.__name__: kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)}
    rest = [kind for kind in kinds if kind is not type(None) and not is_dataclass(kind)]
    other = _decoder(rest[0]) if len(rest) == 1 else None

    def decode(data: object) -> object:
        if data is None and may_be_null:
            return None
        tag = data.get(TAG) if isinstance(data, dict) else None
        kind = tagged.get(tag) if isinstance(tag, str) else None
        if kind is not None:
            return _dataclass(kind, data)
        if other is None:
            raise _MisfitError("none of the types it may have")
        return other(data)

    return decode


@cache
def _plan(kind: type) -> tuple[tuple[str, _Decoder, bool], ...]:
    """Return name, decoder and whether it must be there, of each field."""
    hints = get_type_hints(kind)
    return tuple(
        (
            field.name,
            _decoder(hints[field.name]),
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    )


def _dataclass(kind: type, data: object) -> object:
    if not isinstance(data, dict):
        raise _unlike("an object", data)
    if data.get(TAG) != kind.__name__:
        raise _MisfitError(f"expected {kind.__name__}, found {data.get(TAG)!r}")
    values: dict[str, object] = {}
    for name, value_of, is_required in _plan(kind):
        if name in data:
            try:
                values[name] = value_of(data[name])
            except _MisfitError as misfit:
                misfit.path.append(f".{name}")
                raise
        elif is_required:
            raise _MisfitError(f"{name} is missing")
    if len(values) + 1 != len(data):
        raise _MisfitError(f"unknown {sorted(map(str, set(data) - set(values) - {TAG}))}")
    try:
        return kind(**values)
    except ValueError as error:
        raise _MisfitError(str(error)) from error
