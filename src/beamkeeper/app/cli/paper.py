"""`beamkeeper paper`: the chart of a patient to treat from by hand, and fractions typed in from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who, within
from beamkeeper.app.cli.file_mode import PeopleOption, PlanOption, ReasonOption
from beamkeeper.app.cli.incident import FolderOption, pseudonym_of
from beamkeeper.app.cli.options import JsonOption, SiteOption
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption, open_vault_by
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.paper import HandEntry

app = typer.Typer(no_args_is_help=True, help="Treat from paper: the chart, and what was written on it.")

EXIT_DIFFERS = 3
NAME_MAX = 200
PatientArgument = Annotated[str, typer.Argument(help="Patient ID, or the first letters of the pseudonym.")]
LineArgument = Annotated[int, typer.Argument(metavar="LINE", help="Its line in the journal: `paper show`.")]


@app.command("chart")
def chart(
    patient: PatientArgument,
    folder: FolderOption,
    out_file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; else into the incident's folder.")
    ] = None,
    plan: PlanOption = None,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: JsonOption = False,
) -> int:
    """Print the chart of one plan, as things stand now: who, set-up, beams, the open fractions to sign.

    Counts what was given since the copy, by File Mode, by partners and by hand. Where the next fraction is
    not sure its rows bear no numbers. With a site file or a copy of the vault it bears the photo.

    Example: beamkeeper paper chart 0012345 --incident incident --vault /mnt/usb/vault --words
    """
    from beamkeeper.app.jobs import paper
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.notes import write_whole

    opened = IncidentFolder.open(folder)
    pseudonym = pseudonym_of(opened, patient)
    with_vault = site is not None or vault is not None
    source = open_vault_by(site, vault, identity, words, folder) if with_vault else None
    pdf = paper.chart(opened, source, pseudonym, plan, now=SystemClock().now())
    path = out_file or opened.path / "paper" / f"{pseudonym[:16]}.pdf"
    write_whole(path, pdf)
    if json_:
        emit_json({"chart": path})
    else:
        print_wrapped(_names(opened)[pseudonym])
        out.print(str(path), soft_wrap=True, markup=False)
        print_wrapped("Two people check it against the patient before it is used; a physicist releases it.")
    return 0


@app.command("enter")
def enter(
    patient: PatientArgument,
    folder: FolderOption,
    fraction: Annotated[int, typer.Option("--fraction", min=1, help="As it stands on the paper.")],
    given_at: Annotated[
        str, typer.Option("--given-at", metavar="TIME", help='"2026-11-22 10:30", by the clock on the wall.')
    ],
    machine: Annotated[str, typer.Option("--machine", help="On which machine.")],
    beam: Annotated[
        list[str] | None,
        typer.Option("--beam", metavar="N=MU", help="What was given of a beam; else all that was planned."),
    ] = None,
    remark: Annotated[str, typer.Option("--remark", help="What else stands there.")] = "",
    plan: PlanOption = None,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Type in one fraction from the chart. It counts, and stays in doubt until another types it again.

    What a machine recorded of the same beam and session counts instead, never besides it.

    Example: beamkeeper paper enter 0012345 --fraction 13 --given-at "2026-11-22 10:30"
    --machine TB1 --by "A. Jansen" --incident incident
    """
    from beamkeeper.app.jobs import paper
    from beamkeeper.app.jobs.declaration import instant
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.since import patient_now

    opened = IncidentFolder.open(folder)
    entry = paper.enter(
        opened,
        pseudonym_of(opened, patient),
        plan,
        paper.Written(
            fraction_number=fraction,
            given_at=instant(given_at, ZoneInfo(opened.incident().time_zone)),
            machine=within(machine, NAME_MAX),
            beams=dict(map(_beam, beam or [])),
            remark=within(remark),
        ),
        by=who(by),
        clock=SystemClock(),
    )
    if json_:
        emit_json({"entry": entry})
    else:
        _show(opened, [entry])
        now = patient_now(opened, opened.inventory(), entry.pseudonym, SystemClock().now())
        line = now.line(now.plan(entry.plan_uid))
        print_wrapped(f"Now {line.given}, next: {line.next_said}.")
        print_wrapped(
            f"Somebody else now: beamkeeper paper check {entry.number} --fraction … --total MU --by NAME"
        )
    return 0


