"""`beamkeeper incident settle`: two people looked at what keeps a fraction in doubt, and the count stands."""

from __future__ import annotations

from typing import Annotated

import typer

from beamkeeper.app.cli.console import emit_json, print_wrapped
from beamkeeper.app.cli.file_mode import PeopleOption, PlanOption, ReasonOption
from beamkeeper.app.cli.incident import FolderOption, pseudonym_of
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock


def command(
    patient: Annotated[str, typer.Argument(help="Patient ID, or the first letters of the pseudonym.")],
    folder: FolderOption,
    next_: Annotated[
        int, typer.Option("--next", min=1, help="The fraction that is next, by what you found.")
    ],
    by: PeopleOption,
    reason: ReasonOption,
    plan: PlanOption = None,
    json_: JsonOption = False,
) -> int:
    """Settle what keeps the next fraction in doubt: two people looked, and the count stands as it is.

    Ask the patient and read the console's log first. Where a fraction was given that no record shows, it is
    not settled but entered: `beamkeeper paper enter`. A settled doubt changes no number; new evidence is a
    new doubt.

    Exit status: 0 settled, 2 the count says another fraction.

    Example: beamkeeper incident settle 0012345 --next 13 --by "A. Jansen" --by "B. Peeters"
    --reason "patient and log of TB1: not treated on Friday" --incident incident
    """
    from beamkeeper.app.jobs.incident_acts import within
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.settling import settle
    from beamkeeper.respond.placement.retarget import two_people

    opened = IncidentFolder.open(folder)
    settled = settle(
        opened,
        pseudonym_of(opened, patient),
        plan,
        next_fraction=next_,
        people=two_people([within(name, 200) for name in by]),
        reason=within(reason),
        clock=SystemClock(),
    )
    if json_:
        emit_json({"settled": settled, "next": next_})
        return 0
    for one in settled:
        print_wrapped(f"✓ settled: {one.text}")
    print_wrapped(f"{len(settled)} doubts settled; fraction {next_} is next.")
    return 0
