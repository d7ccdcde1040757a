"""`beamkeeper receive`: take a patient in from another house."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who
from beamkeeper.app.cli.desk import DeskOption
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock

if TYPE_CHECKING:
    from beamkeeper.app.jobs.receiving import Received


def command(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder with bundle.age, .json and .sig.")],
    desk: DeskOption,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Take in a bundle that another house made: verify, open, and show who it is and what to ask first.

    The signature is checked before anything is opened, every file against its digest, and every DICOM object
    must be of the patient that the bundle names. What was received before is not used again, and an older
    bundle never replaces a newer one. Read the letter before anything else.

    Example: beamkeeper receive /mnt/usb/0a1b2c3d4e5f6071 --desk desk --by "C. Willems, physicist"
    """
    from beamkeeper.app.jobs.receiving import receive
    from beamkeeper.respond.handover import Desk

    taken = receive(Desk.open(desk), bundle, by=who(by), now=SystemClock().now())
    if json_:
        emit_json(taken)
    else:
        _show(taken)
    return 0


def _show(taken: Received) -> None:
    from beamkeeper.protect.lists.page import identifiers, name_of
    from beamkeeper.respond.handover.letter import DECIDES

    manifest = taken.manifest
    print_wrapped(f"{name_of(manifest.patient)} · {identifiers(manifest.patient)}")
    print_wrapped(
        f"From {manifest.sender}, copy of the night of {manifest.night}. {manifest.trust}"
        + ("" if taken.is_new else " It was received before: nothing changed.")
    )
    for plan in manifest.plans:
        print_wrapped(f"  {plan.rt_plan_label}: {plan.given}; next: {plan.next_said}")
    for said in manifest.before:
        print_wrapped(f"▲ {said}")
    for name in taken.strangers:
        print_wrapped(f"▲ {name} lay beside the bundle and does not belong to it; it was not read.")
    print_wrapped(f"✓ {len(manifest.packed)} files, each as signed")
    out.print(f"Read first: {taken.folder}/letter.pdf", soft_wrap=True, markup=False)
    print_wrapped(DECIDES)
