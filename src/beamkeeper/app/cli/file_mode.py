"""`beamkeeper filemode`: one plan for one session onto a machine's share, and everything back from it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import who
from beamkeeper.app.cli.deliverable import machines_of
from beamkeeper.app.cli.incident import FolderOption, name_in, pseudonym_of
from beamkeeper.app.cli.options import JsonOption, SiteOption
from beamkeeper.app.cli.restore import IdentityOption, VaultOption, WordsOption, open_vault_by
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.file_mode import Refused
    from beamkeeper.app.jobs.file_mode_collect import Collected
    from beamkeeper.app.jobs.file_mode_records import DropState
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.filemode import Drop
    from beamkeeper.respond.placement import MachineProfile

app = typer.Typer(no_args_is_help=True, help="Treat from files: a plan for one session, and back again.")

EXIT_LOOK, EXIT_DAMAGED = 3, 20
ShareOption = Annotated[
    Path, typer.Option("--share", metavar="DIR", help="The machine's folder on its share, mounted here.")
]
MachinesOption = Annotated[
    Path, typer.Option("--machines", metavar="FILE", help="The machine file: docs/formats/machines.md.")
]
PeopleOption = Annotated[
    list[str], typer.Option("--by", metavar="NAME", help="Who answers for it; twice, two different people.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in your words; kept in the journal.")]
PlanOption = Annotated[
    str | None, typer.Option("--plan", metavar="LABEL", help="Its label or UID; else the only open one.")
]
DropArgument = Annotated[
    str | None, typer.Argument(metavar="DROP", help="As `show` names it: d1; else the only open one.")
]


@app.command("drop")
def drop(
    patient: Annotated[str, typer.Argument(help="Patient ID, or the first letters of the pseudonym.")],
    folder: FolderOption,
    fraction: Annotated[int, typer.Option("--fraction", help="The fraction you agreed on, aloud.")],
    machines: MachinesOption,
    to: Annotated[str, typer.Option("--to", metavar="MACHINE", help="The id of the machine in that file.")],
    share: ShareOption,
    by: PeopleOption,
    reason: ReasonOption,
    born: Annotated[
        str | None, typer.Option("--born", metavar="DATE", help="Birth date, as the patient says it.")
    ] = None,
    plan: PlanOption = None,
    physicist: Annotated[
        str, typer.Option("--physicist", metavar="NAME", help="Who decided how a begun fraction goes on.")
    ] = "",
    drill: Annotated[
        bool, typer.Option("--drill", help="Onto a simulator's share: nothing of it reaches a patient.")
    ] = False,
    site: SiteOption = None,
    vault: VaultOption = None,
    identity: IdentityOption = None,
    words: WordsOption = False,
    json_: JsonOption = False,
) -> int:
    """Lay one plan of one patient for one session on a machine's share, with CT, structures and references.

    Refuses what is not the next fraction, is in doubt, not approved, not directly given by that machine, or
    while another plan lies there. Two people release it, with reason; a slip is printed with what the
    machine does not know. Every file is byte for byte as it was received, and read back. A real machine has
    to be activated first.

    Exit status: 0 it lies there, 3 it was refused, and every reason.

    Example: beamkeeper filemode drop 0012345 --fraction 13 --born 1961-04-07
    --machines machines.toml --to tb1 --share /mnt/i/tb1 --by "A. Jansen" --by "B. Peeters"
    --reason "OIS gone" --incident incident --vault /mnt/usb/vault --words
    """
    from beamkeeper.app.jobs import file_mode
    from beamkeeper.app.jobs.incident_acts import within
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.filemode import Asked

    opened = IncidentFolder.open(folder)
    machine = _machine(machines, to)
    wish = file_mode.Wish(
        pseudonym=pseudonym_of(opened, patient),
        plan=plan,
        machine=machine,
        share=file_mode.share_for(opened.journal.rows(), to, share, drill=drill),
        asked=Asked(
            fraction_number=fraction,
            born_on=_day(born),
            reason=within(reason),
            physicist=within(physicist, 200),
        ),
        people=_two(by),
    )
    made = file_mode.drop(opened, open_vault_by(site, vault, identity, words, folder), wish, SystemClock())
    if isinstance(made, file_mode.Refused):
        return _say_refused(made, json_=json_)
    slip = opened.path / "filemode" / made.drop_id / file_mode.SLIP
    if json_:
        emit_json({"drop": made, "slip": slip})
    else:
        _show_drop(made, slip)
    return 0


@app.command("collect")
def collect(
    folder: FolderOption,
    drop_id: DropArgument = None,
    nothing_given: Annotated[
        bool, typer.Option("--nothing-given", help="No record is to come: two people say so, and why.")
    ] = False,
    by: Annotated[
        list[str] | None, typer.Option("--by", metavar="NAME", help="Who collects; twice for nothing given.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why nothing was given.")] = "",
    json_: JsonOption = False,
) -> int:
    """Bring home what a session left, count it, and take the plan off the share.

    Records, images and logs are kept byte for byte in the incident's folder and held against what was
    released. Only then the plan is removed, if it is ours and unchanged; the rest is named. While no record
    is there the plan stays, unless two people say that nothing was given.

    Exit status: 0 the plan is off the share and nothing has to be looked at, 3 something has to.

    Example: beamkeeper filemode collect --incident incident --by "A. Jansen"
    """
    from beamkeeper.app.jobs import file_mode_collect
    from beamkeeper.app.jobs.incident_acts import within
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened, clock = IncidentFolder.open(folder), SystemClock()
    said = None
    if nothing_given:
        said = file_mode_collect.NothingGiven(people=_two(by or []), reason=within(reason))
    done = file_mode_collect.collect(
        opened, drop_id, by=who(" and ".join(by or [])), clock=clock, nothing_given=said
    )
    stand = _stand(opened, done.state.drop, clock)
    if json_:
        emit_json(
            {
                "drop": done.state.drop.drop_id,
                "new": done.new,
                "left": done.left,
                "problems": done.problems,
                "withdrawn": done.withdrawn,
                **stand,
            }
        )
    else:
        _show_collected(done, stand)
    return 0 if done.withdrawn and not done.problems and not stand["doubts"] else EXIT_LOOK


@app.command("assign")
def assign(
    folder: FolderOption,
    fraction: Annotated[int, typer.Option("--fraction", min=1, help="The fraction they are of.")],
    by: PeopleOption,
    reason: ReasonOption,
    drop_id: Annotated[str, typer.Argument(metavar="DROP", help="As `show` names it: d1.")],
    json_: JsonOption = False,
) -> int:
    """Say of which fraction the records of a drop are, where they leave it empty or say another one.

    The bytes stay as they came; the count reads them so. Two people, with reason.

    Example: beamkeeper filemode assign d1 --fraction 13 --by "A. Jansen" --by "B. Peeters"
    --reason "slip of 10:30" --incident incident
    """
    from beamkeeper.app.jobs.declaring import write
    from beamkeeper.app.jobs.file_mode_collect import find_drop
    from beamkeeper.app.jobs.file_mode_records import drops
    from beamkeeper.app.jobs.incident_acts import within
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.respond.incident import Deed

    opened, clock = IncidentFolder.open(folder), SystemClock()
    state = find_drop(drops(opened, opened.journal.rows()), drop_id)
    if not reason.strip():
        raise ConfigError("Why has to be said.", do_next="Give --reason.")
    write(
        opened,
        Deed.ASSIGNED,
        by=" and ".join(_two(by)),
        at=clock.now(),
        pseudonym=state.drop.pseudonym,
        about=state.drop.drop_id,
        said=within(reason),
        fraction=fraction,
    )
    stand = _stand(opened, state.drop, clock)
    if json_:
        emit_json({"drop": state.drop.drop_id, **stand})
    else:
        _show_stand(stand)
    return 0


@app.command("show")
def show(folder: FolderOption, json_: JsonOption = False) -> int:
    """Show every drop: whose, which fraction, whether its plan still lies on the share, what came back.

    Exit status: 0 no plan lies on a share, 3 one does, 20 a drop is damaged: its patient is not counted.

    Example: beamkeeper filemode show --incident incident
    """
    from beamkeeper.app.jobs.file_mode_collect import counted_in_words
    from beamkeeper.app.jobs.file_mode_records import activations, drops
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened = IncidentFolder.open(folder)
    rows = opened.journal.rows()
    known = drops(opened, rows)
    states, active = known.states, activations(rows)
    if json_:
        emit_json({"drops": states, "damaged": known.damaged, "activated": active})
    else:
        for one in active.values():
            print_wrapped(f"Activated: {one.machine_id} at {one.path}")
        for state in states:
            _show_state(state, counted_in_words(state.returned), ZoneInfo(opened.incident().time_zone))
        for gone in known.damaged:
            name = name_in(opened, gone.pseudonym)
            print_wrapped(f"▲ NOT COUNTED: {name}. {gone.error.message} {gone.error.do_next}")
        if not states and not known.damaged:
            out.print("No plan was dropped in this incident.")
    if known.damaged:
        return EXIT_DAMAGED
    return EXIT_LOOK if any(state.is_open for state in states) else 0


@app.command("activate")
def activate(
    machine: Annotated[str, typer.Argument(metavar="MACHINE", help="Its id in the machine file.")],
    folder: FolderOption,
    machines: MachinesOption,
    share: ShareOption,
    by: PeopleOption,
    reason: ReasonOption,
    treatment: Annotated[
        str, typer.Option("--treatment", help="The folder on the share in which records arrive.")
    ] = "Treatment",
    logs: Annotated[str, typer.Option("--logs", help="The folder on the share with logs.")] = "",
    revoke: Annotated[
        bool, typer.Option("--revoke", help="From now on nothing goes there any more.")
    ] = False,
    json_: JsonOption = False,
) -> int:
    """Let plans go to a real machine: by default nothing reaches any but a simulator.

    Two people say it for one machine and one folder, with reason: the physicist of the machine has tried it
    there with a phantom. It makes this computer a part of how patients are treated.

    Example: beamkeeper filemode activate tb1 --machines machines.toml --share /mnt/i/tb1
    --by "A. Jansen" --by "B. Peeters" --reason "phantom 22 Nov, passed" --incident incident
    """
    from beamkeeper.app.jobs.file_mode_activation import activate as activate_
    from beamkeeper.app.jobs.incident_acts import within
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    row = activate_(
        IncidentFolder.open(folder),
        _machine(machines, machine),
        share,
        treatment=treatment,
        logs=logs,
        people=_two(by),
        reason=within(reason),
        revoke=revoke,
        clock=SystemClock(),
    )
    if json_:
        emit_json(row)
    else:
        done = "revoked" if revoke else "activated for treating patients"
        print_wrapped(f"✓ line {row.sequence} of the journal: {machine} at {share} is {done}.")
    return 0


@app.command("simulate")
def simulate(
    share: ShareOption,
    stop_after: Annotated[
        float | None,
        typer.Option("--stop-after", help="Stop in the first beam after this part of it: 0.4."),
    ] = None,
    no_number: Annotated[
        bool, typer.Option("--no-number", help="Leave the fraction number of the records empty.")
    ] = False,
    json_: JsonOption = False,
) -> int:
    """Play the console of a machine in File Mode, for a drill: open the one plan, give it, write records.

    Makes a simulator's share of an empty folder first. How a real console names and fills its files is
    not known: this is a likeness to practise with, not a test of one.

    Example: beamkeeper filemode simulate --share drill/tb1
    """
    from beamkeeper.rehearse.sim.file_mode_console import Console

    console = Console.at(share)
    written = console.treat(SystemClock().now(), stop_after=stop_after, is_numbered=not no_number)
    if json_:
        emit_json({"share": share, "written": written})
    else:
        print_wrapped(f"Simulator {share}: {len(written)} files written.")
        if not written:
            out.print("No plan lies there: it waits for a drop.")
    return 0


def _say_refused(refused: Refused, *, json_: bool) -> int:
    if json_:
        emit_json({"refused": refused.reasons, "other_plans": refused.other_plans})
        return EXIT_LOOK
    out.print("[bold]✗ Nothing was laid on the share.[/]")
    for text in refused.reasons:
        print_wrapped(f"  • {text}")
    for place in refused.other_plans:
        print_wrapped(f"  another plan: {'/'.join(place)}")
    print_wrapped("Settle what can be settled (`incident settle`), or treat from paper.")
    return EXIT_LOOK


def _two(names: list[str]) -> tuple[str, ...]:
    from beamkeeper.app.jobs.incident_acts import within
    from beamkeeper.respond.placement.retarget import two_people

    return two_people([within(name, 200) for name in names])


def _machine(path: Path, machine_id: str) -> MachineProfile:
    found = next((one for one in machines_of(path) if one.machine_id == machine_id), None)
    if found is None:
        raise ConfigError(
            f"The machine file has no machine {machine_id!r}.", do_next="Check --to and the file."
        )
    return found


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(f"{text!r} is no date.", do_next="Write it as 1961-04-07.") from error


def _stand(opened: IncidentFolder, made: Drop, clock: SystemClock) -> dict[str, object]:
    """Return where the drop's plan stands now, for programs."""
    from beamkeeper.app.jobs.since import patient_now
    from beamkeeper.respond.filemode import session_beams

    now = patient_now(opened, opened.inventory(), made.pseudonym, clock.now())
    plan = now.plan(made.plan_uid)
    at, line = now.at(plan), now.line(plan)
    return {
        "given": line.given,
        "next": line.next_fraction,
        "next_said": line.next_said,
        "doubts": [one.text for one in now.doubts(plan)],
        "beams": session_beams(plan, at) if at is not None and at.next_is_continuation else (),
    }