@app.command("check")
def check(
    line: LineArgument,
    folder: FolderOption,
    fraction: Annotated[int, typer.Option("--fraction", min=1, help="As you read it off the paper.")],
    total: Annotated[float, typer.Option("--total", help="All metersets of that fraction together.")],
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Check a fraction that somebody typed in: read the paper yourself, and type fraction and total.

    Exit status: 0 the same, 3 not: it stays in doubt; strike it out and enter it again.

    Example: beamkeeper paper check 42 --fraction 13 --total 318 --by "B. Peeters" --incident incident
    """
    from beamkeeper.app.jobs import paper
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened = IncidentFolder.open(folder)
    same = paper.check(
        opened,
        line,
        fraction_number=fraction,
        total=total,
        by=who(by),
        clock=SystemClock(),
    )
    if json_:
        emit_json({"line": line, "is_same": same})
        return 0 if same else EXIT_DIFFERS
    whose = next(one.pseudonym for one in paper.all_entries(opened) if one.number == line)
    print_wrapped(_names(opened)[whose])
    if same:
        out.print(f"✓ line {line}: the same")
    else:
        print_wrapped(
            f"✗ line {line} is not what you read. Look at the paper together, and strike out what is wrong."
        )
    return 0 if same else EXIT_DIFFERS


@app.command("strike")
def strike(
    line: LineArgument,
    folder: FolderOption,
    by: PeopleOption,
    reason: ReasonOption,
    json_: JsonOption = False,
) -> int:
    """Strike out a fraction that was typed in wrongly: it stays in the journal and counts no longer.

    Example: beamkeeper paper strike 42 --by "A. Jansen" --by "B. Peeters" --reason "other patient"
    --incident incident
    """
    from beamkeeper.app.jobs import paper
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.placement.retarget import two_people

    people = two_people([within(name, NAME_MAX) for name in by])
    paper.strike(IncidentFolder.open(folder), line, people=people, reason=within(reason), clock=SystemClock())
    if json_:
        emit_json({"struck": line})
    else:
        out.print(f"✓ line {line} is struck out")
    return 0


@app.command("show")
def show(folder: FolderOption, json_: JsonOption = False) -> int:
    """Show everything that was typed in from paper, and what nobody has checked.

    Exit status: 0 all is checked, 3 something is not.

    Example: beamkeeper paper show --incident incident
    """
    from beamkeeper.app.jobs import paper
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened = IncidentFolder.open(folder)
    found = paper.all_entries(opened)
    if json_:
        emit_json({"entries": found})
    else:
        _show(opened, found)
        if not found:
            out.print("Nothing was typed in from paper.")
    return EXIT_DIFFERS if any(not one.checked_by and not one.struck_by for one in found) else 0


def _show(opened: IncidentFolder, entries: Sequence[HandEntry]) -> None:
    """Print entries, each with who it is of, by the clock on the wall."""
    zone, names = ZoneInfo(opened.incident().time_zone), _names(opened)
    for entry in entries:
        print_wrapped(f"{names[entry.pseudonym]}, {_words(entry, zone)}")


def _names(opened: IncidentFolder) -> dict[str, str]:
    """Return who everybody of the inventory is, by pseudonym, as others of a name are told apart."""
    from beamkeeper.domain.patient import named_apart

    return {one.pseudonym: named_apart(one.entry.patient) for one in opened.inventory().persons}


def _words(entry: HandEntry, zone: ZoneInfo) -> str:
    state = (
        f"struck out by {entry.struck_by}"
        if entry.struck_by
        else f"checked by {entry.checked_by}"
        if entry.checked_by
        else "▲ NOT CHECKED"
    )
    beams = ", ".join(f"{number}: {meterset:.2f}" for number, meterset in entry.beams)
    kind = "rest of fraction" if entry.is_continuation else "fraction"
    return (
        f"line {entry.number}: {kind} {entry.fraction_number}, "
        f"{entry.given_at.astimezone(zone):%a %Y-%m-%d %H:%M} on {entry.machine}; beams {beams}; "
        f"by {entry.entered_by}; {state}"
    )


def _beam(text: str) -> tuple[int, float]:
    number, _, meterset = text.partition("=")
    try:
        return int(number), float(meterset.replace(",", "."))
    except ValueError as error:
        raise ConfigError(f"{text!r} is no beam and meterset.", do_next="Write --beam 2=117.2.") from error
