"""`beamkeeper lists`: who is on treatment, which fraction is next, whom to call, as files to print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption, open_vault_by
from beamkeeper.clock import SystemClock
from beamkeeper.clock import zone as zone_named
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.lists import Gathered
    from beamkeeper.app.opened import OpenedVault

NightOption = Annotated[
    str | None,
    typer.Option("--night", metavar="DATE", help="As of that night; the newest good one by default."),
]
NewestOption = Annotated[
    bool, typer.Option("--newest", help="The newest copies, also where people have not confirmed them.")
]
ZoneOption = Annotated[
    str, typer.Option("--zone", help="Time zone of what is printed, with --vault (IANA name).")
]


def command(
    out_dir: Annotated[Path, typer.Option("--out", help="Where the files shall go.")],
    night: NightOption = None,
    newest: NewestOption = False,
    bom: Annotated[
        bool, typer.Option("--bom", help="CSV with a byte order mark: Excel then knows it is UTF-8.")
    ] = False,
    dicom: Annotated[bool, typer.Option("--dicom", help="The PDFs as DICOM Encapsulated PDF, too.")] = False,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    zone: ZoneOption = "UTC",
    json_: JsonOption = False,
) -> int:
    """Write the triage list, the contact list and the day schedule: PDF, HTML, text, CSV and XLSX.

    Needs no network: what the site holds is enough, or a copy of the vault with a key. Where people
    confirm the nights, the newest confirmed copy of each patient is taken, and where there is a newer one
    the row says so. The files name patients: keep them as you keep a chart. Existing files of these names
    are replaced.

    Exit status: 0 everybody is listed, 20 somebody could not be read and is named above the list.

    Example: beamkeeper lists --out /mnt/usb/lists
    """
    from beamkeeper.app.jobs.notes import write_whole
    from beamkeeper.protect.lists import list_rows
    from beamkeeper.protect.lists.files import list_files
    from beamkeeper.protect.lists.triage import counts

    found = gathered_by(site, vault, identity, words=words, night=night, newest=newest, zone=zone)
    rows = list_rows(found.persons, found.head)
    files = list_files(found.head, rows, bom=bom, dicom=dicom)
    for name, data in files.items():
        write_whole(out_dir / name, data)
    if json_:
        emit_json(
            {
                "night": found.head.night,
                "trust": found.head.trust,
                "warnings": found.head.warnings,
                "not_read": found.head.not_read,
                "shares": found.head.shares,
                "rows": rows,
                "files": sorted(files),
            }
        )
    else:
        show_head(found)
        print_wrapped(counts(found.head, rows))
        out.print(
            f"{len(files)} files in {out_dir}: begin with triage-list.pdf", soft_wrap=True, markup=False
        )
        out.print("They name patients: keep them as you keep a chart.")
    return 20 if found.head.not_read else 0


def gathered_by(
    site: Path | None,
    vault: Path | None,
    identity: Path | None,
    *,
    words: bool,
    night: str | None,
    newest: bool,
    zone: str,
) -> Gathered:
    """Return what the lists are made of, from the site or the copy of a vault that the options mean."""
    return vault_and_list(site, vault, identity, words=words, night=night, newest=newest, zone=zone)[1]


def vault_and_list(
    site: Path | None,
    vault: Path | None,
    identity: Path | None,
    *,
    words: bool,
    night: str | None,
    newest: bool,
    zone: str,
) -> tuple[OpenedVault, Gathered]:
    """Return the vault that the options mean, with what opens it, and what lists of it are made of."""
    from beamkeeper.app.jobs.lists import gather_by_site, gather_elsewhere
    from beamkeeper.app.jobs.runtime import open_runtime
    from beamkeeper.app.opened import OpenedVault

    if night and newest:
        raise ConfigError("--night and --newest exclude each other.", do_next="Leave one of them out.")
    as_of = parse_day(night) if night else None
    clock = SystemClock()
    if vault is None and identity is None and not words:
        runtime = open_runtime(open_site(site), clock)
        found = gather_by_site(runtime, night=as_of, newest=newest)
        return OpenedVault(runtime.vault, runtime.keys.identities), found
    opened = open_vault_by(site, vault, identity, words)
    now = clock.now()
    return opened, gather_elsewhere(opened, zone=zone_named(zone), now=now, night=as_of, newest=newest)


def show_head(found: Gathered) -> None:
    """Print which night it is, who confirmed it, and what has to be known first."""
    print_wrapped(f"Night of {found.head.night}. {found.head.trust}")
    for text in (*found.head.warnings, *(f"NOT LISTED: {one}" for one in found.head.not_read)):
        print_wrapped(f"▲ {text}")
