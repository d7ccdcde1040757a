"""`beamkeeper gap COURSE.toml`: what a gap in a course costs, and what can be done about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from beamkeeper.app.cli.console import emit_json
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.errors import ConfigError


def command(
    course: Annotated[
        Path | None,
        typer.Argument(help="The facts of one course: docs/formats/gap.md.", metavar="COURSE.toml"),
    ] = None,
    json_: JsonOption = False,
) -> int:
    """Compute what a gap in a course costs, and the ways to go on: days, effects, machine slots, warnings.

    Needs no site file, no vault and no network. It chooses nothing: a physician decides and signs.

    Exit status: 0 computed, 2 the file is wrong, and why.

    Example: beamkeeper gap course.toml
    """
    from beamkeeper.respond.gap import Calendar, options_for, own_parameters, read_course
    from beamkeeper.respond.gap.json_file import as_json
    from beamkeeper.respond.gap.text import render_text

    if course is None:
        raise ConfigError("No course file was named.", do_next="Name one: beamkeeper gap COURSE.toml")
    facts, model = read_course(_text_of(course), own_parameters(), Calendar())
    options = options_for(facts, model)
    if json_:
        emit_json(as_json(options))
    else:
        print(render_text(options), end="")
    return 0


def _text_of(path: Path) -> str:
    from beamkeeper.respond.gap.course_file import FILE_BYTES_MAX

    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise ConfigError(f"{path} is larger than {FILE_BYTES_MAX} bytes: no course file is.")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", do_next="Check the path.") from error
