"""`beamkeeper placement`: on the day, who goes where: draft, solve, show, set, undo, announce, begun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who
from beamkeeper.app.cli.incident import FolderOption, pseudonym_of
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption, SiteOption, SolverOption
from beamkeeper.app.cli.placement_shown import (
    EXIT_REFUSED,
    is_taken,
    show_done,
    show_draft,
    show_move,
    show_outdated,
    show_version,
)
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.placing import Who
    from beamkeeper.app.jobs.placing_folder import PlacementFolder

PARTNERS_BYTES_MAX = 16 << 20
app = typer.Typer(
    no_args_is_help=True, help="Who goes where on the day: draft, solve, set by hand, announce."
)

PatientArgument = Annotated[str, typer.Argument(metavar="PATIENT", help="Patient ID or pseudonym.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in your words; it is printed.")]
PriceOption = Annotated[bool, typer.Option("--price", help="Only show the price; nothing is changed.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask again after the price was shown.")]
EvenSoOption = Annotated[
    bool,
    typer.Option("--even-so", help="With --yes: also where somebody loses a place, or was told of theirs."),
]
EverybodyOption = Annotated[bool, typer.Option("--all", help="Print every row, not the first only.")]


@app.command("draft")
def draft(
    folder: FolderOption,
    partners: Annotated[
        Path | None,
        typer.Option(
            "--partners", metavar="FILE", help="The partners' file; else the one that the copy brought."
        ),
    ] = None,
    first_on: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The first day that is planned; else today.")
    ] = None,
    by: ByOption = None,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: JsonOption = False,
) -> int:
    """Hold every open plan of the incident against every machine of the partners, and keep it as a draft.

    Inventory, order of triage and days to spare come from the incident; plans from the vault, read once and
    remembered. Where a patient has several open plans, a machine has to give all of them. Nobody is dropped:
    who cannot be placed is listed with the reason.

    Exit status: 0 everybody to be placed has a machine, 3 somebody has none or is left out.

    Example: beamkeeper placement draft --partners partners.toml --vault /mnt/usb/vault --words
    """
    from beamkeeper.app.cli.deliverable import bytes_of
    from beamkeeper.app.cli.restore import open_vault_by
    from beamkeeper.app.jobs.day_files import PARTNERS
    from beamkeeper.app.jobs.placing import Who, counted, make_draft, print_pages

    opened, now = _folder(folder), SystemClock().now()
    file = partners or opened.incident.path / PARTNERS
    if partners is None and not file.is_file():
        raise ConfigError(
            "The copy brought no partners' file.",
            do_next="--partners FILE names one: docs/formats/partners.md describes it.",
        )
    try:
        text = bytes_of(file, PARTNERS_BYTES_MAX).decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file.name} is no text in UTF-8.", do_next="Save it as UTF-8.") from error
    zone = ZoneInfo(opened.incident.incident().time_zone)
    number, made, instance = make_draft(
        opened,
        text,
        open_vault=lambda: open_vault_by(site, vault, identity, words, folder),
        first_on=parse_day(first_on) if first_on else now.astimezone(zone).date(),
        who=Who(by=who(by), at=now),
    )
    files = print_pages(opened, number, draft=True)
    if json_:
        emit_json(
            {"number": number, "draft": made, "instance": instance.model_dump(mode="json", by_alias=True)}
        )
    else:
        print_wrapped(f"Draft {number}. {counted(made)}")
        show_draft(made)
        out.print(f"Print: {opened.incident.path}/{files[0]}", soft_wrap=True, markup=False)
        out.print("Next: beamkeeper placement solve")
    is_open = all(any(fit.delivery_class != "D" for fit in one.fits) for one in made.patients)
    return 0 if is_open and not made.left_out else EXIT_REFUSED


@app.command("solve")
def solve(
    folder: FolderOption,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, max=86_400, help="Longest time to look for better.")
    ] = 60.0,
    move_announced: Annotated[
        bool,
        typer.Option("--move-announced", help="Announced places may change, for the price of a change."),
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why announced places may change.")] = "",
    solver: SolverOption = "highs",
    by: ByOption = None,
    everybody: EverybodyOption = False,
    json_: JsonOption = False,
) -> int:
    """Place everybody of the last draft, as decisions and announcements stand, and keep it as a new version.

    Who was told of a place keeps it, and what that costs the others is shown; --move-announced frees them,
    with a --reason. Who began somewhere stays, by records that came back or a person's word, and so does
    whose data went to a house. The pages lie in the version's folder: by patient, by site, by day, as PDF,
    HTML, text, and CSV.

    Exit status: 0 everybody has a place, 3 somebody has none or is left out.

    Example: beamkeeper placement solve --incident incident --by "C. Claes, coordinator"
    """
    from beamkeeper.app.jobs.placing import make_version
    from beamkeeper.respond.placement.program import solver_named

    opened, chosen = _folder(folder), solver_named(solver)
    version, before = make_version(
        opened, who=_who(by), seconds=seconds, move_announced=move_announced, reason=reason, solver=chosen
    )
    return show_version(opened, version, before, everybody=everybody, json_=json_)


@app.command("show")
def show(
    folder: FolderOption,
    number: Annotated[int | None, typer.Option("--number", min=1, help="Which; else the last one.")] = None,
    against: Annotated[
        int | None,
        typer.Option("--against", min=1, help="What differs from that version; else from the one before."),
    ] = None,
    everybody: EverybodyOption = False,
    json_: JsonOption = False,
) -> int:
    """Show a version: who goes where, who has no place and why, what differs from another version.

    Exit status: 0 everybody has a place, 3 somebody has none or is left out.

    Example: beamkeeper placement show --against 1 --incident incident
    """
    opened = _folder(folder)
    stand = opened.standing()
    version, _ = opened.version(stand, number or stand.version)
    other = against or version.parent
    before = opened.version(stand, other)[0] if other else None
    return show_version(opened, version, before, everybody=everybody, json_=json_)


@app.command("set")
def set_(
    folder: FolderOption,
    patient: PatientArgument,
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Its id in the partners' file.")],
    reason: ReasonOption = "",
    first_on: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="The first day there; else the best that is free."),
    ] = None,
    price: PriceOption = False,
    yes: YesOption = False,
    even_so: EvenSoOption = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Put a patient on a machine from a day on. The price, and who is displaced, is shown before it is taken.

    Your name and reason stand in the journal and on the pages. Nobody is displaced who began there, whose
    first day there is over, or for whom a person decided. Who would be left without a place, or was told of
    the one that is taken away, is named; without a question that is done only with --even-so. A day that is
    over, a machine in the attacked domain, without agreement, or that cannot give the plan stays shut.

    Exit status: 0 done, or with --price it can be; 3 it cannot be, and why.

    Example: beamkeeper placement set 0012345 partner-tb1 --from 2026-11-24 --reason "lives there"
    """
    from beamkeeper.app.jobs.placing import board_at
    from beamkeeper.app.jobs.placing_hand import priced, take

    opened = _folder(folder)
    name = pseudonym_of(opened.incident, patient)
    at = board_at(opened)
    today = opened.today(SystemClock().now())
    move = priced(at, name, machine, parse_day(first_on) if first_on else None, today=today)
    if price or move.refusal or not is_taken(at, move, yes=yes, json_=json_):
        return show_move(at, move, json_=json_)
    version = take(opened, at, move, who=_who(by), reason=reason, even_so=even_so or not yes)
    return show_done(opened, move, version, json_=json_)


