"""`beamkeeper mirrors`: where copies of the vault stand, bringing them up to date, fetching one back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err, out, plain, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.app.cli.places import explain, local, status
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.mirroring import MirrorStanding
    from beamkeeper.protect.mirror import Outcome

EXIT_ALTERED = 20

app = typer.Typer()

RootKeyOption = Annotated[
    str | None,
    typer.Option("--root-key", metavar="HEX", help="The vault's root key; needed where it was never opened."),
]


@app.callback(invoke_without_command=True)
def show(ctx: typer.Context, site: SiteOption = None, json_: JsonOption = False) -> int:
    """Show where the copies of the vault stand against what it has published; asks no mirror anything.

    The stores of plain DICOM follow. Exit status: 0 all hold everything, 3 one is behind or gave no
    answer, 20 one was altered.

    Example: beamkeeper mirrors
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from beamkeeper.app.cli.copies import show_standing
    from beamkeeper.app.jobs.copying import standings as plain_standings
    from beamkeeper.app.jobs.mirroring import published, standings
    from beamkeeper.app.jobs.runtime import open_ledger

    chosen = open_site(site)
    ledger = open_ledger(chosen)
    found = standings(chosen, ledger, published(chosen, SystemClock()))
    stores = plain_standings(chosen, ledger)
    if json_:
        emit_json({"mirrors": found, "copies": stores})
    elif not found:
        out.print("The site file names no mirror: the vault has no copy elsewhere.")
        out.print("  → Add one: see \\[\\[mirrors]] in docs/guide/mirrors.md.")
    for standing in () if json_ else found:
        _show(standing, chosen.zone)
    for store in () if json_ else stores:
        show_standing(store, chosen.zone)
    return _status([standing.state.value for standing in found])


@app.command("run")
def run(
    destination: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this mirror; may be given again.")
    ] = None,
    reread: Annotated[bool, typer.Option("--reread", help="Read everything there back once more.")] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Bring mirrors up to date now: send what they lack, read back, prove.

    Safe to interrupt and to repeat. Exit status: 0 all hold everything, 3 one is behind or gave no
    answer, 20 one was altered.

    Example: beamkeeper mirrors run --destination usb
    """
    from beamkeeper.app.jobs.mirroring import chosen as sections_of
    from beamkeeper.app.jobs.mirroring import run_mirrors

    chosen = open_site(site)
    sections = sections_of(chosen, destination or ())
    if not sections:
        raise ConfigError(
            "The site file names no mirror.", do_next="Add a [[mirrors]] section: docs/guide/mirrors.md."
        )
    outcomes = []
    for outcome in run_mirrors(chosen, SystemClock(), sections, reread_all=reread):
        outcomes.append(outcome)
        if not json_:
            tell(outcome)
    if json_:
        emit_json({"outcomes": outcomes})
    return _status([outcome.state.value for outcome in outcomes])


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="The mirror, as the site file names it.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the vault shall go.")],
    root_key: RootKeyOption = None,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Bring a whole vault back from a mirror into a folder, each file verified before it appears.

    Then: beamkeeper restore --vault DIR. What the folder has already is not fetched again. Exit
    status: 0 everything came, 20 something did not; it is named.

    Example: beamkeeper mirrors fetch partner --to /srv/vault
    """
    from beamkeeper.app.jobs.fetching import fetch_vault

    chosen = open_site(site)
    fetched = fetch_vault(chosen, name, to, root_public_key=root_key)
    if json_:
        emit_json({"fetched": fetched})
    else:
        out.print(
            f"{'✗' if fetched.failures else '✓'} {fetched.parcel_count - len(fetched.failures)} of"
            f" {fetched.parcel_count} parcels verified, in {to}",
            soft_wrap=True,
        )
        for failure in fetched.failures:
            print_wrapped(f"  ✗ {failure}")
        if fetched.is_older:
            err.print("[bold]This copy is older[/] than what this computer has seen of the vault.")
        out.print(f"  Next: beamkeeper restore --all --words --vault {to}", soft_wrap=True)
    return EXIT_ALTERED if fetched.failures else 0


def _status(states: list[str]) -> int:
    return status(states, good="mirrored", bad="altered")


def _show(standing: MirrorStanding, zone: ZoneInfo) -> None:
    sign = "✓" if standing.is_mirrored else "✗"
    print_wrapped(f"{sign} {standing.name}: {standing.state.value}, {standing.kind} {standing.where}")
    said = f"    {standing.proved_count} parcels proved there"
    if standing.waiting_count:
        said += f", {standing.waiting_count} waiting ({standing.waiting_bytes / 1e6:.1f} MB)"
    if standing.waiting_since is not None:
        said += f" since {local(standing.waiting_since, zone)}"
    print_wrapped(said)
    print_wrapped(
        f"    last whole {local(standing.mirrored_at, zone)}, last tried {local(standing.tried_at, zone)}"
    )
    explain(standing.facts)


def tell(outcome: Outcome) -> None:
    """Print how a run over one mirror ended."""
    sign = "✓" if outcome.is_mirrored else "✗"
    said = f"{sign} {outcome.destination}: {outcome.state.value}"
    if outcome.proved_count or not outcome.error:
        said += (
            f"; {outcome.sent_count} sent ({outcome.sent_bytes / 1e6:.1f} MB), {outcome.reread_count} read"
            f" back again, {outcome.proved_count} proved, {outcome.waiting_count} waiting"
        )
    print_wrapped(said)
    facts = plain(outcome)
    assert isinstance(facts, dict)  # noqa: S101 - a dataclass becomes an object
    explain(facts)
