"""How the command line speaks: Rich for people, JSON for programs, plain sentences for errors."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import ConsoleOptions, RenderableType

    from beamkeeper.errors import BeamkeeperError

WIDTH_MAX = 100
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys or turns round instead of showing it, and bytes of file names that are no text."""
_COMMANDS_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Of these, JSON itself escapes only what lies below the blank."""


class PlainConsole(Console):
    """A console on which no text of others commands the terminal: a name may hold an escape sequence."""

    def render_str(self, text: str, **how: Any) -> Text:
        """Return text of others to be measured and shown, commands in it by their code point."""
        return super().render_str(_COMMANDS.sub(_named, text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is shown, also of texts made elsewhere; Rich's own commands stay."""
        for segment in super().render(renderable, options):
            if segment.control or not _COMMANDS.search(segment.text):
                yield segment
            else:
                yield Segment(_COMMANDS.sub(_named, segment.text), segment.style)


def _named(found: re.Match[str]) -> str:
    return f"‹U+{ord(found[0]):04X}›"


out = PlainConsole(highlight=False, width=None, soft_wrap=False)
err = PlainConsole(stderr=True, highlight=False)


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
    said = json.dumps(plain(value), ensure_ascii=False, indent=2)
    sys.stdout.write(_COMMANDS_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", said) + "\n")


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
