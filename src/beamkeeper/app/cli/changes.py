"""`beamkeeper changes` and `announce`: what differed, and saying beforehand what will."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError
from beamkeeper.protect.compare import AnnouncedScope

DAYS_MAX = 60


def changes(
    on: Annotated[str | None, typer.Option(metavar="DATE", help="One night; the last by default.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Expected ones and identical re-exports too.")] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Show what one night found changed, in words, worst first.

    Exit status: 0 nothing needs eyes, 1 something does.

    Example: beamkeeper changes --on 2026-03-02
    """
    from beamkeeper.app.jobs.runtime import open_runtime
    from beamkeeper.domain.change import SEVERITY
    from beamkeeper.protect.report.words import GRADE_WORDS

    runtime = open_runtime(open_site(site), SystemClock())
    nights = runtime.ledger.nights(1)
    if on is None and not nights:
        raise ConfigError("There has been no night yet.", do_next="Run `beamkeeper night`.")
    run_on = parse_day(on) if on else nights[0].run_on
    rows = [row for row in runtime.ledger.changes(run_on=run_on) if all_ or row.comparison.needs_eyes]
    rows.sort(key=lambda row: (-SEVERITY[row.comparison.grade], row.pseudonym))
    if json_:
        emit_json({"run_on": run_on, "changes": rows})
        return 1 if any(row.comparison.needs_eyes for row in rows) else 0
    people = {row.pseudonym: row.patient for row in runtime.ledger.patients()}
    out.print(f"[bold]Night of {run_on}[/]")
    for row in rows:
        item = row.comparison
        who = people[row.pseudonym].patient_id if row.pseudonym in people else row.pseudonym[:10]
        reason = f"  (expected: {item.expected})" if item.expected else ""
        line = f"{GRADE_WORDS[item.grade]:<14} {who}  {item.kind}: {item.label}{reason}"
        out.print(line, soft_wrap=True, markup=False)
        for change in item.changes:
            out.print(f"    · {change.text}", soft_wrap=True, markup=False)
    if not rows:
        out.print("Nothing needs your eyes.")
    return 1 if any(row.comparison.needs_eyes for row in rows) else 0


def announce(
    patient_id: Annotated[str, typer.Argument(help="Patient ID, exactly.")],
    reason: Annotated[str, typer.Option(help="Why, for those who read the report.")],
    scope: Annotated[AnnouncedScope, typer.Option(help="What may change.")] = AnnouncedScope.REPLAN,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="How long it holds.")] = 3,
    by: Annotated[str, typer.Option(help="Who announces; your login by default.")] = "",
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Say beforehand that something will change for a patient, so that it raises no alarm.

    A replan is a new plan: a plan that changes under its old UID is never covered, nor is a record.

    Example: beamkeeper announce 0012345 --scope replan --reason "weight loss, new CT on Monday"
    """
    from beamkeeper.app.jobs.runtime import open_runtime
    from beamkeeper.ledger import AnnouncementRow

    clock = SystemClock()
    runtime = open_runtime(open_site(site), clock)
    found = runtime.ledger.patient_by_id(patient_id)
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} patients with this Patient ID are kept.",
            do_next="`beamkeeper patients` lists them; a patient must have been kept once.",
        )
    now = clock.now()
    who = by or getpass.getuser()
    row = AnnouncementRow(
        pseudonym=found[0].pseudonym,
        scope=scope.value,
        reason=reason,
        announced_by=who,
        announced_at=now,
        valid_from=now,
        valid_until=now + timedelta(days=days),
    )
    runtime.ledger.audit.append(
        "change announced",
        actor=who,
        outcome="ok",
        patient_pseudonym=found[0].pseudonym,
        details={"scope": scope.value, "days": days},
        at=now,
    )
    runtime.ledger.announce(row)
    if json_:
        emit_json({"announcement": row})
    else:
        until = row.valid_until.astimezone(runtime.site.zone)
        out.print(f"✓ Announced: {scope.value} for patient {patient_id}, until {until:%Y-%m-%d %H:%M}.")
    return 0
