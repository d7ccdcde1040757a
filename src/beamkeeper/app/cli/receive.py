"""`beamkeeper receive`: take a patient in from another house."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who
from beamkeeper.app.cli.desk import DeskOption, show_checked, show_imported
from beamkeeper.app.cli.follow import SystemsMaybe, looking
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.receiving import Received
    from beamkeeper.app.jobs.taking_in import TakenIn


def command(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder with bundle.age, .json and .sig.")],
    desk: DeskOption,
    known_as: Annotated[
        str | None, typer.Option("--known-as", metavar="ID", help="Your own number of this patient.")
    ] = None,
    systems: SystemsMaybe = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Then wait for records, as `desk follow --stay` does.")
    ] = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Take in a bundle that another house made: verify, open, judge, and bring it into your own systems.

    The signature is checked before anything is opened, every file against its digest, and every DICOM object
    must be of the patient that the bundle names. What was received before is not used again, and an older
    bundle never replaces a newer one. Then the verification report is made. Where systems are named
    (--systems, or systems.toml in the desk) and your own number of the patient is known, objects and messages
    go there, unless the report says stop. The same command goes on where it broke off or had to wait.

    Exit status: 0 all that is set up is done, 3 it waits for your number, 20 the report says stop, or a
    system does not have everything.

    Example: beamkeeper receive /mnt/usb/0a1b2c3d4e5f6071 --known-as N-20231 --by "C. Willems" --desk desk
    """
    from beamkeeper.app.jobs.taking_in import take_in
    from beamkeeper.app.site_desk import systems_of
    from beamkeeper.respond.handover import Desk

    opened, actor, found = Desk.open(desk), who(by), systems_of(desk, systems)
    if stay and found is None:
        raise ConfigError("It is not said whose records to wait for.", do_next="Name --systems.")
    taken = take_in(opened, bundle, found, number=known_as, by=actor, clock=SystemClock())
    if json_:
        emit_json(_facts(taken))
    else:
        _show(taken)
    status = 20 if taken.is_stopped else 3 if taken.waits_for else 0
    if stay and found is not None and not status:
        return looking(opened, found, actor, stay=True, json_=json_)
    return status


def _facts(taken: TakenIn) -> dict[str, object]:
    from beamkeeper.respond.handover.import_page import import_facts

    received = taken.received
    return {
        "manifest": received.manifest,
        "folder": received.folder,
        "is_new": received.is_new,
        "newer": received.newer,
        "strangers": received.strangers,
        "report": {"folder": taken.checked.folder, **import_facts(taken.checked.report)},
        "imported": taken.imported,
        "waits_for": taken.waits_for,
    }


def _show(taken: TakenIn) -> None:
    from beamkeeper.respond.handover.letter import DECIDES

    _show_received(taken.received)
    show_checked(taken.checked)
    if taken.imported is not None:
        show_imported(taken.imported)
    if taken.waits_for:
        print_wrapped(f"▲ {taken.waits_for}")
    print_wrapped(DECIDES)


def _show_received(taken: Received) -> None:
    from beamkeeper.protect.lists.page import identifiers, name_of

    manifest = taken.manifest
    print_wrapped(f"{name_of(manifest.patient)} · {identifiers(manifest.patient)}")
    print_wrapped(
        f"From {manifest.sender}, copy of the night of {manifest.night}. {manifest.trust}"
        + ("" if taken.is_new else " It was received before: nothing changed.")
    )
    if taken.newer:
        print_wrapped(f"▲ NOT THE NEWEST: bundle {taken.newer} of this patient is here. Use that one.")
    for plan in manifest.plans:
        print_wrapped(f"  {plan.rt_plan_label}: {plan.given}; next: {plan.next_said}")
    for said in manifest.before:
        print_wrapped(f"▲ {said}")
    for name in taken.strangers:
        print_wrapped(f"▲ {name} lay beside the bundle and does not belong to it; it was not read.")
    print_wrapped(f"✓ {len(manifest.packed)} files, each as signed")
    out.print(f"Read first: {taken.folder}/letter.pdf", soft_wrap=True, markup=False)
