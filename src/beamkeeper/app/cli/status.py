"""`beamkeeper status`: the last nights, and how old the copy is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.audit import AuditReport

NIGHTS_SHOWN = 10


def command(site: SiteOption = None, json_: JsonOption = False) -> int:
    """Show the last nights, the age of the copy, and what is wrong with either.

    Exit status: 0 the last night is complete and fresh, 3 it is not, 22 the vault is stale.

    Example: beamkeeper status
    """
    from beamkeeper.app.jobs.audited import audit_report
    from beamkeeper.app.jobs.copy_words import copy_remarks
    from beamkeeper.app.jobs.hour_notes import last_report
    from beamkeeper.app.jobs.mirror_words import mirror_remarks
    from beamkeeper.app.jobs.retention_words import retention_remarks
    from beamkeeper.app.jobs.runtime import open_runtime

    clock = SystemClock()
    runtime = open_runtime(open_site(site), clock)
    now = clock.now()
    nights = runtime.ledger.nights(NIGHTS_SHOWN)
    stale = runtime.vault.is_stale(now)
    audit = audit_report(runtime)
    stand = where_nights_stand(runtime, now)
    if json_:
        emit_json(
            {
                "stale": stale,
                "expires_at": runtime.vault.expires_at,
                "nights": nights,
                "patients": len(runtime.vault.pseudonyms()),
                "vault_bytes": sum(entry.size_bytes for entry in runtime.vault.entries()),
                "audit": audit,
                "hour": last_report(runtime.site),
                "mirrors": mirror_remarks(runtime.site, runtime.ledger),
                "copies": copy_remarks(runtime.site, runtime.ledger),
                "retention": retention_remarks(runtime.ledger),
                "trust": stand,
            }
        )
    else:
        _show(runtime, audit, stand, stale=stale, now=now)
    if stale:
        return 22
    return 0 if nights and nights[0].outcome == "complete" else 3


def where_nights_stand(runtime: Runtime, now: datetime) -> dict[str, str]:
    """Return by night the word for where it stands; empty where the site asks nobody."""
    from beamkeeper.app.jobs.quorum import standings, take_reports

    if runtime.site.quorum is None:
        return {}
    take_reports(runtime.site, runtime.ledger, now)
    return {str(item.night): item.state.word for item in standings(runtime.site, runtime.ledger, now)}


def _show(runtime: Runtime, audit: AuditReport, stand: dict[str, str], *, stale: bool, now: datetime) -> None:
    from beamkeeper.app.jobs.copy_words import copy_remarks
    from beamkeeper.app.jobs.hour_words import hour_remark
    from beamkeeper.app.jobs.mirror_words import mirror_remarks
    from beamkeeper.app.jobs.retention_words import retention_remarks

    size = sum(entry.size_bytes for entry in runtime.vault.entries())
    zone = runtime.site.zone
    out.print(f"[bold]{runtime.site.site.name}[/]   vault {runtime.site.vault.directory}", soft_wrap=True)
    out.print(f"{len(runtime.vault.pseudonyms())} patients kept, {size / 1e6:.1f} MB sealed")
    until = runtime.vault.expires_at.astimezone(zone)
    if stale:
        out.print(f"▲ [bold]STALE[/] since {until:%Y-%m-%d %H:%M}: no night has fed the vault in time.")
    else:
        hours = (runtime.vault.expires_at - now).total_seconds() / 3600
        out.print(f"fresh until {until:%Y-%m-%d %H:%M} ({hours:.0f} h from now)")
    if audit.is_whole:
        by = ", as the vault saw it" if runtime.vault.audit_head else ""
        out.print(f"audit log: {audit.lines} lines, unbroken{by}")
    else:
        print_wrapped(f"▲ audit log: broken at line {audit.first_broken}: {audit.reason}")
    elsewhere = (
        *mirror_remarks(runtime.site, runtime.ledger),
        *copy_remarks(runtime.site, runtime.ledger),
        *retention_remarks(runtime.ledger),
    )
    for remark in filter(None, (hour_remark(runtime.site, now), *elsewhere)):
        print_wrapped(remark)
    table = Table(box=None, pad_edge=False, title="\nLast nights", title_justify="left")
    people = ("people",) if stand else ()
    for title in ("night", "outcome", "patients", "kept whole", "documents", "need eyes", *people):
        table.add_column(title, justify="left" if title in {"night", "outcome", "people"} else "right")
    for night in runtime.ledger.nights(NIGHTS_SHOWN):
        summary = night.summary
        cells = (str(summary.get(key, "–")) for key in ("patients", "whole", "documents", "eyes"))
        table.add_row(
            str(night.run_on), night.outcome, *cells, *([stand.get(str(night.run_on), "–")] if stand else [])
        )
    out.print(table)
