"""`beamkeeper desk`: a house's keys and card for handing patients over and taking them in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who, within
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock
from beamkeeper.domain.words import plural
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.import_reporting import Checked
    from beamkeeper.app.jobs.importing import Imported
    from beamkeeper.respond.handover import Card

app = typer.Typer(no_args_is_help=True, help="Keys and cards of houses that hand patients over.")

DeskOption = Annotated[
    Path, typer.Option("--desk", metavar="DIR", help="The desk's folder; INCIDENT/handover at home.")
]
PlaceOption = Annotated[
    Path, typer.Option("--place", metavar="FILE", help="A place: the keys of one [[mirrors]] section.")
]
SystemsOption = Annotated[
    Path, typer.Option("--systems", metavar="FILE", help="Your stores and receivers, as a file.")
]
CARD_BYTES_MAX = 16 << 10


@app.command("init")
def init(
    desk: DeskOption,
    name: Annotated[str, typer.Option("--name", help="The department, as others call it.")],
    json_: JsonOption = False,
) -> int:
    """Make a desk: keys that stay, and a card to give to others. A partner does this long before.

    Example: beamkeeper desk init --desk desk --name "AZ Noord, radiotherapy"
    """
    from beamkeeper.respond.handover import Desk

    made = Desk.create(desk, name)
    _show_card(made.path, made.card, json_=json_)
    return 0


@app.command("card")
def card(desk: DeskOption, json_: JsonOption = False) -> int:
    """Show the card of a desk, with the number to read aloud.

    Example: beamkeeper desk card --desk desk
    """
    from beamkeeper.respond.handover import Desk

    opened = Desk.open(desk)
    _show_card(opened.path, opened.card, json_=json_)
    return 0


@app.command("trust")
def trust(
    desk: DeskOption,
    card_file: Annotated[Path, typer.Argument(metavar="CARD", help="card.json of the other house.")],
    number: Annotated[
        str, typer.Option("--number", help="The thirty digits, as a voice you know read them to you.")
    ],
    json_: JsonOption = False,
) -> int:
    """Trust the card of another house, once its number was compared by telephone.

    Whoever can slip you another card reads every bundle you seal to it: call a number that you know, and let
    them read theirs.

    Example: beamkeeper desk trust card.json --number "12345 67890 12345 67890 12345 67890" --desk desk
    """
    from beamkeeper.respond.handover import Desk, read_card

    opened = Desk.open(desk)
    try:
        with card_file.open("rb") as file:
            theirs = read_card(file.read(CARD_BYTES_MAX))
    except OSError as error:
        raise ConfigError(
            f"{card_file} cannot be read: {error.strerror}.", do_next="Name the file card.json."
        ) from error
    opened.trust(theirs, number)
    if json_:
        emit_json({"trusted": theirs, "number": theirs.number})
    else:
        print_wrapped(f"✓ {theirs.name} is trusted: bundles may go there, and come from there.")
    return 0


def _show_card(path: Path, shown: Card, *, json_: bool) -> None:
    if json_:
        emit_json({"card": shown, "number": shown.number, "file": path / "card.json"})
        return
    out.print(f"[bold]{escape(shown.name)}[/bold]")
    out.print(f"  {shown.number}")
    out.print(f"Give others {path / 'card.json'}", soft_wrap=True, markup=False)
    print_wrapped("It holds no secret. They call you, and you read these thirty digits to them.")


@app.command("show")
def show(desk: DeskOption, json_: JsonOption = False) -> int:
    """Show whose cards are trusted, and which patients were received and answered.

    Exit status: 0 everything is here, 20 what was received of somebody is gone or damaged, and is named.

    Example: beamkeeper desk show --desk desk
    """
    from beamkeeper.app.jobs.desk_shelf import at_the_desk, shelf
    from beamkeeper.respond.handover import Desk

    opened = Desk.open(desk)
    known, lying = opened.known(), shelf(opened)
    patients, status = at_the_desk(lying), 20 if lying.missing or lying.damaged else 0
    if json_:
        emit_json(
            {
                "card": opened.card,
                "known": known,
                "patients": patients,
                "missing": lying.missing,
                "damaged": lying.damaged,
                "laid_aside": opened.asides(),
            }
        )
        return status
    print_wrapped(
        f"Desk of {opened.card.name}. Trusted: {', '.join(one.name for one in known) or 'nobody yet'}."
    )
    for one in patients:
        print_wrapped(
            f"{one.name} ({one.patient_id}), from {one.sender}, bundle {one.bundle_id}: "
            f"{'here as ' + one.known_as[0] if one.known_as else 'your number is not known'}; "
            f"{len(one.answers)} return bundle{'s' * (len(one.answers) != 1)}"
        )
    for bundle_id in lying.missing:
        print_wrapped(f"▲ Bundle {bundle_id} was received, and its folder is gone: receive it again.")
    for bundle_id in lying.damaged:
        print_wrapped(f"▲ Bundle {bundle_id} is not what was received: use nothing of it, receive it again.")
    for path in opened.asides():
        print_wrapped(f"▲ {path.name} was laid aside, in clear, and nothing uses it: `desk tidy` removes it.")
    return status


@app.command("tidy")
def tidy(desk: DeskOption, by: ByOption = None, json_: JsonOption = False) -> int:
    """Remove what was laid aside at a desk, in clear: what a broken-off or damaged bundle left behind.

    Look first why it lies there: what was damaged may be evidence. A line in the journal says what was
    removed and by whom; at home it is the incident's journal.

    Example: beamkeeper desk tidy --by "C. Willems" --desk desk
    """
    from beamkeeper.app.jobs.desk_tidying import tidy as remove
    from beamkeeper.respond.handover import Desk

    removed = remove(Desk.open(desk), by=who(by), now=SystemClock().now())
    if json_:
        emit_json({"removed": removed})
    else:
        print_wrapped(f"{len(removed)} removed{': ' if removed else '.'}{', '.join(removed)}")
    return 0


@app.command("forget")
def forget(
    desk: DeskOption,
    bundle_id: Annotated[str, typer.Argument(metavar="BUNDLE_ID", help="As `desk show` names it.")],
    confirmed: Annotated[
        str, typer.Option("--confirmed", help="Who at the sender's said that the last return is there.")
    ],
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Remove everything of a received patient whose last return the sender confirmed: what is in clear goes.

    All bundles of the patient, copies, reports and records; what went into your own systems stays there. The
    journal stays, your number of the patient and the return bundles, which are sealed to the sender, too.

    Example: beamkeeper desk forget 0a1b2c3d4e5f6071 --confirmed "A. Jansen, by phone 10:05" --desk desk
    """
    from beamkeeper.app.jobs.desk_forgetting import forget as remove
    from beamkeeper.respond.handover import Desk

    removed = remove(Desk.open(desk), bundle_id, confirmed, by=who(by), now=SystemClock().now())
    if json_:
        emit_json({"removed": removed})
    else:
        print_wrapped(f"{len(removed)} removed{': ' if removed else '.'}{', '.join(removed)}")
    return 0


