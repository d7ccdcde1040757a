"""`beamkeeper doctor`: what a night needs, checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, read_site
from beamkeeper.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.finding import Finding

SIGNS = {"good": "✓", "warning": "△", "bad": "✗", "unchecked": "?"}


def command(
    site: SiteOption = None,
    online: Annotated[
        bool, typer.Option("--online", help="Open the window; try mail and alerts, sending nothing.")
    ] = False,
    desk: Annotated[
        Path | None, typer.Option("--desk", metavar="DIR", help="Check a desk instead of a site.")
    ] = None,
    json_: JsonOption = False,
) -> int:
    """Check keys, vault, ledger, what expires, sources, how people are called, and this computer.

    Says what could not be checked, and why. With --desk: the keys and cards of a desk, whether everything
    that was received is as it came, and what lies there in clear.

    Changes nothing, but removes what earlier nights left behind and nobody will go on with. Exit
    status: 0 nothing is bad, 1 something is.

    Example: beamkeeper doctor
    """
    findings = []
    for finding in _findings(site, desk, online=online):
        findings.append(finding)
        if not json_:
            _show(finding)
    bad = sum(finding.verdict == "bad" for finding in findings)
    if json_:
        emit_json({"findings": findings})
    else:
        out.print(f"\n{len(findings)} checks, {bad} bad.")
    return 1 if bad else 0


def _findings(site: Path | None, desk: Path | None, *, online: bool) -> Iterator[Finding]:
    from beamkeeper.app.checkup import check_site
    from beamkeeper.app.checkup_desk import check_desk
    from beamkeeper.respond.handover import Desk

    if desk is None:
        return check_site(read_site(site), SystemClock(), online=online)
    return check_desk(Desk.open(desk))


def _show(finding: Finding) -> None:
    said = f"not checked: {finding.text}" if finding.verdict == "unchecked" else finding.text
    print_wrapped(f"{SIGNS[finding.verdict]} {finding.what:<12} {said}")
    if finding.do_next:
        print_wrapped(f"               → {finding.do_next}")
