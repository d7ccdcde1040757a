"""`beamkeeper window`: look at the air gap, hold it open for a while, shut it, keep it."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, err, out
from beamkeeper.app.cli.options import JsonOption, SiteOption, find_site, read_site
from beamkeeper.clock import SystemClock
from beamkeeper.errors import WindowUnavailable

if TYPE_CHECKING:
    from beamkeeper.app.site import Site
    from beamkeeper.protect.isolate import AllowedPeer, GuardedWindow, WindowReading

app = typer.Typer(no_args_is_help=True, help="The air gap: look at it, hold it open, shut it, keep it.")

EXIT_UNKNOWN = 26
LOOK_S = 5.0


def _guarded(site: Site) -> GuardedWindow:
    from beamkeeper.app.window_guard import section_of
    from beamkeeper.protect.isolate import GuardedWindow

    return GuardedWindow(section_of(site).socket)


def _show(reading: WindowReading, *, json_: bool, **more: object) -> int:
    from beamkeeper.protect.isolate import WindowState

    if json_:
        emit_json({"state": reading.state, "text": reading.text, "shuts_in_s": reading.shuts_in_s, **more})
    else:
        out.print(f"{reading.state.value.upper()}: {reading.text}.", soft_wrap=True)
    return EXIT_UNKNOWN if reading.state is WindowState.UNKNOWN else 0


@app.command("status")
def status(site: SiteOption = None, json_: JsonOption = False) -> int:
    """Say where the window stands, as the kernel says, and whether the watchdog answers.

    Exit status: 0 it is open or closed, 26 nobody knows.

    Example: beamkeeper window status
    """
    from beamkeeper.app.window_guard import window_of

    chosen = read_site(site)
    try:
        answer = _guarded(chosen).answer()
    except WindowUnavailable:
        if os.geteuid() != 0:
            raise
        err.print("The watchdog does not answer; this is what the kernel says:")
        return _show(window_of(chosen).reading(), json_=json_, watchdog=False)
    return _show(answer.reading, json_=json_, watchdog=True, held_by=answer.held_by)


@app.command("open")
def open_(
    site: SiteOption = None,
    minutes: Annotated[int, typer.Option(min=1, max=24 * 60, help="How long at most.")] = 10,
    json_: JsonOption = False,
) -> int:
    """Hold the window open while this command runs: for so many minutes, or until Ctrl-C.

    Example: beamkeeper window open --minutes 5
    """
    window = _guarded(read_site(site))
    clock = SystemClock()
    until = clock.now() + timedelta(minutes=minutes)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    window.open(until)
    try:
        _show(window.reading(), json_=json_)
        err.print("Ctrl-C shuts it.")
        while clock.now() < until:
            time.sleep(min(LOOK_S, max(0.0, (until - clock.now()).total_seconds())))
            window.reading()  # raises when the watchdog is gone
    except KeyboardInterrupt:
        pass
    finally:
        window.close()
    err.print("Given back.")
    return 0


@app.command("close")
def close(site: SiteOption = None, json_: JsonOption = False) -> int:
    """Shut the window now, whoever holds it; as root. What is being fetched is cut and fetched again later.

    Example: beamkeeper window close
    """
    from beamkeeper.app.window_guard import verify_root, window_of

    verify_root()
    chosen = read_site(site)
    try:
        reading = _guarded(chosen).shut()
    except WindowUnavailable:
        err.print("The watchdog does not answer; shutting without it.")
        reading = window_of(chosen).close()
    return _show(reading, json_=json_)


@app.command("guard")
def guard(site: SiteOption = None) -> None:
    """Keep the window: the watchdog itself, in the foreground, as root; systemd runs it.

    Example: beamkeeper window guard --site /etc/beamkeeper/site.toml
    """
    # A process of its own code: the watchdog is root, and needs neither Typer nor a terminal.
    words = ["-I", "-m", "beamkeeper.app.window_main", "--site", str(find_site(site).absolute())]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell is meant


@app.command("rules")
def rules(
    site: SiteOption = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="Those of the closed window; no site needed.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Print the nftables rules of the open window, for reading and for `nft --check -f -`.

    Example: beamkeeper window rules --closed
    """
    from beamkeeper.app.window_guard import section_of
    from beamkeeper.app.window_plan import plan_of
    from beamkeeper.protect.isolate import render_closed, render_open

    text = render_closed()
    peers: tuple[AllowedPeer, ...] = ()
    if not closed:
        chosen = read_site(site)
        section = section_of(chosen)
        plan = plan_of(chosen)
        assert plan is not None  # noqa: S101 - the site has a window
        text, peers = render_open(plan, lease=timedelta(seconds=section.lease_seconds)), plan.peers
    if json_:
        emit_json({"rules": text, "peers": peers})
    else:
        sys.stdout.write(text)


@app.command("pin")
def pin(site: SiteOption = None, json_: JsonOption = False) -> int:
    """Ask the name server once for every host the site file names; print the lines for /etc/hosts.

    Run it while the network is still there, compare the addresses with what their owners say, add the
    lines. Exit status: 0 every name has an address, 1 one has none.

    Example: beamkeeper window pin
    """
    from beamkeeper.app.window_pins import resolve_named

    found = resolve_named(read_site(site))
    if json_:
        emit_json({"lines": found.lines, "unknown": found.unknown})
    else:
        for line in found.lines:
            out.print(line, soft_wrap=True)
        for host in found.unknown:
            err.print(f"No address for {host}.", soft_wrap=True)
    return 1 if found.unknown else 0