@app.command("undo")
def undo(
    folder: FolderOption,
    patient: PatientArgument,
    reason: ReasonOption = "",
    price: PriceOption = False,
    yes: YesOption = False,
    even_so: EvenSoOption = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Take back what a person decided for a patient: a new version and a new line, nothing is erased.

    Where nothing was changed since, everybody is where they were before it; else this patient gets the best
    place that is free, and the others stay.

    Example: beamkeeper placement undo 0012345 --reason "moved back home" --incident incident
    """
    from beamkeeper.app.jobs.placing import board_at
    from beamkeeper.app.jobs.placing_hand import move_back
    from beamkeeper.app.jobs.placing_hand import undo as undone

    opened = _folder(folder)
    name = pseudonym_of(opened.incident, patient)
    at = board_at(opened)
    move = move_back(opened, at, name, today=opened.today(SystemClock().now()))
    if price or not is_taken(at, move, yes=yes, json_=json_):
        return show_move(at, move, json_=json_)
    version = undone(opened, at, move, who=_who(by), reason=reason, even_so=even_so or not yes)
    return show_done(opened, move, version, json_=json_)


@app.command("announce")
def announce(
    folder: FolderOption,
    patient: Annotated[
        list[str] | None, typer.Option("--patient", help="Patient ID or pseudonym; else everybody placed.")
    ] = None,
    number: Annotated[
        int | None,
        typer.Option("--version", min=1, help="The version that you saw; else the newest, which is said."),
    ] = None,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Write down that patients and sites were told of the places of the last version.

    From now on `placement solve` keeps these places, and says what that costs. Which version it is, of when
    and by whom, is said first. Somebody else may have solved or moved since you looked: with --version it is
    refused then, and nobody is announced.

    Exit status: 0 all were told, 3 somebody was left out, whose plan is another one since the draft.

    Example: beamkeeper placement announce --version 3 --patient 0012345 --by "C. Claes" --incident incident
    """
    from beamkeeper.app.jobs.placing_hand import announce as announced
    from beamkeeper.app.jobs.placing_hand import version_words

    opened = _folder(folder)
    names = [pseudonym_of(opened.incident, one) for one in patient] if patient else None
    stand = opened.standing()
    newest, _ = opened.version(stand, stand.version)
    if not json_ and number in {None, newest.number}:
        print_wrapped(f"What is announced is {version_words(opened, newest)}.")
    told = announced(opened, names, who=_who(by), version=number or newest.number)
    left = {one.patient for one in newest.placed if one.machine and names is None} - set(told)
    if json_:
        emit_json({"patients": told, "version": newest.number, "left_out": sorted(left)})
    else:
        out.print(f"✓ {len(told)} told: in the journal" + (f"; ✗ {len(left)} not told" if left else ""))
        show_outdated(opened.draft(stand, newest.draft)[0], newest.draft, left)
    return EXIT_REFUSED if left else 0


@app.command("begun")
def begun(
    folder: FolderOption,
    patient: PatientArgument,
    given: Annotated[int, typer.Option("--given", min=0, max=100, help="Fractions given there so far.")] = 0,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Write down that a patient has begun where the last version says: from now on this patient stays there.

    Example: beamkeeper placement begun 0012345 --given 2 --incident incident
    """
    from beamkeeper.app.jobs.placing_hand import begin, newest_words

    opened = _folder(folder)
    name, version = pseudonym_of(opened.incident, patient), newest_words(opened)
    machine = begin(opened, name, given=given, who=_who(by))
    if json_:
        emit_json({"patient": name, "machine": machine, "given": given})
    else:
        print_wrapped(f"✓ begun on {machine} by {version}, {given} given there: in the journal")
    return 0


def _who(by: str | None) -> Who:
    from beamkeeper.app.jobs.placing import Who

    return Who(by=who(by), at=SystemClock().now())


def _folder(path: Path) -> PlacementFolder:
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.placing_folder import PlacementFolder

    return PlacementFolder(IncidentFolder.open(path))
