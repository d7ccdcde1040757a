"""`beamkeeper desk follow`: records of received patients go home as the house's own stores get them."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who
from beamkeeper.app.cli.desk import DeskOption
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import BeamkeeperError, ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.following import Round
    from beamkeeper.app.site_desk import DeskSystems
    from beamkeeper.respond.handover import Desk

SystemsMaybe = Annotated[
    Path | None,
    typer.Option(
        "--systems", metavar="FILE", help="Your stores and receivers; else systems.toml of the desk."
    ),
]


def command(
    desk: DeskOption,
    systems: SystemsMaybe = None,
    by: ByOption = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Look again every look_every_minutes, until Ctrl-C or SIGTERM.")
    ] = False,
    json_: JsonOption = False,
) -> int:
    """Fetch new treatment records of everybody who was received, and make the return bundles.

    Of each patient whose own number is known, until `desk return --last`. What lies in the desk's folder
    records/BUNDLE_ID goes along: put reports there. A return bundle holds everything so far, and none is made
    where nothing is new. With `place` in the file of the systems each is put there, and read back; and what
    others laid there for this desk is taken in, as far as `receive` does without your number.

    Exit status: 0 all is well, 20 something was not fetched, left out or not sent, and is named.

    Example: beamkeeper desk follow --systems systems.toml --by "C. Willems" --desk desk
    """
    from beamkeeper.app.site_desk import SYSTEMS, systems_of
    from beamkeeper.respond.handover import Desk

    opened, found = Desk.open(desk), systems_of(desk, systems)
    if found is None:
        raise ConfigError(
            "It is not said which systems to ask.", do_next=f"Name --systems, or put {SYSTEMS} into the desk."
        )
    return looking(opened, found, who(by), stay=stay, json_=json_)


def looking(desk: Desk, systems: DeskSystems, by: str, *, stay: bool, json_: bool) -> int:
    """Look once, or again and again until a signal; return the exit status of the last look."""
    if not stay:
        return _look(desk, systems, by, json_=json_)
    status, is_asked, is_idle = 0, False, False

    def end(*_: object) -> None:
        """Let a look that has begun come to its end: it may be removing what lies in clear."""
        nonlocal is_asked
        is_asked = True
        if is_idle:
            raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    with suppress(KeyboardInterrupt):
        while not is_asked:
            is_idle = False
            try:
                status = _look(desk, systems, by, json_=json_)
            except (
                BeamkeeperError
            ) as error:  # the disk of the desk is away, or full: the next look may go well
                status = 20
                err.print(f"▲ {error.message} {error.do_next}", markup=False)
            is_idle = True
            if not is_asked:
                time.sleep(60 * systems.look_every_minutes)
    return status


def _look(desk: Desk, systems: DeskSystems, by: str, *, json_: bool) -> int:
    from beamkeeper.app.jobs.following import follow
    from beamkeeper.respond.handover import Desk

    made = follow(Desk.open(desk.path), systems, by=by, clock=SystemClock())
    if json_:
        emit_json(made)
    else:
        _show(made)
    return 0 if made.is_whole else 20


def _show(made: Round) -> None:
    for bundle_id in made.came.received:
        print_wrapped(
            f"▲ A PATIENT CAME: bundle {bundle_id}. Say your own number: beamkeeper desk known-as; then "
            "beamkeeper desk check."
        )
    for text in made.came.left:
        print_wrapped(f"▲ NOT TAKEN IN: {text}")
    for one in made.followed:
        if one.answer is not None:
            records = one.answer.record_count
            out.print(
                f"✓ {one.bundle_id}: {records} treatment records in {one.answer.folder}", soft_wrap=True
            )
            for text in one.answer.not_taken:
                print_wrapped(f"▲ NOT IN IT: {text}")
        if one.problem:
            print_wrapped(f"▲ {one.bundle_id}: {one.problem}")
    for bundle_id in made.sent:
        print_wrapped(f"✓ {bundle_id} lies at the place, read back.")
    for text in made.not_sent:
        print_wrapped(f"▲ NOT SENT: {text}")
    count = sum(one.answer is not None for one in made.followed)
    print_wrapped(f"{len(made.followed)} patients are treated here; {count} have something new.")
