"""`beamkeeper changes` and `announce`: what differed, and saying beforehand what will."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.app.cli.who import IssuerOption, kept_patients, the_one
from beamkeeper.clock import SystemClock
from beamkeeper.domain.change import SEVERITY, AnnouncedScope
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from beamkeeper.app.jobs.runtime import Runtime
    from beamkeeper.domain.change import ObjectComparison
    from beamkeeper.domain.night import PatientNight
    from beamkeeper.ledger import ChangeRow, NightRow

DAYS_MAX = 60


def changes(
    on: Annotated[str | None, typer.Option(metavar="DATE", help="One night; the last by default.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Expected ones and identical re-exports too.")] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Show what one night found changed, in words, the patient with the worst change first.

    Exit status: 0 nothing needs eyes, 1 something does, 3 none is known but the night is not complete.

    Example: beamkeeper changes --on 2026-03-02
    """
    from beamkeeper.app.jobs.reporting import last_report
    from beamkeeper.app.jobs.runtime import open_runtime

    chosen = open_site(site)
    runtime = open_runtime(chosen, SystemClock())
    night = _night(runtime, parse_day(on) if on else None)
    report = last_report(chosen, night.run_on)
    told = [one for one in report.patients if one.identity] if report else []
    rows = [row for row in runtime.ledger.changes(run_on=night.run_on) if all_ or row.comparison.needs_eyes]
    rows.sort(key=lambda row: (-SEVERITY[row.comparison.grade], row.pseudonym))
    whole = 0 if night.outcome == NightOutcome.COMPLETE.value else 3
    status = 1 if told or any(row.comparison.needs_eyes for row in rows) else whole
    if json_:
        said = [{"pseudonym": o.pseudonym, "identity": o.identity} for o in told]
        emit_json({"run_on": night.run_on, "outcome": night.outcome, "changes": rows, "patients": said})
        return status
    ids = {row.pseudonym: row.patient.patient_id for row in runtime.ledger.patients()}
    out.print(f"[bold]Night of {night.run_on}[/]")
    _show(rows, {one.pseudonym: one for one in told}, ids)
    if not status:
        out.print("Nothing needs your eyes.")
    if whole:
        how = "has not ended" if night.outcome == NightOutcome.RUNNING.value else f"is {night.outcome}"
        print_wrapped(
            f"This night {how}, not complete: there may be changes it could not tell. "
            f"Read {chosen.night_dir(night.run_on) / 'report.html'} if it is there; "
            "`beamkeeper night` tries again."
        )
    return status


def _show(rows: Sequence[ChangeRow], told: Mapping[str, PatientNight], ids: Mapping[str, str]) -> None:
    """Print patient by patient, whoever has the worst change first; what was expected only in numbers."""
    from beamkeeper.protect.report.words import GRADE_WORDS, expected_in_words

    found: dict[str, list[ObjectComparison]] = {}
    for row in rows:
        found.setdefault(row.pseudonym, []).append(row.comparison)
    for pseudonym in dict.fromkeys((*found, *told)):
        items = found.get(pseudonym, [])
        out.print(Text(ids.get(pseudonym, pseudonym[:10]), style="bold"))
        one = told.get(pseudonym)
        for item in items:
            if not item.expected:
                print_wrapped(f"  [{GRADE_WORDS[item.grade]}] {item.title}")
                for change in item.changes:
                    print_wrapped(f"    · {change.text}")
        for line in expected_in_words(tuple(item for item in items if item.expected)):
            print_wrapped(f"  [expected] {line}")
        for text in one.identity if one else ():
            print_wrapped(f"  [who is who] {text}")


def _night(runtime: Runtime, run_on: date | None) -> NightRow:
    """Return the night that is meant, the last one by default: silence about no night is no good news."""
    if run_on is None:
        nights = runtime.ledger.nights(1)
        if not nights:
            raise ConfigError("There has been no night yet.", do_next="Run `beamkeeper night`.")
        return nights[0]
    night = runtime.ledger.night(run_on)
    if night is None:
        raise ConfigError(f"There was no night on {run_on}.", do_next="`beamkeeper status` lists them.")
    return night


def announce(
    patient_id: Annotated[
        str, typer.Argument(help="Patient ID, exactly, or the first letters of the pseudonym.")
    ],
    reason: Annotated[str, typer.Option(help="Why, for those who read the report.")],
    scope: Annotated[AnnouncedScope, typer.Option(help="What may change.")] = AnnouncedScope.REPLAN,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="How long it holds.")] = 3,
    by: Annotated[str, typer.Option(help="Who announces; your login by default.")] = "",
    issuer: IssuerOption = None,
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
    found = the_one(kept_patients(runtime.ledger, patient_id, issuer))
    now = clock.now()
    who = by or getpass.getuser()
    row = AnnouncementRow(
        pseudonym=found.pseudonym,
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
        patient_pseudonym=found.pseudonym,
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
