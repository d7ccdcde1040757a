"""`beamkeeper incident`: where an incident stands, and writing down what people do, decide and see."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from beamkeeper.app.cli.console import emit_json, err, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who
from beamkeeper.app.cli.options import INCIDENT_VARIABLE, JsonOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.app.jobs.closing import Open
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.domain.audit import AuditRow
    from beamkeeper.respond.incident import Standing
    from beamkeeper.respond.incident.clocks import Due

app = typer.Typer(
    no_args_is_help=True, help="Where an incident stands: pages for the room, journal, clocks, checklist."
)

FolderOption = Annotated[
    Path,
    typer.Option("--incident", metavar="DIR", envvar=INCIDENT_VARIABLE, help="The incident's folder."),
]
PatientOption = Annotated[
    str | None, typer.Option("--patient", help="Patient ID, or the first letters of the pseudonym.")
]
SaidArgument = Annotated[str, typer.Argument(metavar="TEXT", help="In your words.")]


@app.command("show")
def show(folder: FolderOption, json_: JsonOption = False) -> int:
    """Show where it stands: the numbers, the clocks, what is ticked, the last lines of the journal.

    Exit status: 0 no clock is over, 3 one is.

    Example: beamkeeper incident show --incident /mnt/usb/incident
    """
    from beamkeeper.app.jobs.incident_acts import due_clocks
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.incident_key import said_of_key
    from beamkeeper.respond.incident import standing
    from beamkeeper.respond.incident.lines import not_understood

    opened = IncidentFolder.open(folder)
    incident, known, rows = opened.incident(), opened.overview(), opened.journal.rows()
    stand, due = standing(rows), due_clocks(incident, rows, SystemClock().now())
    key = said_of_key(opened, rows)
    numbers = known.numbers
    if json_:
        emit_json(
            {
                "incident": incident,
                "numbers": numbers,
                "clocks": _plain_clocks(due),
                "standing": stand,
                "key": key or None,
                "lines": len(rows),
            }
        )
    else:
        out.print(f"[bold]Incident {incident.incident_id}[/] · {escape(incident.site_name)}")
        print_wrapped(f"Night of {incident.night}. {incident.trust}")
        for text in filter(None, (*known.warnings, *not_understood(rows), key)):
            print_wrapped(f"▲ {text}")
        if stand.closed is not None:
            zone = ZoneInfo(incident.time_zone)
            print_wrapped(
                f"CLOSED {stand.closed.at.astimezone(zone):%a %Y-%m-%d %H:%M} by {stand.closed.by}."
            )
        print_wrapped(
            f"{numbers.on_treatment} on treatment, {numbers.ready} ready to start, {numbers.treatable} of "
            f"them treatable from the copy; {numbers.possibly_delivered} possibly treated since."
        )
        _show_clocks(due, ZoneInfo(incident.time_zone))
        _show_steps(opened, stand)
        for row in rows[-5:]:
            _show_row(row, ZoneInfo(incident.time_zone))
    return 3 if any(item.is_over for item in due) else 0


@app.command("log")
def log(folder: FolderOption, json_: JsonOption = False) -> int:
    """Show the whole journal, and whether every line is what was written.

    Exit status: 0 it is whole, 20 it was changed.

    Example: beamkeeper incident log --incident /mnt/usb/incident
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened = IncidentFolder.open(folder)
    rows, head = opened.journal.rows(), opened.journal.head()
    if json_:
        emit_json({"rows": rows, "head": head})
        return 0
    zone = ZoneInfo(opened.incident().time_zone)
    for row in rows:
        _show_row(row, zone)
    out.print(f"✓ {len(rows)} lines, none changed. Write this on paper: {head.sequence} {head.sha256[:16]}")
    return 0


@app.command("note")
def note(
    folder: FolderOption,
    text: SaidArgument,
    by: ByOption = None,
    patient: PatientOption = None,
    json_: JsonOption = False,
) -> int:
    """Write down what somebody saw, heard or did.

    Example: beamkeeper incident note "Console of TB3 shows 12 beams given today" --incident incident
    """
    return _remark(folder, "NOTED", text, by, patient=patient, json_=json_)


