"""How the command line speaks: Rich for people, JSON for programs, plain sentences for errors."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from beamkeeper.errors import BeamkeeperError

WIDTH_MAX = 100

out = Console(highlight=False, width=None, soft_wrap=False)
err = Console(stderr=True, highlight=False)


def plain(value: object) -> object:
    """Return `value` as JSON types: dataclasses become objects, enums their values, instants ISO 8601."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def emit_json(value: object) -> None:
    """Print `value` as one JSON document on standard output, UTF-8, indented."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")


def print_wrapped(text: str) -> None:
    """Print one line within the terminal's width; what does not fit hangs two columns further in."""
    indent = " " * (len(text) - len(text.lstrip()))
    lines = textwrap.wrap(
        text.strip(),
        min(out.width, WIDTH_MAX),
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines or [""]:
        out.print(Text(line), soft_wrap=True)


def print_error(error: BeamkeeperError) -> None:
    """Print one error on standard error: what happened, then what to do next."""
    err.print(Text("✗ ", style="bold red") + Text(error.message), soft_wrap=True)
    if error.do_next:
        err.print(Text("  → " + error.do_next), soft_wrap=True)
