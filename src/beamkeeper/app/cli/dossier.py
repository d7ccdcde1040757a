"""`beamkeeper dossier FOLDER`: everything needed to treat a patient on, on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper import clock
from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.read import with_progress
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.cli.dossier_folder import FolderReading
    from beamkeeper.protect.dossier import DossierSource

EXIT_ALL_MADE, EXIT_SOME_UNREADABLE = 0, 1
FORMAT = {"format": "beamkeeper-dossiers", "version": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The dossier of one patient as files."""

    patient_id: str
    name: str
    files: tuple[Path, ...]


def command(
    folder: Annotated[Path, typer.Argument(help="A folder of DICOM files, or one file.", show_default=False)],
    out_dir: Annotated[Path, typer.Option("--out", help="Where the dossiers shall go.")] = Path("dossiers"),
    text: Annotated[bool, typer.Option("--text", help="As text of 80 columns, too.")] = False,
    html: Annotated[bool, typer.Option("--html", help="As one HTML file, too.")] = False,
    dicom: Annotated[bool, typer.Option("--dicom", help="As DICOM Encapsulated PDF, too.")] = False,
    zone: Annotated[
        str, typer.Option(help="Time zone the dates and times of the files are meant in.")
    ] = "UTC",
    as_of: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Of when it speaks (ISO 8601); now by default."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Make a dossier of each patient in a folder of DICOM files: PDF that prints in black and white.

    It says who it is, which fraction is next, what is missing, and how to set up and treat on another
    machine. Needs no site file and no vault; nothing leaves this machine. Files are numbered in the order of
    the Patient IDs, so that no name stands in a file name, and existing files are never overwritten. Counted
    from the records in the folder alone: a physicist or physician decides.

    Exit status: 0 when every file could be read, 1 when some could not, 2 when nothing could be made.

    Example: beamkeeper dossier exports/2026-11-22 --out paper --zone Europe/Brussels
    """
    from beamkeeper.app.cli.dossier_folder import read_folder, refuse_empty
    from beamkeeper.app.dossier_files import with_pictures

    reading = read_folder(folder, zone=clock.zone(zone), as_of=_instant(as_of, zone), track=with_progress)
    refuse_empty(reading, folder)
    digits = max(2, len(str(len(reading.sources))))
    made = [
        _write(
            with_pictures(source, reading.fetch),
            out_dir,
            f"dossier-{number:0{digits}d}",
            text=text,
            html=html,
            dicom=dicom,
        )
        for number, source in enumerate(reading.sources, start=1)
    ]
    if json_:
        emit_json(FORMAT | {"made": made, "broken": reading.broken, "foreign": reading.foreign})
    else:
        _show(made, reading)
    raise typer.Exit(EXIT_SOME_UNREADABLE if reading.broken else EXIT_ALL_MADE)


def _instant(stated: str | None, zone: str) -> datetime:
    if stated is None:
        return clock.SystemClock().now()
    try:
        instant = datetime.fromisoformat(stated)
    except ValueError as error:
        raise ConfigError(
            f"{stated} is no time.", do_next="Write it as 2026-11-22T08:00, on the clocks of --zone."
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=clock.zone(zone))


def _write(source: DossierSource, out_dir: Path, stem: str, *, text: bool, html: bool, dicom: bool) -> Made:
    from beamkeeper.app.dossier_files import dossier_files, write_new

    files = dossier_files(source, text=text, html=html, dicom=dicom)
    written = tuple(write_new(out_dir / f"{stem}{suffix}", content) for suffix, content in files)
    patient = source.entry.patient
    return Made(patient_id=patient.patient_id, name=patient.name, files=written)


def _show(made: list[Made], reading: FolderReading) -> None:
    from beamkeeper.domain.patient import shown_name
    from beamkeeper.protect.dossier.words import line, plural

    for one in made:
        print_wrapped(f"✓ {line(one.patient_id)}  {line(shown_name(one.name)) or '(no name)'}")
        for path in one.files:
            out.print(f"  {path}", soft_wrap=True, markup=False)
    for broken in reading.broken:
        print_wrapped(f"✗ {line(broken.path)}: {broken.reason}")
    if reading.foreign:
        print_wrapped(f"Left out, being no DICOM object: {plural(len(reading.foreign), 'file')}.")
    if reading.nameless_count:
        print_wrapped(f"▲ In no dossier, naming no Patient ID: {plural(reading.nameless_count, 'object')}.")
    print_wrapped("Decision support: a physicist or physician decides.")
