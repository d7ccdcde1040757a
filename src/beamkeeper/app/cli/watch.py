"""`beamkeeper watch`: stand elsewhere, know no secret, and say when a vault goes silent or wrong."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err, out, print_error, print_wrapped
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.app.jobs.watching import WatchNotes
    from beamkeeper.app.site_watch import WatchFile
    from beamkeeper.errors import BeamkeeperError
    from beamkeeper.protect.watch import Telling

EXIT_OF = {
    "rolled back": 21,
    "not as signed": 20,
    "parcel altered": 20,
    "parcel missing": 20,
    "shrunk": 20,
    "night missing": 22,
    "stale": 22,
    "unreachable": 10,
}
"""By `FindingKind`, worst first, in words: the kinds themselves would load the vault at every start."""
FINDINGS_SHOWN = 20


def command(
    file: Annotated[Path, typer.Option("--file", help="The watcher's file.")] = Path("watch.toml"),
    once: Annotated[bool, typer.Option("--once", help="Look once and end with an exit status.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Send a test alert through every channel.")] = False,
    init: Annotated[bool, typer.Option("--init", help="Write a new watcher's file and end.")] = False,
    root_key: Annotated[str, typer.Option(help="With --init: the site's root key, from its cards.")] = "",
    mirror: Annotated[Path, typer.Option(help="With --init: the folder with a copy of the vault.")] = Path(
        "mirror"
    ),
    json_: JsonOption = False,
) -> int:
    """Watch a vault or a mirror from another place, with its public root key.

    Alarms when the night does not come by the agreed hour, when the signed
    metadata are turned back or not the site's, when parcels are missing or
    altered. Needs no secret. Exit status with --once: 0 nothing is wrong,
    20 not as signed, 21 turned back, 22 a night is missing, 10 not reached.

    Example: beamkeeper watch --once --file watch.toml
    """
    if init:
        return _init(file, root_key, mirror)
    from beamkeeper.app.jobs.watching import Watcher
    from beamkeeper.app.site_watch import load_watch

    watcher = Watcher(load_watch(file))
    if test:
        return _test(watcher.watch)
    if once:
        notes, _ = watcher.look(SystemClock().now(), keep_alarms=False)
        if json_:
            emit_json({"look": notes.look, "alarms": notes.alarms})
        else:
            _show(watcher.watch, notes)
        return EXIT_OF[min((f.kind for f in notes.look.findings), key=_rank)] if notes.look.findings else 0
    _serve(watcher.watch)
    return 0


def _test(watch: WatchFile) -> int:
    from beamkeeper.app.jobs.watching import try_channels

    if not watch.alerts:
        raise ConfigError("The watcher's file has no [[alerts]].", do_next="Name at least one.")
    failed = try_channels(watch, SystemClock().now())
    for section in watch.alerts:
        why = failed.get(section.name)
        print_wrapped(f"✗ {section.name}: {why}" if why else f"✓ {section.name} took it")
    return 10 if failed else 0


def _rank(kind: str) -> int:
    return list(EXIT_OF).index(kind)


def _init(file: Path, root_key: str, mirror: Path) -> int:
    from beamkeeper.app.site_watch import EXAMPLE, load_watch

    if file.exists():
        raise ConfigError(f"{file} is there already.", do_next="Name another with --file.")
    text = EXAMPLE.format(
        name="A site, watched from elsewhere",
        time_zone="Europe/Brussels",
        root_key=root_key.strip().lower(),
        mirror=json.dumps(str(mirror))[1:-1],
    )
    file.write_text(text, encoding="utf-8")
    try:
        load_watch(file)
    except ConfigError:
        file.unlink()
        raise
    err.print(f"✓ {file} is written. Read it, then: beamkeeper watch --once --file {file}", soft_wrap=True)
    return 0


def _show(watch: WatchFile, notes: WatchNotes) -> None:
    look, zone = notes.look, watch.rule.zone
    out.print(f"[bold]{watch.name}[/]", soft_wrap=True)
    if look.last_night is not None:
        out.print(f"newest night {look.last_night}, {look.parcel_count} parcels signed for")
    if look.expires_at is not None:
        out.print(f"signed until {look.expires_at.astimezone(zone):%Y-%m-%d %H:%M}")
    if look.read_count:
        out.print(f"{look.read_count} parcels read whole now, {look.read_bytes / 1e6:.1f} MB")
    for finding in sorted(look.findings, key=lambda f: _rank(f.kind))[:FINDINGS_SHOWN]:
        print_wrapped(f"✗ {finding.kind.value.upper()}: {finding.what}")
        print_wrapped(f"  → {finding.do_next}")
    if len(look.findings) > FINDINGS_SHOWN:
        out.print(f"… and {len(look.findings) - FINDINGS_SHOWN} more; --json names all.")
    if not look.findings:
        out.print("✓ nothing is wrong")


def _serve(watch: WatchFile) -> None:
    import threading

    from beamkeeper.app.jobs.heartbeats import heartbeat_door
    from beamkeeper.app.jobs.serving import Duty, Tellers, serve
    from beamkeeper.app.jobs.watching import HangDuty, WatchDuty, Watcher, call_people

    clock, watcher = SystemClock(), Watcher(watch)

    def tell(tellings: tuple[Telling, ...]) -> bool:
        for telling in tellings:
            err.print(telling.in_words(), markup=False, soft_wrap=True)
        failed = call_people(watch, tellings, clock.now())
        for channel, why in failed.items():
            err.print(f"✗ The channel {channel} did not take it: {why}", markup=False, soft_wrap=True)
        return len(failed) < max(1, len(watch.alerts))

    with ExitStack() as stack:
        if watch.heartbeat is not None:
            port = stack.enter_context(heartbeat_door(watch.heartbeat, watcher, clock))
            err.print(f"Taking heartbeats at {watch.heartbeat.bind}:{port}.")
        err.print(f"Watching {watch.name}, every {watch.every_minutes} minutes.")
        if not watch.alerts:
            err.print("No [[alerts]] in the file: alarms are only printed here.")
        duties: list[Duty] = [WatchDuty(watcher, tell), HangDuty(watcher, tell)]
        serve(duties, clock, Tellers(done=_done, failed=_failed), threading.Event())


def _done(name: str, line: str) -> None:
    err.print(f"{name}: {line}", markup=False)


def _failed(_name: str, error: BeamkeeperError) -> None:
    print_error(error)
