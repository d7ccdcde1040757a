"""`beamkeeper retain`: whose copy goes, whose is held and by what; removing, holding, releasing."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError, VoteRefused

if TYPE_CHECKING:
    from datetime import datetime

    from beamkeeper.app.jobs.retaining import RetentionOutcome
    from beamkeeper.app.jobs.retention_facts import Retention
    from beamkeeper.app.site import Site
    from beamkeeper.ledger import Ledger, RemovalRow
    from beamkeeper.protect.retain import Verdict, WordKind

EXIT_WAITS = 3

app = typer.Typer()

PatientArgument = Annotated[
    str | None,
    typer.Argument(metavar="PATIENT", help="Patient ID or the first letters of a pseudonym; else everybody."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in your words; it stays in the ledger.")]
AsOption = Annotated[
    str | None,
    typer.Option("--as", metavar="LOGIN", help="Who you are, if your account is called otherwise."),
]
CodeOption = Annotated[
    str | None,
    typer.Option("--code", help="With --as: your code of the last report mail; asked for otherwise."),
]


@app.callback(invoke_without_command=True)
def show(ctx: typer.Context, site: SiteOption = None, json_: JsonOption = False) -> int:
    """Show whose copy is due, held or kept, with the reason and who decides; removes nothing.

    Exit status: 0 nothing that is due waits, 3 something is frozen or not proved gone elsewhere.

    Example: beamkeeper retain
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from beamkeeper.app.jobs.retention_facts import look
    from beamkeeper.app.jobs.runtime import open_runtime

    runtime = open_runtime(open_site(site), SystemClock())
    retention = look(runtime)
    waiting = runtime.ledger.removals.all(unfinished=True)
    return _tell(runtime.ledger, retention, waiting, json_=json_)


@app.command("run")
def run(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would go; nothing is removed.")
    ] = False,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Remove whose time is over from the vault, every mirror and every receiver, and prove it.

    Safe to interrupt and to repeat. `serve` does it by itself once a day after people had to confirm the
    night. Exit status: 0 what is due is gone everywhere, 3 something is frozen or waits for a place.

    Example: beamkeeper retain run --dry-run
    """
    from beamkeeper.app.jobs.retaining import retain

    chosen = open_site(site)
    if dry_run:
        return _dry(chosen, json_=json_)
    outcome = retain(chosen, SystemClock())
    return _report(chosen, outcome, json_=json_)


@app.command("hold")
def hold(
    patient: PatientArgument = None,
    reason: ReasonOption = "",
    as_: AsOption = None,
    code: CodeOption = None,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Keep one patient, or everybody, until two people release: an incident, a complaint, a doubt.

    One person is enough. Exit status: 0 it is held.

    Example: beamkeeper retain hold --reason "ransomware in the department"
    """
    from beamkeeper.protect.retain import WordKind

    return _say(WordKind.HOLD, patient, reason, open_site(site), as_=as_, code=code, json_=json_)