def _show_stand(stand: dict[str, object]) -> None:
    from beamkeeper.respond.filemode import BeamLeft

    print_wrapped(f"Now {stand['given']}, next: {stand['next_said']}.")
    beams = stand["beams"]
    assert isinstance(beams, tuple), "it was made so"  # noqa: S101
    for beam in beams:
        assert isinstance(beam, BeamLeft), "it was made so"  # noqa: S101
        left = "?" if beam.left is None else f"{beam.left:.2f}"
        print_wrapped(f"  beam {beam.beam_number}: {beam.delivered:.2f} {beam.unit} given, {left} left")
    if beams:
        print_wrapped("A physicist decides how it goes on: `filemode drop … --physicist NAME`.")
    doubts = stand["doubts"]
    assert isinstance(doubts, list), "it was made so"  # noqa: S101
    for text in doubts:
        print_wrapped(f"▲ {text}")


def _show_drop(made: Drop, slip: Path) -> None:
    from beamkeeper.respond.filemode import DECIDES

    if made.is_simulator:
        out.print("[bold]DRILL ON A SIMULATOR: NOT FOR A PATIENT[/]")
    out.print(f"[bold]✓ drop {made.drop_id}[/]: {len(made.files)} files on the share, each read back")
    out.print(f"  {made.folder}", soft_wrap=True, markup=False)
    print_wrapped(
        f"  fraction {made.fraction_number} of {made.fractions_planned or '?'}, plan {made.rt_plan_label}, "
        f"{made.treatment_machine_name}"
    )
    for text in made.cautions:
        print_wrapped(f"  ▲ {text}")
    out.print(f"Print the slip and put it on the console: {slip}", soft_wrap=True, markup=False)
    print_wrapped(f"After the session, at once: beamkeeper filemode collect {made.drop_id}. {DECIDES}")


def _show_collected(done: Collected, stand: dict[str, object]) -> None:
    from beamkeeper.app.jobs.file_mode_collect import counted_in_words

    out.print(f"Drop {done.state.drop.drop_id}: came back now: {counted_in_words(done.new)}")
    for text in done.problems:
        print_wrapped(f"▲ {text}")
    for one in done.left:
        print_wrapped(f"  left on the share: {'/'.join(one.place)}. {one.why}")
    _show_stand(stand)
    if done.withdrawn:
        out.print("✓ The plan is off the share.")
    else:
        print_wrapped(
            "▲ THE PLAN STILL LIES ON THE SHARE: no record of this session is there yet, or it is not as it "
            "was laid there. Wait and collect again, or --nothing-given."
        )


def _show_state(state: DropState, returned: str, zone: ZoneInfo) -> None:
    made = state.drop
    stands = "on the share" if state.is_open else "off the share"
    drill = "DRILL " if made.is_simulator else ""
    print_wrapped(
        f"{drill}{made.drop_id}  {made.folder}  {made.treatment_machine_name}, released "
        f"{made.released_at.astimezone(zone):%m-%d %H:%M} by {' and '.join(made.released_by)}"
    )
    print_wrapped(f"    {stands}; came back: {returned}")
