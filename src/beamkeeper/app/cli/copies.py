"""`beamkeeper copies`: where stores of plain DICOM stand, and bringing them up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, plain, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.app.cli.places import explain, local, status
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beamkeeper.app.jobs.copying import CopiesStanding
    from beamkeeper.protect.copies import CopyOutcome

app = typer.Typer()


@app.callback(invoke_without_command=True)
def show(ctx: typer.Context, site: SiteOption = None, json_: JsonOption = False) -> int:
    """Show where the stores of plain DICOM stood after their last run; asks no store anything.

    Exit status: 0 all hold everything and proved it, 3 one is behind, gave no answer or proves
    nothing, 20 one gives back something else than was sent.

    Example: beamkeeper copies
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from beamkeeper.app.jobs.copying import standings
    from beamkeeper.app.jobs.runtime import open_ledger

    chosen = open_site(site)
    found = standings(chosen, open_ledger(chosen))
    if json_:
        emit_json({"copies": found})
        return _status([standing.state.value for standing in found])
    if not found:
        out.print("The site file names no [[copies]]: plain DICOM goes nowhere.", markup=False)
    for standing in found:
        show_standing(standing, chosen.zone)
    return _status([standing.state.value for standing in found])


@app.command("run")
def run(
    destination: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this store; may be given again.")
    ] = None,
    reread: Annotated[bool, typer.Option("--reread", help="Read everything there back once more.")] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Bring stores up to date now: send what they lack, read it back, compare.

    Safe to interrupt and to repeat. Exit status: 0 all hold everything and proved it, 3 one is
    behind, gave no answer or proves nothing, 20 one gives back something else than was sent.

    Example: beamkeeper copies run --destination mim
    """
    from beamkeeper.app.jobs.copy_stores import chosen as sections_of
    from beamkeeper.app.jobs.copying import run_copies

    chosen = open_site(site)
    sections = sections_of(chosen, destination or ())
    if not sections:
        raise ConfigError(
            "The site file names no [[copies]].", do_next="Add a section: docs/guide/copies.md."
        )
    outcomes = []
    for outcome in run_copies(chosen, SystemClock(), sections, reread_all=reread):
        outcomes.append(outcome)
        if not json_:
            tell(outcome)
    if json_:
        emit_json({"outcomes": outcomes})
    return _status([outcome.state.value for outcome in outcomes])


def _status(states: list[str]) -> int:
    return status(states, good="complete", bad="differs")


def show_standing(standing: CopiesStanding, zone: ZoneInfo) -> None:
    """Print where one store stands."""
    sign = "✓" if standing.state.value == "complete" else "✗"
    print_wrapped(f"{sign} {standing.name}: {standing.state.value}, {standing.kind} {standing.where}")
    _counts(standing.facts)
    since = "" if standing.waiting_since is None else f", waiting since {local(standing.waiting_since, zone)}"
    print_wrapped(
        f"    last complete {local(standing.complete_at, zone)},"
        f" last tried {local(standing.tried_at, zone)}{since}"
    )
    explain(standing.facts)


def tell(outcome: CopyOutcome) -> None:
    """Print how one run ended."""
    sign = "✓" if outcome.is_complete else "✗"
    print_wrapped(
        f"{sign} {outcome.destination}: {outcome.state.value}; {outcome.sent_count} sent"
        f" ({outcome.sent_bytes / 1e6:.1f} MB), {outcome.reread_count} read back again"
    )
    facts = plain(outcome)
    assert isinstance(facts, dict)  # noqa: S101 - a dataclass becomes an object
    _counts(facts)
    explain(facts)


def _counts(facts: dict[str, object]) -> None:
    """Print how much of what should be there is."""
    if not facts:
        return
    said = (
        f"    of {facts['wanted_count']} objects of {facts['patient_count']} patients"
        f" {facts['proved_count']} proved"
    )
    if facts["listed_count"]:
        said += f", {facts['listed_count']} sent and not proved"
    if facts["waiting_count"]:
        said += f", {facts['waiting_count']} waiting ({int(str(facts['waiting_bytes'])) / 1e6:.1f} MB)"
    print_wrapped(said)
