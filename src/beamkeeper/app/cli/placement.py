"""`beamkeeper placement`: on the day, who goes where: draft, solve, show, set, undo, announce, begun."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who
from beamkeeper.app.cli.incident import FolderOption, pseudonym_of
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption, SiteOption
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.placing import At, Who
    from beamkeeper.app.jobs.placing_folder import PlacementFolder
    from beamkeeper.respond.placement import Move, Version
    from beamkeeper.respond.placement.drafting import Draft, LeftOut

EXIT_REFUSED = 3
SHOWN = 30
LEFT_OUT_SHOWN = 10
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
        _show_draft(made)
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

    opened = _folder(folder)
    version, before = make_version(
        opened, who=_who(by), seconds=seconds, move_announced=move_announced, reason=reason
    )
    return _show_version(opened, version, before, everybody=everybody, json_=json_)


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
    return _show_version(opened, version, before, everybody=everybody, json_=json_)


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
    if price or move.refusal or not _is_taken(at, move, yes=yes, json_=json_):
        return _show_move(at, move, json_=json_)
    version = take(opened, at, move, who=_who(by), reason=reason, even_so=even_so or not yes)
    return _done(opened, move, version, json_=json_)


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
    if price or not _is_taken(at, move, yes=yes, json_=json_):
        return _show_move(at, move, json_=json_)
    version = undone(opened, at, move, who=_who(by), reason=reason, even_so=even_so or not yes)
    return _done(opened, move, version, json_=json_)


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
    if json_:
        emit_json({"patients": told, "version": newest.number})
    else:
        out.print(f"✓ {len(told)} told: in the journal")
    return 0


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
    from beamkeeper.app.jobs.placing_hand import begin

    opened = _folder(folder)
    name = pseudonym_of(opened.incident, patient)
    machine = begin(opened, name, given=given, who=_who(by))
    if json_:
        emit_json({"patient": name, "machine": machine, "given": given})
    else:
        out.print(f"✓ begun on {machine}, {given} given there: in the journal", markup=False)
    return 0


def _who(by: str | None) -> Who:
    from beamkeeper.app.jobs.placing import Who

    return Who(by=who(by), at=SystemClock().now())


def _folder(path: Path) -> PlacementFolder:
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.placing_folder import PlacementFolder

    return PlacementFolder(IncidentFolder.open(path))


def _names(made: Draft) -> dict[str, str]:
    return {one.id: one.name for one in made.patients} | {one.id: one.name for one in made.left_out}


def _show_draft(made: Draft) -> None:
    from beamkeeper.app.jobs.placing_gaps import is_not_used

    not_used = (f"{one.name}: {said}" for one in made.patients for said in one.notes if is_not_used(said))
    for text in (*made.notes, *not_used):
        print_wrapped(f"▲ {text}")
    table = Table(box=None, pad_edge=False)
    for title in ("patient", "A", "B", "C", "not there"):
        table.add_column(title, overflow="fold")
    for one in made.patients[:SHOWN]:
        by_class = (
            "".join(f"{fit.machine} " for fit in one.fits if fit.delivery_class == kind) for kind in "ABCD"
        )
        table.add_row(*map(escape, (one.name, *by_class)))
    out.print(table)
    _more(len(made.patients), SHOWN)
    for one in made.patients:
        if all(fit.delivery_class == "D" for fit in one.fits):
            why = (
                "; ".join(f"{fit.machine}: {fit.reason.rstrip('.')}" for fit in one.fits)
                or "no machine is listed"
            )
            print_wrapped(f"✗ {one.name} has no machine: {why}")
    _show_left_out(made.left_out, everybody=False)


def _show_left_out(left_out: tuple[LeftOut, ...], *, everybody: bool) -> None:
    if left_out:
        print_wrapped(f"For {len(left_out)} of them no place is looked for:")
    for gone in left_out if everybody else left_out[:LEFT_OUT_SHOWN]:
        print_wrapped(f"– {gone.name}: {gone.reason}. Would help: {gone.would_help}.")
    if not everybody:
        _more(len(left_out), LEFT_OUT_SHOWN)


def _more(count: int, shown: int) -> None:
    if count > shown:
        out.print(f"      and {count - shown} more; the pages and --json have all")


def _show_version(
    opened: PlacementFolder, version: Version, before: Version | None, *, everybody: bool, json_: bool
) -> int:
    from beamkeeper.app.jobs.placing import print_pages, words
    from beamkeeper.respond.placement import DECIDES_WHERE, differences

    changed = differences(before, version) if before else ()
    made, _ = opened.draft(opened.standing(), version.draft)
    status = 0 if all(one.machine for one in version.placed) and not version.left_out else EXIT_REFUSED
    place = f"{opened.incident.path}/placement/version-{version.number}"
    print_pages(opened, version.number)
    outdated = opened.outdated(version.draft)
    if json_:
        facts: dict[str, object] = {"version": version, "outdated": sorted(outdated), "gap": version.gap}
        emit_json(facts | {"changed": changed, "folder": place, "decides": DECIDES_WHERE})
        return status
    names = _names(made)
    if outdated:
        print_wrapped(
            f"▲ Which plan holds was said after draft {version.draft} was made, of "
            f"{'; '.join(sorted(names.get(one, one) for one in outdated))}. Draft and solve again."
        )
    for text in version.notes:
        print_wrapped(f"▲ {text}")
    print_wrapped(f"Version {version.number} of draft {version.draft}, {version.made}. {words(version)}")
    table = Table(box=None, pad_edge=False)
    for title in ("patient", "machine", "from", "class", "waits", "loss %"):
        table.add_column(title, overflow="fold")
    placed = [one for one in version.placed if one.machine]
    for one in placed if everybody else placed[:SHOWN]:
        table.add_row(
            escape(names[one.patient]),
            escape(one.machine),
            _day(one.first_on),
            one.delivery_class,
            f"{one.waited_days} d",
            f"{one.loss:.1f}",
        )
    out.print(table)
    if not everybody:
        _more(len(placed), SHOWN)
    for one in version.placed:
        if not one.machine:
            print_wrapped(f"✗ {names[one.patient]} has no place: {one.reason}. Would help: {one.would_help}.")
    _show_left_out(version.left_out, everybody=everybody)
    if before is not None:
        print_wrapped(f"{len(changed)} places differ from version {before.number}.")
        for diff in changed[:SHOWN]:
            was, now = (
                _place(diff.machine_before, diff.first_before),
                _place(diff.machine_after, diff.first_after),
            )
            print_wrapped(f"  {names.get(diff.patient, diff.patient)}: {was} → {now}")
    out.print(f"Print: {place}/patients.pdf, sites.pdf, days.pdf", soft_wrap=True, markup=False)
    print_wrapped(DECIDES_WHERE)
    return status


def _place(machine: str, first_on: date | None) -> str:
    return f"{machine} from {_day(first_on)}" if machine else "no place"


def _day(on: date | None) -> str:
    return "–" if on is None else f"{on:%a %Y-%m-%d}"


def _is_taken(at: At, move: Move, *, yes: bool, json_: bool) -> bool:
    if json_ and yes:
        return True
    if json_:
        raise ConfigError(
            "With --json nobody can be asked.", do_next="Give --price to see it, --yes to take it."
        )
    _say_move(at, move)
    return yes or typer.confirm("Take it?", err=True)


def _show_move(at: At, move: Move, *, json_: bool) -> int:
    if json_:
        emit_json(_plain(move))
    elif move.refusal:
        print_wrapped(f"✗ That cannot be done: {move.refusal}.")
    else:
        _say_move(at, move)
        out.print("Nothing was changed.")
    return EXIT_REFUSED if move.refusal else 0


def _say_move(at: At, move: Move) -> None:
    names = _names(at.draft)
    better = "better" if move.price < 0 else "worse"
    print_wrapped(
        f"{names[move.patient]} to {_place(*move.wanted)}: the whole placement becomes {abs(move.price):.2f} "
        f"percent points {better}, {move.lost:+.2f} of it lost tumour control."
    )
    for one in move.moved:
        told = "; was told of a place: call" if one.was_told and one.patient != move.patient else ""
        print_wrapped(
            f"  {names[one.patient]}: {_place(*one.before)} → {_place(*one.after)} ({one.lost:+.2f}){told}"
        )
    for text in move.remarks:
        print_wrapped(f"  ▲ {text}.")


def _done(opened: PlacementFolder, move: Move, version: Version, *, json_: bool) -> int:
    from beamkeeper.app.jobs.placing import print_pages

    print_pages(opened, version.number)
    if json_:
        emit_json({"version": version.number, **_plain(move)})
    else:
        print_wrapped(f"✓ version {version.number}: in the journal. `placement solve` looks for better.")
    return 0


def _plain(move: Move) -> dict[str, object]:
    from beamkeeper.respond.placement import DECIDES_WHERE

    return {
        "patient": move.patient,
        "machine": move.wanted[0],
        "first_on": move.wanted[1],
        "refusal": move.refusal,
        "price": move.price,
        "lost": move.lost,
        "moved": move.moved,
        "remarks": move.remarks,
        "decides": DECIDES_WHERE,
    }