@app.command("decide")
def decide(
    folder: FolderOption,
    text: SaidArgument,
    by: ByOption = None,
    patient: PatientOption = None,
    json_: JsonOption = False,
) -> int:
    """Write down a decision: what, and in the same sentence why.

    Example: beamkeeper incident decide "No new courses this week: list not safe" --incident incident
    """
    return _remark(folder, "DECIDED", text, by, patient=patient, json_=json_)


@app.command("tick")
def tick(
    folder: FolderOption,
    item: Annotated[str, typer.Argument(metavar="NO", help="As the checklist numbers it: h3.")],
    said: Annotated[str, typer.Option("--said", help="What came of it.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="It was not done after all.")] = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Tick a step of the checklist.

    Example: beamkeeper incident tick h3 --by "B. Peeters" --incident incident
    """
    from beamkeeper.app.jobs.incident_acts import tick as tick_item
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened, actor = IncidentFolder.open(folder), who(by)
    row = tick_item(opened, item, by=actor, at=SystemClock().now(), said=said, undo=undo)
    return _written(row, json_=json_)


@app.command("reported")
def reported(
    folder: FolderOption,
    clock: Annotated[str, typer.Argument(metavar="CLOCK", help="As `show` names it: nis2-24h.")],
    said: Annotated[str, typer.Option("--said", help="To whom, under which reference number.")] = "",
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Write down that an authority or a partner was told: its clock stops.

    Example: beamkeeper incident reported gdpr-72h --said "DPA, ref 2026/1122" --incident incident
    """
    from beamkeeper.app.jobs.incident_acts import reported as was_reported
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened, actor = IncidentFolder.open(folder), who(by)
    row = was_reported(opened, clock, by=actor, at=SystemClock().now(), said=said)
    return _written(row, json_=json_)


@app.command("print")
def print_(folder: FolderOption, json_: JsonOption = False) -> int:
    """Write the first sheet, checklist, cards and journal anew, as they stand now: PDF and HTML.

    Example: beamkeeper incident print --incident incident
    """
    from beamkeeper.app.jobs.declaring import last_check, print_pages
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened = IncidentFolder.open(folder)
    print_pages(opened, opened.overview(), now=SystemClock().now(), checked=last_check(opened))
    names = sorted(path.name for path in opened.path.glob("*.pdf"))
    if json_:
        emit_json({"folder": opened.path, "files": names})
    else:
        out.print(f"{', '.join(names)} in {opened.path}", soft_wrap=True, markup=False)
    return 0


@app.command("close")
def close(
    folder: FolderOption,
    said: Annotated[str, typer.Option("--said", help="How it ended.")],
    by: ByOption = None,
    lift: Annotated[
        list[Path] | None,
        typer.Option(
            "--lift",
            metavar="PLACE",
            help="Take the notice away there: a copy's folder, the file of a mirror, a site file.",
        ),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also where something is still open: do not ask.")
    ] = False,
    json_: JsonOption = False,
) -> int:
    """Close the incident, and take the notices away that freeze removal.

    What is still open is said, and asked about first: a plan that may lie on a machine's share, a patient
    whose last records another house did not send, a fraction from paper that nobody checked. It stands in
    the journal's line. The notice of another incident stays where it lies. A key that is kept in the folder
    is removed.

    Exit status: 0 closed and lifted, 3 closed, and removal is still frozen somewhere; it is named.

    Example: beamkeeper incident close --said "ARIA is back" --lift /mnt/vault --incident incident
    """
    from beamkeeper.app.jobs.closing import close as write_down
    from beamkeeper.app.jobs.closing import still_open
    from beamkeeper.app.jobs.freezing import lift as lift_notice
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.incident_key import KEY

    opened, actor = IncidentFolder.open(folder), who(by)
    left = still_open(opened)
    if left and not anyway:
        _ask([_with_name(opened, one) for one in left])
    incident_id, had_key = opened.incident().incident_id, (opened.path / KEY).exists()
    frozen = [one for place in lift or [] for one in lift_notice(place, incident_id)]
    places = ", ".join(map(str, lift or [])) + (f", but not in {len(frozen)} of them" if frozen else "")
    row = write_down(opened, said, places=places, left=left, by=actor, at=SystemClock().now())
    status = _written(row, json_=json_)
    if had_key and not json_:
        print_wrapped("✓ The key that was kept in the folder is removed. Copies of the folder keep it.")
    for text in frozen:
        err.print(f"▲ Removal is still frozen in {text}", markup=False, soft_wrap=True)
    if not places and not json_:
        print_wrapped("▲ Where the notice lies nothing is removed yet: --lift PLACE takes it away.")
    return 3 if frozen else status


def _with_name(folder: IncidentFolder, left: Open) -> str:
    """Return what is open with the patient's name, for the screen alone."""
    return f"{name_in(folder, left.pseudonym)}: {left.text}" if left.pseudonym else left.text


def name_in(folder: IncidentFolder, pseudonym: str) -> str:
    """Return a patient of the inventory by name and Patient ID, for the screen alone."""
    from beamkeeper.protect.lists.page import name_of

    persons = folder.inventory().persons
    patient = next((one.entry.patient for one in persons if one.pseudonym == pseudonym), None)
    return "nobody of this inventory" if patient is None else f"{name_of(patient)} ({patient.patient_id})"


def _ask(left: Sequence[str]) -> None:
    """Say what is still open, and go on only if somebody says so."""
    for text in left:
        err.print(f"▲ {text}", markup=False, soft_wrap=True)
    is_answered = sys.stdin.isatty()
    if not is_answered or not typer.confirm("Close the incident all the same?", err=True):
        raise ConfigError(
            f"{len(left)} things are still open: {left[0]}" if not is_answered else "Nothing was closed.",
            do_next="Bring them to their end, or close with --anyway: the journal will say what was open.",
        )


def _remark(folder: Path, deed: str, text: str, by: str | None, *, patient: str | None, json_: bool) -> int:
    from beamkeeper.app.jobs.incident_acts import remark
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.incident import Deed

    opened, actor = IncidentFolder.open(folder), who(by)
    pseudonym = pseudonym_of(opened, patient) if patient else None
    row = remark(opened, Deed[deed], text, by=actor, at=SystemClock().now(), pseudonym=pseudonym)
    return _written(row, json_=json_)


def _written(row: AuditRow, *, json_: bool) -> int:
    if json_:
        emit_json(row)
    else:
        out.print(f"✓ line {row.sequence} of the journal, by {row.actor}", soft_wrap=True, markup=False)
    return 0


def pseudonym_of(opened: IncidentFolder, given: str) -> str:
    """Return the folder of a patient of the inventory, by Patient ID or the first letters of the pseudonym.

    Raises
    ------
    ConfigError
        Nobody is known by that, or several are.
    """
    patients = opened.overview().patients
    found = {one.pseudonym for one in patients if one.patient_id == given} or {
        one.pseudonym for one in patients if one.pseudonym.startswith(given.lower())
    }
    if len(found) != 1:
        raise ConfigError(
            "Nobody of the inventory is known by that." if not found else f"{len(found)} patients fit that.",
            do_next="A Patient ID must be written exactly; the lists have them.",
        )
    return found.pop()


def _plain_clocks(due: tuple[Due, ...]) -> list[dict[str, object]]:
    return [
        {
            "clock": item.clock,
            "due_at": item.due_at,
            "left_s": int(item.left.total_seconds()),
            "done": item.done,
        }
        for item in due
    ]


def _show_clocks(due: tuple[Due, ...], zone: ZoneInfo) -> None:
    from beamkeeper.respond.incident.pages import left_in_words

    for item in due:
        when = f"{item.due_at.astimezone(zone):%a %Y-%m-%d %H:%M}"
        if item.done is not None:
            state = f"✓ told by {item.done.by}, {item.done.at.astimezone(zone):%a %H:%M}"
        else:
            state = f"{'▲ ' if item.is_over else ''}{left_in_words(item.left)}"
        proposed = "" if item.clock.in_force else " (proposed)"
        print_wrapped(f"  {item.clock.clock_id:10} {when}  {state}{proposed}")


def _show_steps(opened: IncidentFolder, stand: Standing) -> None:
    for step in opened.steps():
        done = sum(one.item_id in stand.ticked for one in step.items)
        print_wrapped(f"  {done:2} of {len(step.items):2} ticked  {step.title}")


def _show_row(row: AuditRow, zone: ZoneInfo) -> None:
    from beamkeeper.respond.incident.pages import said_in

    failed = "" if row.outcome == "ok" else f" ({row.outcome})"
    when = f"{row.at.astimezone(zone):%m-%d %H:%M}"
    print_wrapped(f"  {row.sequence:4} {when} {row.actor}: {row.action}{failed}. {said_in(row)}")
