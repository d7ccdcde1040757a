"""`beamkeeper declare`: the first hour of an incident, on any laptop with a copy of the vault and a key."""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from beamkeeper.app.cli.console import emit_json, err, out, print_wrapped
from beamkeeper.app.cli.lists import NewestOption, NightOption, vault_and_list
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.jobs.declaring import Declared
    from beamkeeper.vault import VaultReport
    from beamkeeper.vault.reading import Progress

PROBLEMS_SHOWN = 20
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who you are: name and role; else your account.")
]

AwareOption = Annotated[
    str | None,
    typer.Option("--aware", metavar="TIME", help="When somebody first knew (2026-11-22 06:30); else now."),
]
WorkedOption = Annotated[
    str | None,
    typer.Option("--worked-until", metavar="TIME", help="When treatment last worked; else now."),
]
LawOption = Annotated[
    list[str] | None, typer.Option("--law", help="NIS2, GDPR, HIPAA: whose clocks run; else all.")
]

ChecklistOption = Annotated[
    Path | None, typer.Option("--checklist", metavar="FILE", help="The department's own checklist.")
]
HoldOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--hold",
        metavar="PLACE",
        help="Freeze removal there, too: a copy's folder, the file of a mirror, a site file.",
    ),
]

QuickOption = Annotated[
    bool, typer.Option("--quick", help="Do not read the whole vault in the end: `vault verify` does.")
]


def command(
    out_dir: Annotated[Path, typer.Option("--out", metavar="DIR", help="The incident's folder, to be made.")],
    by: ByOption = None,
    known: Annotated[str, typer.Option("--known", help="What is known, in your words.")] = "",
    aware: AwareOption = None,
    worked_until: WorkedOption = None,
    law: LawOption = None,
    checklist: ChecklistOption = None,
    hold: HoldOption = None,
    quick: QuickOption = False,
    night: NightOption = None,
    newest: NewestOption = False,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    zone: Annotated[
        str | None,
        typer.Option("--zone", metavar="NAME", help="The clock on the wall, with a copy: Europe/Brussels."),
    ] = None,
    json_: JsonOption = False,
) -> int:
    """Declare an incident: who is on treatment, where each stands, whom to call; and a journal from now on.

    Needs no network and no directory server. Takes the last night that people confirmed and says which, and
    what came after it. Sessions booked since then are marked as possibly delivered: ask, never assume.
    Freezes removal in every copy of the vault it can write to: this one, the mirrors of the site file, and
    whatever --hold names. Reads the whole vault last, when the lists lie
    there already. The folder names patients: keep it as you keep a chart.

    Exit status: 0 everybody is listed, 20 somebody could not be read or the vault is not sound.

    Example: beamkeeper declare --vault /mnt/usb/vault --words --zone Europe/Brussels --out incident
    """
    from beamkeeper.app.jobs.declaration import Typed, declaration
    from beamkeeper.app.jobs.declaring import check_vault, declare
    from beamkeeper.app.jobs.freezing import freeze_elsewhere
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.incident.checklist import read_checklist

    clock, on_site = SystemClock(), vault is None and identity is None and not words
    _verify_zone(zone, on_site=on_site)
    folder = IncidentFolder.create(out_dir)
    opened, found = vault_and_list(
        site, vault, identity, words=words, night=night, newest=newest, zone=zone or "UTC"
    )
    typed = Typed(
        by=who(by), known=known, aware=aware or "", worked_until=worked_until or "", laws=tuple(law or ()),
        checklist=read_checklist(checklist) if checklist else "",
    )  # fmt: skip
    said = declaration(typed, found, clock.now())
    declared = declare(found, opened.vault, said, folder=folder, clock=clock, more_places=hold or [])
    if not json_:
        _show(declared)
    declared = freeze_elsewhere(
        declared, hold or [], site=open_site(site) if on_site else None, by=said.by, clock=clock
    )
    if not json_:
        _show_frozen(declared)
    report = None
    if not quick:
        with reading_display(quiet=json_) as progress:
            report = check_vault(declared, opened.vault, by=said.by, clock=clock, progress=progress)
    if json_:
        emit_json(_plain(declared, report))
    elif report is not None:
        _show_report(report)
    is_sound = report is None or report.is_sound
    return 0 if is_sound and not declared.inventory.not_read else 20


