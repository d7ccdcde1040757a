"""`beamkeeper vault`: verify it, list it, rebuild the ledger from it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from beamkeeper.app.cli.console import emit_json, err, out
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption, open_vault_by, recovery_by
from beamkeeper.clock import SystemClock

if TYPE_CHECKING:
    from beamkeeper.app.jobs.rolling_back import RollbackCost
    from beamkeeper.vault import VaultReport

app = typer.Typer(no_args_is_help=True, help="Verify the vault, list it, rebuild the ledger from it.")


@app.command("verify")
def verify(
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    open_parcels: Annotated[
        bool, typer.Option("--open", help="Open every parcel too and check each file inside.")
    ] = False,
    json_: JsonOption = False,
) -> int:
    """Read the whole vault: signatures, freshness, every parcel's size and SHA-256.

    Exit status: 0 sound and fresh, 20 something is not as it was signed, 22 sound but stale.

    Example: beamkeeper vault verify --open
    """
    opened = open_vault_by(site, vault, identity, words)
    report = opened.vault.verify(
        now=SystemClock().now(), identities=opened.identities if open_parcels else None
    )
    if json_:
        emit_json({"is_sound": report.is_sound, "report": report})
    else:
        _show(report)
        if report.stale:
            out.print("[bold]Stale:[/] nobody fed this vault in time.")
    if not report.is_sound:
        return 20
    return 22 if report.stale else 0


def _show(report: VaultReport) -> None:
    for lost in report.lost:
        out.print(
            f"  note: {lost.entry.path} was lost, noticed on {lost.noticed_on}; all it held stands in"
            f" {', '.join(lost.held_in)}",
            soft_wrap=True,
            markup=False,
        )
    size = f"{report.parcel_count} parcels, {report.size_bytes / 1e6:.1f} MB"
    if report.is_sound:
        inside = f", {report.file_count} files inside compared" if report.file_count else ""
        out.print(f"✓ sound: {size}, every digest as signed{inside}", soft_wrap=True)
        return
    out.print(f"✗ NOT SOUND: {size}; not as signed: {len(report.problems)}", soft_wrap=True)
    for problem in report.problems:
        out.print(f"  ✗ {problem.path}: {problem.what}", soft_wrap=True, markup=False)
    out.print("  → Restore these parcels from another copy of the vault; the others are sound.")


@app.command("list")
def list_(
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: JsonOption = False,
) -> int:
    """List nights and patients in the vault; patients by pseudonym, the metadata know no names.

    Example: beamkeeper vault list
    """
    from beamkeeper.app.jobs.good_copies import copies_in

    opened = open_vault_by(site, vault, identity, words)
    entries = [entry for entry in opened.vault.entries() if entry.kind == "patient"]
    rows = [
        {
            "pseudonym": name,
            "nights": sorted({entry.night for entry in entries if entry.pseudonym == name}),
            "parcels": sum(entry.pseudonym == name for entry in entries),
            "size_bytes": sum(entry.size_bytes for entry in entries if entry.pseudonym == name),
        }
        for name in opened.vault.pseudonyms()
    ]
    copies = copies_in(opened.vault)
    for row in rows:
        row["good_night"] = copies.choose(str(row["pseudonym"])).night if copies.asked else None
    held = {night.isoformat(): items for night, items in copies.open_nights().items()}
    if json_:
        emit_json(
            {
                "nights": opened.vault.nights(),
                "expires_at": opened.vault.expires_at,
                "asked": copies.asked,
                "unconfirmed": held,
                "patients": rows,
            }
        )
        return 0
    nights = opened.vault.nights()
    table = Table(box=None, pad_edge=False)
    for title, justify in (("patient", "left"), ("parcels", "right"), ("MB", "right"), ("last new", "left")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for row in rows:
        size = f"{row['size_bytes'] / 1e6:.1f}"  # type: ignore[operator]
        table.add_row(str(row["pseudonym"]), str(row["parcels"]), size, str(row["nights"][-1]))  # type: ignore[index]
    out.print(table)
    if held:
        out.print(f"\n▲ not confirmed, or disputed: the night of {', '.join(held)}", soft_wrap=True)
    span = f"{nights[0]} to {nights[-1]}" if nights else "none yet"
    out.print(f"\n{len(rows)} patients; {len(nights)} nights: {span}")
    out.print(f"stale after {opened.vault.expires_at:%Y-%m-%d %H:%M} UTC unless a night follows")
    return 0


@app.command("rebuild")
def rebuild(
    site: SiteOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: JsonOption = False,
) -> int:
    """Make the ledger anew from the vault and the key, when its database is lost or damaged.

    A collector that only encrypts needs --words or --identity. Move a damaged ledger aside first.
    Audit log and announcements cannot be rebuilt.

    Example: beamkeeper vault rebuild
    """
    from beamkeeper.app.jobs.rebuilding import rebuild_ledger
    from beamkeeper.app.jobs.runtime import only_one

    chosen = open_site(site)
    recovery = recovery_by(identity, words=words)
    with only_one(chosen):
        patients, objects = rebuild_ledger(
            chosen, SystemClock(), identity=recovery.identity if recovery else None
        )
    if json_:
        emit_json({"patients": patients, "objects": objects})
    else:
        err.print(f"✓ The ledger knows {patients} patients and {objects} objects again.")
    return 0


@app.command("accept-rollback")
def accept_rollback(
    night: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last night of the vault as it lies there.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; goes into the audit log. No patients' names.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Go on with a vault that was turned back to an older state (exit status 21).

    First put a newer copy in its place, if there is one: nothing is lost then. Without --night and
    --reason this only shows what accepting would give up, and exits 21.

    Example: beamkeeper vault accept-rollback --night 2026-03-02 --reason "share restored from tape"
    """
    from beamkeeper.app.jobs.rolling_back import accept, rollback_cost
    from beamkeeper.app.jobs.runtime import only_one

    chosen = open_site(site)
    with only_one(chosen):
        cost = rollback_cost(chosen)
        if night is None or not reason.strip():
            _show_cost(cost, json_=json_)
            return 21
        day = parse_day(night)
        if not yes:
            _show_cost(cost, json_=False)
            typer.confirm("Go on with this older vault?", abort=True, err=True)
        cost, version = accept(
            chosen, SystemClock(), night=day, reason=reason.strip(), actor=getpass.getuser()
        )
    if json_:
        emit_json({"accepted": True, "version": version, "cost": cost})
    else:
        err.print(f"✓ Accepted; the vault's metadata are version {version} now. Run `beamkeeper night`.")
    return 0


def _show_cost(cost: RollbackCost, *, json_: bool) -> None:
    if json_:
        emit_json({"accepted": False, "cost": cost})
        return
    nights = ", ".join(map(str, cost.nights_lost)) or "none"
    err.print(
        f"The vault that lies there is version {cost.version_found}; this computer has seen"
        f" {cost.version_seen}.\n"
        f"Its last night: {cost.last_night or 'none'}. Nights it does not know: {nights}.\n"
        f"It does not name {len(cost.parcels)} parcels with {cost.objects} versions of objects of"
        f" {cost.patients} patients.\n"
        "The next night takes them from the sources again; older versions and what the sources no longer"
        " hold are gone. A newer copy of the vault, a mirror or a backup, loses nothing: use that first."
    )
