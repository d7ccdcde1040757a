"""`beamkeeper source check`: what two people look at and sign before a source is trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err, out
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock

app = typer.Typer(help="Look at the sources before they are trusted.", no_args_is_help=True)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="One source of the site file; all without it.")] = "",
    pdf: Annotated[
        Path | None, typer.Option("--pdf", metavar="FILE", help="Write the sheet as PDF too, to be signed.")
    ] = None,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Check each OIS database and the archives beside it; print a sheet for a physicist to sign.

    Eight parts: server, login and clock; columns; every state with its number and what it means; ways of
    counting that disagree; ten patients to compare with the screen; the twenty newest documents; one plan
    by C-ECHO, C-FIND and C-MOVE; how many patients there are. Changes nothing.

    The sheet names patients: print it, sign it, keep it in the department.

    Exit status: 0 nothing is bad, 1 something must be mended.

    Example: beamkeeper source check ois --pdf sheet.pdf
    """
    from beamkeeper.app.jobs.notes import write_whole
    from beamkeeper.app.source_check import check_sources, sheet_lines, sheets_pdf

    clock = SystemClock()
    sheets = []
    for sheet in check_sources(open_site(site, with_key=True), clock, only=name):
        sheets.append(sheet)
        if not json_:
            for line in sheet_lines(sheet):
                out.print(line, markup=False, soft_wrap=True)
            out.print()
    if json_:
        emit_json({"sheets": sheets})
    if pdf is not None:
        write_whole(pdf, sheets_pdf(sheets, made_at=int(clock.now().timestamp())))
        err.print(f"Written: {pdf}", soft_wrap=True)
    return 1 if any(sheet.has_bad for sheet in sheets) else 0
