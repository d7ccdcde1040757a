"""`beamkeeper read PATH`: what a file or folder of DICOM objects says, in our terms; needs no site file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from beamkeeper import clock
from beamkeeper.app.cli.console import WIDTH_MAX, emit_json, err, out, plain

if TYPE_CHECKING:
    from beamkeeper.app.cli.describe import Reading

EXIT_ALL_READ, EXIT_SOME_UNREADABLE = 0, 1


def command(
    path: Annotated[Path, typer.Argument(help="A DICOM file, or a folder of them.", show_default=False)],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    zone: Annotated[
        str, typer.Option(help="Time zone the dates and times of the files are meant in.")
    ] = "UTC",
) -> None:
    """Say what DICOM files hold: plans, records, structures, doses, images, and what they refer to.

    Files that are no whole DICOM object are named with the reason; the rest is read all the same.
    Nothing is changed and nothing leaves this machine. Patients are kept apart by Patient ID.

    Exit status: 0 when every file could be read, 1 when some could not, 2 when there is no such path.

    Example: beamkeeper read exports/2026-11-22 --zone Europe/Brussels
    """
    from beamkeeper.app.cli.describe import describe
    from beamkeeper.app.cli.describe_text import page

    site_zone = clock.zone(zone)
    reading = describe(path, zone=site_zone, track=with_progress)
    if json_:
        emit_json(as_json(reading))
    else:
        width = min(out.width, WIDTH_MAX)
        for part in page(reading, zone=site_zone):
            out.print(part, width=width)
    raise typer.Exit(EXIT_SOME_UNREADABLE if reading.unreadable else EXIT_ALL_READ)


def as_json(reading: Reading) -> object:
    """Return the reading as JSON types; beams carry their number of control points, not the points."""
    document = plain(reading)
    return _without_control_points(document)


def _without_control_points(value: object) -> object:
    if isinstance(value, list):
        return [_without_control_points(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_control_points(item) for key, item in value.items() if key != "control_points"}
    points = value.get("control_points")
    if isinstance(points, list):
        kept["control_point_count"] = len(points)
    return kept


def with_progress(files: list[Path]) -> Iterable[Path]:
    """Pass files on, and show on a terminal how far it is."""
    if not err.is_terminal:
        return files
    return track(files, description="reading", console=err, transient=True)
