"""`beamkeeper binder`: everything to print for one department, as one PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out
from beamkeeper.app.cli.lists import NewestOption, NightOption, ZoneOption, gathered_by, show_head
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption


def command(
    out_file: Annotated[Path, typer.Option("--out", metavar="FILE", help="The PDF to write.")],
    dossiers: Annotated[
        Path | None,
        typer.Option(
            "--dossiers",
            metavar="DIR",
            help="Dossiers in place of the sealed ones: PDFs named by the patient's vault folder.",
        ),
    ] = None,
    night: NightOption = None,
    newest: NewestOption = False,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    zone: ZoneOption = "UTC",
    json_: JsonOption = False,
) -> int:
    """Write the binder: cover, contents, the lists, and each patient's dossier and chart sheets.

    Needs no network. Patients stand in the order of the triage list, and the pages are counted through.
    Dossiers come out of the vault, with their pictures; who has none there, or records since, gets one made
    without pictures. On the collector, sheets of patients whose facts did not change are taken from the last
    binder. Which night: as `beamkeeper lists`. An existing file is replaced. It names patients: keep it as a
    chart.

    Exit status: 0 everybody is in it, 20 somebody could not be read and is named on the cover.

    Example: beamkeeper binder --out /mnt/usb/binder.pdf
    """
    from beamkeeper.app.jobs.binder import FOLDER, SheetCache, dossiers_in, make_binder
    from beamkeeper.app.jobs.binder_dossiers import sealed_dossiers
    from beamkeeper.app.jobs.notes import write_whole

    at_hand = dossiers_in(dossiers) if dossiers is not None else None
    found = gathered_by(site, vault, identity, words=words, night=night, newest=newest, zone=zone)
    elsewhere = vault is not None or identity is not None or words
    cache = SheetCache(None if elsewhere else open_site(site).data_dir / FOLDER)
    bound = make_binder(found, cache=cache, dossiers=at_hand or sealed_dossiers(found.opened))
    write_whole(out_file, bound)
    if json_:
        emit_json(
            {
                "night": found.head.night,
                "trust": found.head.trust,
                "warnings": found.head.warnings,
                "not_read": found.head.not_read,
                "patients": len(found.persons),
                "sheets_made": cache.made,
                "bytes": len(bound),
            }
        )
    else:
        show_head(found)
        out.print(f"{len(found.persons)} patients, {cache.made} sheets made anew, {len(bound) / 1e6:.1f} MB")
        out.print(f"in {out_file}", soft_wrap=True, markup=False)
        out.print("It names patients: keep it as you keep a chart.")
    return 20 if found.head.not_read else 0
