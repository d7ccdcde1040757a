"""What to do in which step, and the card of each role: files a department can replace.

References
----------
ESTRO's framework (Radiother Oncol 2025, doi 10.1016/j.radonc.2025.111305) for the names of the steps.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from beamkeeper.domain.toml_text import tables_in, tables_under, text_under, verify_format, verify_keys
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT: Final = 1
FILE_BYTES_MAX: Final = 1 << 20
ITEMS_MAX: Final = 500
"""ESTRO's framework has 190 measures."""
_IN: Final = "In the checklist,"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to do; `role` is the identifier of a card, or a word of the department's own."""

    item_id: str
    role: str
    text: str

    @property
    def whose(self) -> str:
        """Whose it is, in words."""
        return next((card.title for card in role_cards() if card.role_id == self.role), self.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, its items in order."""

    step_id: str
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleCard:
    """What one person does, and does not."""

    role_id: str
    title: str
    aim: str
    does: tuple[str, ...]
    does_not: tuple[str, ...]


def shipped_checklist() -> str:
    """Return the checklist that comes with Beamkeeper, as text."""
    return _shipped("checklist.toml")


def steps(text: str) -> tuple[Step, ...]:
    """Return the steps of a checklist.

    Raises
    ------
    ConfigError
        Not a checklist; the message says where.
    """
    found = tuple(
        Step(
            step_id=text_under(step, "id", f"{_IN} step {number}"),
            title=text_under(step, "title", f"{_IN} step {number}"),
            items=tuple(_items(step, f"{_IN} step {number}")),
        )
        for number, step in enumerate(tables_under(_table(text), "step", f"{_IN} the file"), start=1)
    )
    every = [item.item_id for step in found for item in step.items]
    if len(every) > ITEMS_MAX:
        raise ConfigError(f"A checklist has at most {ITEMS_MAX} items; this one has {len(every)}.")
    if doubles := sorted({one for one in every if every.count(one) > 1}):
        raise ConfigError(
            f"Items of the checklist share an id: {', '.join(doubles)}.", do_next="Give each its own."
        )
    return found


@cache
def role_cards() -> tuple[RoleCard, ...]:
    """Return the cards that come with Beamkeeper."""
    return tuple(
        RoleCard(
            role_id=item["id"],
            title=item["title"],
            aim=item["aim"],
            does=tuple(item["does"]),
            does_not=tuple(item["not"]),
        )
        for item in tomllib.loads(_shipped("roles.toml"))["role"]
    )


def read_checklist(path: Path) -> str:
    """Return the text of a department's own checklist.

    Raises
    ------
    ConfigError
        It cannot be read, or is no checklist.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise ConfigError(f"{path.name} is larger than any checklist ({FILE_BYTES_MAX} bytes).")
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The checklist {path.name} cannot be read.", do_next="It is a text file in UTF-8."
        ) from error
    steps(text)
    return text


def _items(step: dict[str, Any], where: str) -> Iterator[Item]:
    verify_keys(step, {"id", "title", "items"}, where)
    for number, item in enumerate(tables_under(step, "items", where), start=1):
        at = f"{where}, item {number}"
        verify_keys(item, {"id", "role", "text"}, at)
        yield Item(
            item_id=text_under(item, "id", at),
            role=text_under(item, "role", at),
            text=text_under(item, "text", at),
        )


def _table(text: str) -> dict[str, Any]:
    table = tables_in(text, "The checklist")
    verify_format(
        table, "The checklist", FORMAT, do_next="Begin it with `format = 1`; the shipped one is an example."
    )
    verify_keys(table, {"format", "version", "step"}, "The checklist")
    return table


def _shipped(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