@app.command("release")
def release(
    patient: PatientArgument = None,
    due: Annotated[bool, typer.Option("--due", help="Everybody who is due now, each by name.")] = False,
    reason: ReasonOption = "",
    as_: AsOption = None,
    code: CodeOption = None,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Release a hold, or a patient whose course was broken off with fractions left: two people do.

    With --due: all who are due at once, when they are more than may go without a person's word. Exit
    status: 0 your word counts, 43 it does not.

    Example: beamkeeper retain release 0012345 --reason "treated elsewhere"
    """
    from beamkeeper.protect.retain import WordKind

    chosen = open_site(site)
    if due and patient:
        raise ConfigError("--due is about everybody who is due.", do_next="Leave the patient out.")
    return _say(WordKind.RELEASE, patient, reason, chosen, as_=as_, code=code, json_=json_, due=due)


def _dry(site: Site, *, json_: bool) -> int:
    from beamkeeper.app.jobs.retention_facts import look
    from beamkeeper.app.jobs.runtime import open_runtime

    runtime = open_runtime(site, SystemClock())
    return _tell(runtime.ledger, look(runtime), runtime.ledger.removals.all(unfinished=True), json_=json_)


def _tell(ledger: Ledger, retention: Retention, waiting: tuple[RemovalRow, ...], *, json_: bool) -> int:
    from beamkeeper.app.jobs.retention_words import waiting_in_words
    from beamkeeper.protect.retain import VerdictKind

    plan = retention.plan
    due = [item for item in plan.verdicts if item.kind is VerdictKind.REMOVE]
    if json_:
        emit_json(
            {
                "on": plan.on,
                "verdicts": [_plain(item, retention) for item in plan.verdicts],
                "freezes": plan.freezes,
                "waiting": [_waiting(ledger, row) for row in waiting],
            }
        )
    else:
        _show(retention, due)
        for line in waiting_in_words(ledger, [row for row in waiting if row.state == "going"]):
            print_wrapped(f"▲ {line}")
    return EXIT_WAITS if waiting or (due and plan.freezes) else 0


def _show(retention: Retention, due: list[Verdict]) -> None:
    from beamkeeper.protect.retain import EVERYBODY, VerdictKind

    plan = retention.plan
    kept = [item for item in plan.verdicts if item.kind is VerdictKind.KEEP]
    held = [item for item in plan.verdicts if item.kind is VerdictKind.HOLD]
    goes = "would go now" if not plan.freezes else "are due and stay"
    out.print(f"Retention on {plan.on}: {len(due)} {goes}, {len(held)} held, {len(kept)} kept.")
    for freeze in plan.freezes:
        print_wrapped(f"▲ Nothing is removed: {freeze.reason}")
        print_wrapped(f"  → {freeze.do_next}")
    if hold := retention.holds.get(EVERYBODY):
        print_wrapped(f"  {hold.person} said why: {hold.reason}")
    for title, items in (("Due", due), ("Held", held)):
        for item in items:
            print_wrapped(f"{title}: {_who(item, retention)}, since {item.due_on}: {item.reason}")
            if hold := retention.holds.get(item.pseudonym):
                print_wrapped(f"    {hold.person} said why: {hold.reason}")
    for item in sorted(kept, key=lambda item: item.due_on)[:10]:
        print_wrapped(f"Kept: {_who(item, retention)}, until {item.due_on}: {item.reason}")
    if len(kept) > 10:  # noqa: PLR2004 - as shown
        out.print(f"      and {len(kept) - 10} more; --json shows all")
    if held:
        print_wrapped(
            "A held copy goes once two people said so: beamkeeper retain release PATIENT --reason TEXT"
        )


def _who(item: Verdict, retention: Retention) -> str:
    row = retention.patients.get(item.pseudonym)
    return f"{row.patient.patient_id} ({item.pseudonym[:10]})" if row else item.pseudonym[:10]


def _plain(item: Verdict, retention: Retention) -> dict[str, object]:
    row = retention.patients.get(item.pseudonym)
    return {
        "pseudonym": item.pseudonym,
        "patient_id": row.patient.patient_id if row else None,
        "verdict": item.kind,
        "due_on": item.due_on,
        "reason": item.reason,
    }


def _waiting(ledger: Ledger, row: RemovalRow) -> dict[str, object]:
    return {
        "pseudonym": row.pseudonym,
        "decided_on": row.decided_on,
        "state": row.state,
        "places": ledger.removals.places(row.removal_id),
    }


def _report(site: Site, outcome: RetentionOutcome, *, json_: bool) -> int:
    from beamkeeper.app.jobs.receipts import receipt_path
    from beamkeeper.app.jobs.retention_words import waiting_in_words
    from beamkeeper.app.jobs.runtime import open_ledger

    plan, ledger = outcome.retention.plan, open_ledger(site)
    frozen = bool(plan.freezes) and any(item.kind == "remove" for item in plan.verdicts)
    receipts = [receipt_path(site, row.receipt) for row in outcome.finished]
    if json_:
        emit_json(
            {
                "on": plan.on,
                "removed": outcome.removed,
                "receipts": receipts,
                "freezes": plan.freezes,
                "waiting": [_waiting(ledger, row) for row in outcome.waiting],
                "errors": outcome.errors,
            }
        )
        return EXIT_WAITS if outcome.waiting or frozen else 0
    out.print(f"✓ {len(outcome.removed)} removed from the vault, {len(outcome.finished)} gone everywhere.")
    for receipt in receipts:
        out.print(f"  receipt {receipt}", soft_wrap=True)
    for freeze in plan.freezes if frozen else ():
        print_wrapped(f"▲ Nothing new is removed: {freeze.reason}")
        print_wrapped(f"  → {freeze.do_next}")
    for line in (*outcome.errors, *waiting_in_words(ledger, list(outcome.waiting))):
        print_wrapped(f"▲ {line}")
    return EXIT_WAITS if outcome.waiting or frozen else 0


def _say(
    kind: WordKind,
    patient: str | None,
    reason: str,
    site: Site,
    *,
    as_: str | None,
    code: str | None,
    json_: bool,
    due: bool = False,
) -> int:
    from beamkeeper.app.jobs.retention_words import speak
    from beamkeeper.app.jobs.runtime import open_ledger
    from beamkeeper.protect.retain import EVERYBODY

    ledger, now = open_ledger(site), SystemClock().now()
    person = _speaker(site, ledger, as_, code, now)
    names = _due(site) if due else [_pseudonym(ledger, patient) if patient else EVERYBODY]
    for name in names:
        speak(site, ledger, kind=kind, pseudonym=name, person=person, reason=reason, now=now)
    if json_:
        emit_json({"said": kind, "person": person, "pseudonyms": names, "at": now})
    else:
        about = ", ".join(f"the patient {name[:10]}" if name else "everybody" for name in names)
        done = "held" if kind == "hold" else "released by you; two different people are needed"
        print_wrapped(f"✓ {about or 'nobody'}: {done}.")
    return 0


def _due(site: Site) -> list[str]:
    from beamkeeper.app.jobs.retention_facts import look
    from beamkeeper.app.jobs.runtime import open_runtime

    verdicts = look(open_runtime(site, SystemClock())).plan.verdicts
    return [item.pseudonym for item in verdicts if item.kind == "remove"]


def _speaker(site: Site, ledger: Ledger, as_: str | None, code: str | None, now: datetime) -> str:
    """Return who speaks: the account, or whom a code of the last report mail proves."""
    account = os.environ.get("SUDO_USER") if os.geteuid() == 0 else None
    account = account or getpass.getuser()
    if as_ in {None, account}:
        return account
    from beamkeeper.app.jobs.quorum import people_of
    from beamkeeper.app.jobs.vote_codes import verify_code

    reported = [facts for facts in ledger.votes.all_facts() if facts.reported_at is not None]
    if as_ not in {person.login for person in people_of(site)} or not reported:
        raise VoteRefused(
            f"Nobody of the name {as_} can be told by a code here.",
            do_next="Log in with your own account, one that the site file names.",
        )
    typed = code or typer.prompt("Your code", err=True)
    verify_code(site, ledger, reported[-1], person=str(as_), typed=typed, now=now)
    return str(as_)


def _pseudonym(ledger: Ledger, given: str) -> str:
    found = {row.pseudonym for row in ledger.patient_by_id(given)} or {
        row.pseudonym for row in ledger.patients() if row.pseudonym.startswith(given.lower())
    }
    if len(found) != 1:
        raise ConfigError(
            "No patient is known by that." if not found else f"{len(found)} patients fit that.",
            do_next="`beamkeeper patients` lists everybody; a Patient ID must be written exactly.",
        )
    return found.pop()