def _verify_zone(zone: str | None, *, on_site: bool) -> None:
    if zone is None and not on_site:
        raise ConfigError(
            "A copy does not say by which clock the department lives.",
            do_next="Give --zone Europe/Brussels, or whichever it is: days and typed times go by it.",
        )


def who(by: str | None) -> str:
    """Return who acts: as typed, else the account."""
    from beamkeeper.app.jobs.incident_acts import WHO_MAX, within

    return within(by or "", WHO_MAX) or f"account {getpass.getuser()}"


def within(text: str, most: int | None = None) -> str:
    """Return what was typed, if a line of the journal can hold it; see `incident_acts.within`."""
    from beamkeeper.app.jobs.incident_acts import TEXT_MAX
    from beamkeeper.app.jobs.incident_acts import within as bounded

    return bounded(text, TEXT_MAX if most is None else most)


@contextmanager
def reading_display(*, quiet: bool) -> Iterator[Progress | None]:
    """Show on a terminal how far reading the vault is."""
    if quiet or not err.is_terminal:
        yield None
        return
    columns = (TextColumn("Reading the whole vault"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=err, transient=True) as shown:
        task = shown.add_task("read", total=None)
        yield lambda done_bytes, total_bytes: shown.update(task, completed=done_bytes, total=total_bytes)


def _show(declared: Declared) -> None:
    from beamkeeper.respond.incident import DECIDES

    numbers, incident = declared.numbers, declared.incident
    out.print(f"[bold]Incident {incident.incident_id}[/] · {escape(incident.site_name)}")
    print_wrapped(f"Night of {incident.night}. {incident.trust}")
    for text in (
        *declared.inventory.warnings,
        *(f"NOT LISTED: {one}" for one in declared.inventory.not_read),
    ):
        print_wrapped(f"▲ {text}")
    out.print()
    for count, what in (
        (numbers.on_treatment, "on treatment"),
        (numbers.ready, "ready to start"),
        (numbers.treatable, "of these treatable from the copy: nothing is missing"),
        (numbers.of_category_1, "RCR category 1, as diagnosis and intent suggest"),
        (numbers.possibly_delivered, "possibly treated since the copy was made: ask each"),
        (numbers.to_look_at, "with a ▲ to look at before anything else"),
        (numbers.without_phone, "without a phone number"),
    ):
        out.print(f"  [bold]{count:5}[/]  {what}")
    out.print()
    for name in declared.own.files:
        print_wrapped(f"✓ {name}: the department's own, as the copy brought it.")
    for why in declared.own.wrong:
        print_wrapped(f"▲ {why} The program's own is used.")
    out.print(f"Print now: {declared.folder.path}/incident.pdf", soft_wrap=True, markup=False)
    out.print(f"           {declared.folder.path}/lists/triage-list.pdf", soft_wrap=True, markup=False)
    print_wrapped(f"{DECIDES} The folder names patients: keep it as you keep a chart.")


def _show_frozen(declared: Declared) -> None:
    for place in declared.held:
        print_wrapped(f"✓ Nothing is removed any more from {place}.")
    for place in declared.not_held:
        print_wrapped(f"▲ Removal could not be frozen in {place}")


def _show_report(report: VaultReport) -> None:
    size = f"{report.parcel_count} parcels, {report.size_bytes / 1e6:.1f} MB"
    if report.is_sound:
        print_wrapped(f"✓ The whole vault was read: {size}, every digest as signed.")
        return
    print_wrapped(f"✗ NOT SOUND: {len(report.problems)} of {size} are not as signed.")
    for problem in report.problems[:PROBLEMS_SHOWN]:
        print_wrapped(f"  ✗ {problem.path}: {problem.what}")
    print_wrapped("  → Use another copy of the vault for these; the others are sound.")


def _plain(declared: Declared, report: VaultReport | None) -> dict[str, object]:
    return {
        "incident": declared.incident,
        "numbers": declared.numbers,
        "warnings": declared.inventory.warnings,
        "not_read": declared.inventory.not_read,
        "held": declared.held,
        "not_held": declared.not_held,
        "own_files": tuple(declared.own.files),
        "not_taken": declared.own.wrong,
        "rows": declared.rows,
        "vault": report,
        "folder": declared.folder.path,
    }
