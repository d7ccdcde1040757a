"""`beamkeeper dossier`: everything needed to treat a patient on, on paper; of a folder, or from the vault."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper import clock
from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.lists import NewestOption
from beamkeeper.app.cli.options import SiteOption, open_site
from beamkeeper.app.cli.read import with_progress
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption, good_nights, open_vault_by
from beamkeeper.app.cli.who import IssuerOption
from beamkeeper.errors import ConfigError, IntegrityError, KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from beamkeeper.app.cli.dossier_folder import FolderReading
    from beamkeeper.app.jobs.vault_dossiers import Wanted
    from beamkeeper.protect.dossier import DossierSource

EXIT_ALL_MADE, EXIT_SOME_UNREADABLE, EXIT_SOME_NOT_KEPT = 0, 1, 20
FORMAT = {"format": "beamkeeper-dossiers", "version": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The dossier of one patient as files."""

    patient_id: str
    name: str
    files: tuple[Path, ...]


def command(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A folder of DICOM files; or, of somebody in the vault, the Patient ID or the first letters "
            "of the pseudonym.",
            show_default=False,
        ),
    ] = None,
    out_dir: Annotated[Path, typer.Option("--out", help="Where the dossiers shall go.")] = Path("dossiers"),
    all_: Annotated[bool, typer.Option("--all", help="Everybody in the vault.")] = False,
    text: Annotated[bool, typer.Option("--text", help="As text of 80 columns, too.")] = False,
    html: Annotated[bool, typer.Option("--html", help="As one HTML file, too.")] = False,
    dicom: Annotated[bool, typer.Option("--dicom", help="As DICOM Encapsulated PDF, too.")] = False,
    no_pictures: Annotated[
        bool, typer.Option("--no-pictures", help="Draw nothing: a second instead of several.")
    ] = False,
    zone: Annotated[
        str, typer.Option(help="Time zone of a folder's files, and of what is printed with --vault.")
    ] = "UTC",
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="Of when it speaks (ISO 8601); now by default.")
    ] = None,
    newest: NewestOption = False,
    issuer: IssuerOption = None,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Make a dossier: who it is, which fraction is next, how to treat on; a PDF that prints without colour.

    Of a folder: one of each patient in it, with neither site file nor vault; files are numbered in the order
    of the Patient IDs, and one that is there already is never written over. Of somebody in the vault: by
    the newest copy that people have confirmed, in files named by the pseudonym, which are replaced. Nothing
    leaves this machine. Counted from the records that are there: a physicist or physician decides.

    Exit status: 0 all made, 1 some files of a folder could not be read, 2 nothing could be made, 20 somebody
    in the vault could not be read.

    Example: beamkeeper dossier exports/2026-11-22 --out paper --zone Europe/Brussels
    """
    if (what is None) != all_:
        raise ConfigError("Name a folder or a patient, or say --all.", do_next="See `beamkeeper dossier -h`.")
    kinds = _Kinds(text=text, html=html, dicom=dicom)
    if what is not None and Path(what).exists():
        raise typer.Exit(
            _of_folder(Path(what), out_dir, kinds, zone, as_of, draw=not no_pictures, json_=json_)
        )
    found = _Kept(site, vault, identity, words=words, zone=zone, as_of=as_of)
    scratch = None if no_pictures else out_dir
    raise typer.Exit(found.write(what, issuer, out_dir, kinds, newest=newest, scratch=scratch, json_=json_))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kinds:
    """What comes besides the PDF."""

    text: bool
    html: bool
    dicom: bool


def _of_folder(
    folder: Path, out_dir: Path, kinds: _Kinds, zone: str, as_of: str | None, *, draw: bool, json_: bool
) -> int:
    from beamkeeper.app.cli.dossier_folder import read_folder, refuse_empty
    from beamkeeper.app.dossier_files import with_pictures, write_new

    reading = read_folder(folder, zone=clock.zone(zone), as_of=_instant(as_of, zone), track=with_progress)
    refuse_empty(reading, folder)
    digits = max(2, len(str(len(reading.sources))))
    made = []
    for number, source in enumerate(reading.sources, start=1):
        drawn = with_pictures(source, reading.fetch) if draw else source
        made.append(_write(drawn, out_dir, f"dossier-{number:0{digits}d}", kinds, write_new))
    if json_:
        emit_json(FORMAT | {"made": made, "broken": reading.broken, "foreign": reading.foreign})
    else:
        _show(made, reading)
    return EXIT_SOME_UNREADABLE if reading.broken else EXIT_ALL_MADE


class _Kept:
    """The vault that the options mean."""

    def __init__(
        self,
        site: Path | None,
        vault: Path | None,
        identity: Path | None,
        *,
        words: bool,
        zone: str,
        as_of: str | None,
    ) -> None:
        self._opened = open_vault_by(site, vault, identity, words)
        self._site = open_site(site) if vault is None else None
        self._zone = clock.zone(zone) if self._site is None else self._site.zone
        self._now = _instant(as_of, self._zone.key)

    def write(
        self,
        patient: str | None,
        issuer: str | None,
        out_dir: Path,
        kinds: _Kinds,
        *,
        newest: bool,
        scratch: Path | None,
        json_: bool,
    ) -> int:
        """Write the dossiers; somebody who cannot be read is named and stops nobody else."""
        from beamkeeper.app.dossier_files import write_again
        from beamkeeper.app.jobs.vault_dossiers import vault_dossier

        names = (
            self._opened.vault.pseudonyms()
            if patient is None
            else self._opened.find_pseudonyms(patient, issuer=issuer)
        )
        nights = {} if newest else good_nights(self._opened, names)
        wanted, made, failed = self._wanted(scratch), [], []
        for name in names:
            try:
                source = vault_dossier(self._opened, name, nights.get(name), wanted)
            except (IntegrityError, KeyUnavailable) as error:
                failed.append({"pseudonym": name, "reason": error.message})
                continue
            made.append(_write(source, out_dir, name, kinds, write_again))
        if json_:
            emit_json(FORMAT | {"made": made, "failed": failed})
        else:
            _show_made(made)
            for one in failed:
                print_wrapped(f"✗ patient {one['pseudonym'][:10]}: {one['reason']}")
        return EXIT_SOME_NOT_KEPT if failed else EXIT_ALL_MADE

    def _wanted(self, scratch: Path | None) -> Wanted:
        from beamkeeper.app.jobs.dossier_photos import words_of
        from beamkeeper.app.jobs.quorum import people_of
        from beamkeeper.app.jobs.vault_dossiers import Wanted

        if self._site is None:
            return Wanted(zone=self._zone, now=self._now, scratch=scratch)
        people = people_of(self._site) if self._site.quorum is not None else ()
        return Wanted(
            zone=self._zone,
            now=self._now,
            scratch=scratch,
            tolerance=self._site.tolerance,
            people={person.login: person.name for person in people},
            photo_words=words_of(self._site.documents),
            night_phone=self._site.site.night_phone or "",
        )


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


def _write(
    source: DossierSource, out_dir: Path, stem: str, kinds: _Kinds, write: Callable[[Path, bytes], Path]
) -> Made:
    from beamkeeper.app.dossier_files import dossier_files

    files = dossier_files(source, text=kinds.text, html=kinds.html, dicom=kinds.dicom)
    written = tuple(write(out_dir / f"{stem}{suffix}", content) for suffix, content in files)
    patient = source.entry.patient
    return Made(patient_id=patient.patient_id, name=patient.name, files=written)


def _show_made(made: list[Made]) -> None:
    from beamkeeper.domain.patient import shown_name
    from beamkeeper.domain.words import line

    for one in made:
        print_wrapped(f"✓ {line(one.patient_id)}  {line(shown_name(one.name)) or '(no name)'}")
        for path in one.files:
            out.print(f"  {path}", soft_wrap=True, markup=False)
    print_wrapped("Decision support: a physicist or physician decides.")


def _show(made: list[Made], reading: FolderReading) -> None:
    from beamkeeper.domain.words import line, plural

    for broken in reading.broken:
        print_wrapped(f"✗ {line(broken.path)}: {broken.reason}")
    if reading.foreign:
        print_wrapped(f"Left out, being no DICOM object: {plural(len(reading.foreign), 'file')}.")
    if reading.nameless_count:
        print_wrapped(f"▲ In no dossier, naming no Patient ID: {plural(reading.nameless_count, 'object')}.")
    _show_made(made)