@app.command("send")
def send(
    desk: DeskOption,
    bundle_id: Annotated[str, typer.Argument(metavar="BUNDLE_ID", help="As `desk return` named it.")],
    place: PlaceOption,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Put a return bundle into a place that both houses reach, read it back, and write that down.

    Example: beamkeeper desk send 7f6e5d4c3b2a1908 --place line.toml --desk desk
    """
    from beamkeeper.app.jobs.carrying import open_place
    from beamkeeper.app.jobs.carrying import send as put
    from beamkeeper.app.jobs.returning import made_answer, note_sent
    from beamkeeper.respond.handover import Desk

    opened, actor = Desk.open(desk), who(by)
    made, destination = made_answer(opened, bundle_id), open_place(place)
    try:
        sent = put(made, destination)
        note_sent(opened, sent, by=actor, now=SystemClock().now())
    finally:
        destination.close()
    if json_:
        emit_json({"sent": sent})
    else:
        print_wrapped(f"✓ {sent} lies there, read back.")
    return 0


@app.command("fetch")
def fetch(
    desk: DeskOption,
    place: PlaceOption,
    json_: JsonOption = False,
) -> int:
    """Copy the bundles of a place that are for this desk into its folder `in`; nothing is opened yet.

    Only what a house whose card is trusted has signed is copied, and what is wrong with another is said.

    Exit status: 0 fetched, 20 something lies there that was not taken.

    Example: beamkeeper desk fetch --place line.toml --desk desk
    """
    from beamkeeper.app.jobs.carrying import IN, open_place
    from beamkeeper.app.jobs.carrying import fetch as take
    from beamkeeper.respond.handover import Desk

    opened, destination = Desk.open(desk), open_place(place)
    try:
        came = take(destination, opened)
    finally:
        destination.close()
    into = opened.path / IN
    if json_:
        emit_json({"fetched": came.bundles, "left": came.left, "folder": into})
    else:
        print_wrapped(f"{len(came.bundles)} new bundle{'s' * (len(came.bundles) != 1)} in {into}.")
        for bundle_id in came.bundles:
            out.print(f"  {into / bundle_id}", soft_wrap=True, markup=False)
        for text in came.left:
            print_wrapped(f"▲ NOT TAKEN {text}")
    return 20 if came.left else 0


@app.command("known-as")
def known_as(
    desk: DeskOption,
    bundle_id: Annotated[str, typer.Argument(metavar="BUNDLE_ID", help="As `desk show` names it.")],
    patient_id: Annotated[str, typer.Argument(metavar="ID", help="Your own number of this patient.")],
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Write down under which number a received patient is known here: records of it are then theirs.

    Example: beamkeeper desk known-as 0a1b2c3d4e5f6071 N-20231 --by "C. Willems" --desk desk
    """
    from beamkeeper.app.jobs.desk_shelf import know_as
    from beamkeeper.respond.handover import Desk

    row = know_as(Desk.open(desk), bundle_id, patient_id, by=who(by), now=SystemClock().now())
    if json_:
        emit_json(row)
    else:
        print_wrapped(f"✓ line {row.sequence} of the desk's journal, by {row.actor}")
    return 0


@app.command("check")
def check(
    desk: DeskOption,
    bundle_id: Annotated[str, typer.Argument(metavar="BUNDLE_ID", help="As `desk show` names it.")],
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Judge what was received of a patient before it is treated from, and write the report to be signed.

    Did everything arrive, does it fit together, is it read as it was meant: each test with what was expected
    and found. The beams stand in it with room for what your planning system shows.

    Exit status: 0 nothing is stopped, 20 something has to be settled first.

    Example: beamkeeper desk check 0a1b2c3d4e5f6071 --by "C. Willems" --desk desk
    """
    from beamkeeper.app.jobs.import_reporting import check_received
    from beamkeeper.respond.handover import Desk
    from beamkeeper.respond.handover.import_finding import Grade
    from beamkeeper.respond.handover.import_page import DECIDES, import_facts

    made = check_received(Desk.open(desk), bundle_id, by=who(by), now=SystemClock().now())
    if json_:
        emit_json({"folder": str(made.folder), **import_facts(made.report)})
    else:
        show_checked(made)
        print_wrapped(DECIDES)
    return 20 if made.report.worst is Grade.STOP else 0


@app.command("import")
def import_(
    desk: DeskOption,
    bundle_id: Annotated[str, typer.Argument(metavar="BUNDLE_ID", help="As `desk show` names it.")],
    systems: SystemsOption,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Bring a received patient into your own systems: objects under your number, then messages.

    Every object goes as a copy under the number that `desk known-as` wrote down, with both identities in it;
    the original stays as it came. Each store has to give back what it took. Receivers of HL7 are told only
    then: the person, the visit, each session with a time, the letter. All of it may be done again.

    Exit status: 0 everything is there, 20 something is not, and is named.

    Example: beamkeeper desk import 0a1b2c3d4e5f6071 --systems systems.toml --desk desk
    """
    from beamkeeper.app.jobs.importing import import_patient
    from beamkeeper.app.site_desk import load_systems
    from beamkeeper.respond.handover import Desk

    now = SystemClock().now()
    made = import_patient(Desk.open(desk), bundle_id, load_systems(systems), by=who(by), now=now)
    if json_:
        emit_json(made)
    else:
        show_imported(made)
    return 0 if made.is_whole else 20


@app.command("records")
def records(
    desk: DeskOption,
    bundle_id: Annotated[str, typer.Argument(metavar="BUNDLE_ID", help="As `desk show` names it.")],
    systems: SystemsOption,
    out_dir: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the records shall go.")],
    json_: JsonOption = False,
) -> int:
    """Fetch the treatment records that your own stores hold of a received patient, for `desk return`.

    Asks by the number that `desk known-as` wrote down; what was sent along with the patient is left out, and
    so is what lies in the folder already: run it every evening.

    Example: beamkeeper desk records 0a1b2c3d4e5f6071 --systems systems.toml --out export --desk desk
    """
    from beamkeeper.app.jobs.their_records import fetch_records
    from beamkeeper.app.site_desk import load_systems
    from beamkeeper.respond.handover import Desk

    written = fetch_records(Desk.open(desk), bundle_id, load_systems(systems), out_dir)
    if json_:
        emit_json({"records": written})
    else:
        print_wrapped(f"{len(written)} new treatment record{'s' * (len(written) != 1)} in {out_dir}.")
    return 0


@app.command("return")
def return_(
    desk: DeskOption,
    bundle_id: Annotated[str, typer.Argument(metavar="BUNDLE_ID", help="As `desk show` names it.")],
    files: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Exported records; reports; none for who never came.")
    ] = None,
    said: Annotated[str, typer.Option("--said", help="How it went; what was given by hand.")] = "",
    same_plan: Annotated[
        list[str] | None,
        typer.Option(
            "--same-plan", metavar="HERE=SENT:WHY", help="Plan treated here in the place of one sent."
        ),
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="The patient is not treated here any more: nothing more will come.")
    ] = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Send back what was given: treatment records and reports of one patient, sealed to who sent them.

    Records are taken under the sender's number of the patient and under yours; one of another person, or of a
    plan that was not in the bundle, is named and left out.

    Exit status: 0 everything is in it, 20 something was left out.

    Example: beamkeeper desk return 0a1b2c3d4e5f6071 /mnt/export --said "5 of 5 given" --desk desk
    """
    from beamkeeper.app.jobs.returning import Report, answer
    from beamkeeper.respond.handover import Desk

    report = Report(
        by=who(by),
        said=within(said),
        same_plans=tuple(map(_same_plan, same_plan or ())),
        is_last=last,
    )
    made = answer(Desk.open(desk), bundle_id, files, report, now=SystemClock().now())
    if json_:
        emit_json(made)
    else:
        print_wrapped(f"✓ {plural(made.record_count, 'treatment record')} of {made.whose}")
        out.print(f"  in {made.folder}", soft_wrap=True, markup=False)
        for text in made.not_taken:
            print_wrapped(f"▲ NOT IN IT: {text}")
        print_wrapped("Copy the folder whole. They take it in with `beamkeeper handover back`.")
    return 20 if made.not_taken else 0


def _same_plan(text: str) -> tuple[str, str, str]:
    """Return what a person typed: the plan here, the plan that was sent, and why they are the same."""
    here, equals, rest = text.partition("=")
    sent, colon, why = rest.partition(":")
    if not (here.strip() and equals and sent.strip() and colon and why.strip()):
        raise ConfigError(
            f"{text!r} does not say which plan stands for which, and why.",
            do_next='Write it as --same-plan "1.2.3=1.2.4:retargeted to TB2, signed A and B".',
        )
    return here.strip(), sent.strip(), why.strip()


def show_checked(made: Checked) -> None:
    """Print what the report of a received patient finds."""
    from beamkeeper.respond.handover.import_finding import Grade

    for found in made.report.findings:
        if found.grade is not Grade.OK:
            about = f", plan {found.about}" if found.about else ""
            print_wrapped(f"▲ {found.grade.value.upper()} {found.what}{about}: {found.found}")
            print_wrapped(f"    expected {found.expected}")
    right = sum(found.grade is Grade.OK for found in made.report.findings)
    print_wrapped(f"{right} of {len(made.report.findings)} tests ok. The report: {made.folder}")


def show_imported(made: Imported) -> None:
    """Print what became of a received patient in each system."""
    out.print(f"Under {made.patient_id}:", markup=False)
    for went in (*made.stores, *made.receivers):
        print_wrapped(f"{'✓' if went.is_whole else '✗'} {went.name}: {went.done} of {went.wanted}")
        for text in went.problems:
            print_wrapped(f"    {text}")
    for text in made.remarks:
        print_wrapped(f"▲ {text}")
