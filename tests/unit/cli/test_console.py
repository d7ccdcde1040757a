"""What the command line prints: no text of others commands the terminal."""

from __future__ import annotations

import io
import json

import pytest
from rich.table import Table
from rich.text import Text

from beamkeeper.app.cli import console
from beamkeeper.app.cli.console import PlainConsole

NAME = "Jansen\x1b[2J\x1b]0;all is well\x07\x9b31m\u202eairaM"
"""Clears the screen, calls the window something, turns red, turns round."""
SHOWN = "‹U+001B›[2J‹U+001B›]0;all is well"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_name_shows_its_commands_and_the_terminal_obeys_none(is_terminal: bool) -> None:
    held = io.StringIO()
    plain = PlainConsole(file=held, force_terminal=is_terminal, width=200, highlight=False, no_color=True)
    table = Table(box=None, show_header=False)
    table.add_row(NAME)
    for renderable in (NAME, Text(NAME), table):
        plain.print(renderable, markup=False)
    lines = held.getvalue().splitlines()

    assert len(lines) == 3
    assert all(SHOWN in line and "‹U+009B›31m‹U+202E›airaM" in line for line in lines)
    assert not set("".join(lines)) & set("\x1b\x07\x9b\u202e")


def test_json_holds_no_command_and_gives_the_name_back(capsys: pytest.CaptureFixture[str]) -> None:
    console.emit_json({"name": NAME})
    printed = capsys.readouterr().out

    assert "\x9b" not in printed
    assert "\x1b" not in printed
    assert json.loads(printed) == {"name": NAME}


def test_a_file_name_that_is_no_text_is_shown_and_stops_nothing(capsysbinary) -> None:
    name = b"autorun-\xff\x1b[2J.inf".decode(errors="surrogateescape")
    held = io.StringIO()
    PlainConsole(file=held, width=200, highlight=False).print(Text(name))
    console.emit_json({"name": name})

    assert held.getvalue() == "autorun-‹U+DCFF›‹U+001B›[2J.inf\n"
    assert json.loads(capsysbinary.readouterr().out.decode()) == {"name": name}
