"""`beamkeeper incident replace` and `take-back`: two people say which of two plans holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, print_wrapped
from beamkeeper.app.cli.file_mode import PeopleOption, ReasonOption
from beamkeeper.app.cli.incident import FolderOption, pseudonym_of
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock

if TYPE_CHECKING:
    from beamkeeper.app.jobs.replacing_plans import Replaced

PatientArgument = Annotated[str, typer.Argument(help="Patient ID, or the first letters of the pseudonym.")]


def replace(
    patient: PatientArgument,
    folder: FolderOption,
    plan: Annotated[str, typer.Option("--plan", metavar="LABEL", help="The one that is replaced.")],
    by_plan: Annotated[
        str, typer.Option("--with", metavar="LABEL", help="The one that holds: label or UID.")
    ],
    after: Annotated[
        int, typer.Option("--after", min=0, help="How many fractions the replaced one has given.")
    ],
    next_: Annotated[
        int, typer.Option("--next", min=1, help="The next fraction, in the numbers of the new one.")
    ],
    left: Annotated[int, typer.Option("--left", min=1, help="How many fractions are left to give by it.")],
    by: PeopleOption,
    reason: ReasonOption,
    json_: JsonOption = False,
) -> int:
    """Say which of two plans holds, from which fraction on: two people, with a reason.

    From then on the old plan gives nothing more, and every list, paper, bundle and file is of the new one.
    Either the new plan's numbers go on from the old one's, or it begins at 1: --next and --left say which,
    and are held against the records. Nothing is overwritten: say it the other way round, or `take-back`.

    Exit status: 0 written, 2 the records say otherwise, or no copy holds such a plan.

    Example: beamkeeper incident replace 0012345 --plan "Prostate" --with "Prostate v2" --after 12 --next 13
    --left 13 --by "A. Jansen" --by "B. Peeters" --reason "replan of Friday, paper in the planning room"
    """
    from beamkeeper.app.jobs.incident_acts import within
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.replacing_plans import Holds, replace_plan
    from beamkeeper.respond.placement.retarget import two_people

    opened = IncidentFolder.open(folder)
    made = replace_plan(
        opened,
        pseudonym_of(opened, patient),
        Holds(old=plan, new=by_plan, after=after, next_fraction=next_, left=left),
        people=two_people([within(name, 200) for name in by]),
        reason=within(reason),
        clock=SystemClock(),
    )
    _show(made, json_=json_)
    return 0


def _show(made: Replaced, *, json_: bool) -> None:
    said = made.said
    if json_:
        emit_json(
            {
                "line": made.line,
                "replaced": made.old.sop_instance_uid,
                "holds": made.new.sop_instance_uid,
                "goes_on": made.goes_on,
                "next": said.next_fraction,
                "left": said.left,
                "settled": made.settled,
                "in_doubt": made.now.doubts(made.new),
            }
        )
        return
    for one in made.settled:
        print_wrapped(f"✓ settled: {one.text}")
    how = f"goes on after the {said.after} given" if made.goes_on else "begins at 1"
    print_wrapped(
        f"✓ line {made.line} of the journal: {made.new.rt_plan_label!r} holds instead of "
        f"{made.old.rt_plan_label!r} and {how}; fraction {said.next_fraction} is next, {said.left} left."
    )
    for text in made.now.line(made.new).missing:
        print_wrapped(f"▲ still keeps it from being treated: {text}")
    print_wrapped(
        "A draft of the placement and bundles that were made before know nothing of it: make them anew."
    )


def take_back(
    patient: PatientArgument,
    folder: FolderOption,
    line: Annotated[int, typer.Option("--line", help="The line of the journal that said it.")],
    by: PeopleOption,
    reason: ReasonOption,
    json_: JsonOption = False,
) -> int:
    """Take back what was said of two plans: which of them holds is open again.

    Exit status: 0 written, 2 that line says nothing of the kind.

    Example: beamkeeper incident take-back 0012345 --line 41 --by "A. Jansen" --by "B. Peeters" --reason
    "the replan was never approved by the physician"
    """
    from beamkeeper.app.jobs.incident_acts import within
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.replacing_plans import take_back as taken
    from beamkeeper.respond.placement.retarget import two_people

    opened = IncidentFolder.open(folder)
    people = two_people([within(name, 200) for name in by])
    taken(
        opened, pseudonym_of(opened, patient), line, people=people, reason=within(reason), clock=SystemClock()
    )
    if json_:
        emit_json({"taken_back": line})
        return 0
    print_wrapped(f"✓ what line {line} said holds no more; what it settled is in doubt again.")
    return 0
