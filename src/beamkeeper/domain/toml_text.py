"""A text that people wrote as TOML, as tables; whatever else it holds is said in a sentence."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

_NOBODY_WRITES: Final = "it nests too deep, or holds a number that is too long"
_WHOLE_MAX: Final = 1 << 63
"""TOML promises whole numbers of 64 bits; a longer one, in hexadecimal, could not be told in an error."""


def tables_in(text: str, what: str, *, do_next: str = "") -> dict[str, Any]:
    """Return what a TOML text says.

    Parameters
    ----------
    what
        Begins the sentence of the error: "The checklist".

    Raises
    ------
    ConfigError
        It is no TOML, or TOML that nobody writes: lists within lists without end, a number of a page.
    """
    try:
        return _with_numbers_of_64_bits(tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else _NOBODY_WRITES
        raise ConfigError(f"{what} is not valid TOML: {why}.", do_next=do_next) from error


def _with_numbers_of_64_bits(tables: dict[str, Any]) -> dict[str, Any]:
    left: list[object] = [tables]
    while left:
        match left.pop():
            case dict(found):
                left.extend(found.values())
            case list(found):
                left.extend(found)
            case int(number) if abs(number) >= _WHOLE_MAX:
                raise ValueError("a number that is too long")
    return tables


def verify_format(tables: dict[str, Any], what: str, expected: int, *, do_next: str = "") -> None:
    """Refuse tables of another format.

    Raises
    ------
    ConfigError
        Their key `format` says another one, or nothing.
    """
    if tables.get("format") != expected:
        raise ConfigError(
            f"{what} has format {tables.get('format')!r}; this version reads {expected}.", do_next=do_next
        )


def verify_keys(table: dict[str, Any], known: Collection[str], where: str, *, do_next: str = "") -> None:
    """Refuse a table with a key that nobody reads: what stands under it would be lost without a word.

    Raises
    ------
    ConfigError
        It has one; the message names it, and those that are known.
    """
    if unknown := sorted(set(table) - set(known)):
        raise ConfigError(
            f"{where} has unknown keys: {', '.join(unknown)}.",
            do_next=do_next or f"Known are {', '.join(sorted(known))}.",
        )


def tables_under(table: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """Return the tables that stand under a key.

    Parameters
    ----------
    where
        Begins the sentence of the error: "In the checklist, step 2".

    Raises
    ------
    ConfigError
        There is no such list.
    """
    found = table.get(key)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ConfigError(f"{where} has no list of {key}.")
    return found


def text_under(table: dict[str, Any], key: str, where: str, *, do_next: str = "") -> str:
    """Return the text that stands under a key, without blanks around it; as `tables_under`."""
    found = table.get(key)
    if not isinstance(found, str) or not found.strip():
        raise ConfigError(f"{where} has no {key}.", do_next=do_next)
    return found.strip()
