"""`beamkeeper gap COURSE.toml`: what a gap in a course costs, and what can be done about it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err
from beamkeeper.app.cli.options import JsonOption, SiteOption, find_site
from beamkeeper.app.site import load_site
from beamkeeper.app.site_gap import GapSection
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.respond.gap import Options


def command(
    course: Annotated[
        Path | None,
        typer.Argument(help="The facts of one course.", metavar="COURSE.toml", show_default=False),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show formula, inputs and steps of every number.")
    ] = False,
    pdf: Annotated[
        Path | None, typer.Option("--pdf", metavar="FILE", help="Write the sheet to sign, with pictures.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the same as one HTML file.")
    ] = None,
    parameters: Annotated[
        Path | None,
        typer.Option("--parameters", metavar="FILE", help="Numbers of yours instead of the program's."),
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Print a course file to begin with.")] = False,
    show_parameters: Annotated[
        bool, typer.Option("--show-parameters", help="Print the parameters that come with the program.")
    ] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Compute what a gap in a course costs, and the ways to go on: days, effects, machine slots, warnings.

    Needs no site file, no vault and no network; where there is a site file, what it says of gaps is used.
    Nothing is chosen and nothing is marked: a physician decides and signs.

    Exit status: 0 computed, 2 a file is wrong, and why; nothing was written.

    Example: beamkeeper gap course.toml --pdf sheet.pdf
    """
    from beamkeeper.app.gap_days import calendar_of
    from beamkeeper.respond.gap import as_json, options_for, read_course, read_parameters, render_text
    from beamkeeper.respond.gap.course_file import EXAMPLE
    from beamkeeper.respond.gap.explaining import explained
    from beamkeeper.respond.gap.parameters_file import OWN_TEXT

    if example or show_parameters:
        sys.stdout.write(EXAMPLE if example else OWN_TEXT)
        return 0
    if course is None:
        raise ConfigError(
            "No course file was named.", do_next="beamkeeper gap --example > course.toml makes one to change."
        )
    section = _section(site)
    files = [file for file in (section.parameters, parameters) if file is not None]
    sets = read_parameters([(str(file), _text_of(file)) for file in files])
    options = options_for(*read_course(_text_of(course), sets, calendar_of(section)))
    lines = tuple(explained(options)) if explain else ()
    if pdf is not None or html is not None:
        _write(options, lines, pdf, html)
    if json_:
        emit_json(as_json(options))
    else:
        sys.stdout.write(render_text(options, lines))
    return 0


def _section(given: Path | None) -> GapSection:
    """Return what the site file says of gaps; without a site file, what stands for every department."""
    try:
        path = find_site(given)
    except ConfigError:  # none is there, and none is needed
        return GapSection()
    if given is None and not os.access(path, os.R_OK):
        err.print(
            f"△ {path} cannot be read by you: computed without its [gap].", soft_wrap=True, markup=False
        )
        return GapSection()
    return load_site(path).gap


def _write(options: Options, lines: tuple[str, ...], pdf: Path | None, html: Path | None) -> None:
    from beamkeeper.app.jobs.notes import write_whole
    from beamkeeper.respond.gap.sheet import render_html, render_pdf

    now = SystemClock().now()
    made = f"Made {now:%Y-%m-%d %H:%M} UTC"
    if pdf is not None:
        write_whole(pdf, render_pdf(options, lines, made_at=now, made=made))
    if html is not None:
        write_whole(html, render_html(options, lines, made=made).encode())
    for path in (pdf, html):
        if path is not None:
            err.print(f"{path} was written.", soft_wrap=True, markup=False)


def _text_of(path: Path) -> str:
    from beamkeeper.respond.gap.course_file import FILE_BYTES_MAX

    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        if len(data) > FILE_BYTES_MAX:
            raise ConfigError(f"{path} is larger than {FILE_BYTES_MAX} bytes: no such file is.")
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", do_next="Check the path.") from error
