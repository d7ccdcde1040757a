"""Running the watchdog: the plan from the site file, the socket, the signals; root and nobody else."""

from __future__ import annotations

import os
import pwd
import signal
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

from beamkeeper.app.window_plan import plan_of, user_id
from beamkeeper.errors import ConfigError, WindowUnavailable
from beamkeeper.protect.isolate.guard import Guard, listen
from beamkeeper.protect.isolate.kernel import Kernel
from beamkeeper.protect.isolate.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beamkeeper.app.site import Site
    from beamkeeper.app.site_window import WindowSection
    from beamkeeper.clock import Clock

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def guard_window(site: Site, site_file: Path, clock: Clock, log: Callable[[str], None]) -> None:
    """Keep the window of a site until SIGTERM or SIGINT; it is shut before this returns.

    Raises
    ------
    ConfigError
        The site has no window, or somebody else than root could change what it says.
    WindowUnavailable
        Not root, or the kernel did not shut the window at the start.
    """
    section = section_of(site)
    verify_root()
    for path in (site_file, section.hosts_file):
        verify_only_root_writes(path)
    window, lease = window_of(site), timedelta(seconds=section.lease_seconds)
    plan = plan_of(site)
    assert plan is not None  # noqa: S101 - the site has a window
    section.socket.parent.mkdir(mode=0o755, exist_ok=True)
    guard = Guard(
        plan,
        window,
        listen(str(section.socket), gid=pwd.getpwnam(section.worker).pw_gid),
        allowed_uids=frozenset({user_id(section.worker)}),
        clock=clock,
        lease=lease,
        log=log,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: guard.stop())
    guard.run()


def window_of(site: Site) -> Window:
    """Return the window itself, for root."""
    plan = plan_of(site)
    section = section_of(site)
    assert plan is not None  # noqa: S101 - the site has a window
    return Window(plan, Kernel(), lease=timedelta(seconds=section.lease_seconds))


def section_of(site: Site) -> WindowSection:
    """Return the `[window]` section; ConfigError when there is none."""
    if site.window is None:
        raise ConfigError(
            "This site file has no [window]: the collector has no air gap of its own.",
            do_next="See docs/guide/air-gap.md for the lines to add.",
        )
    return site.window


def verify_root() -> None:
    """Raise WindowUnavailable unless this process is root."""
    if os.geteuid() != 0:
        raise WindowUnavailable(
            "Only root may open and shut the network.", do_next="Let systemd run it, or use sudo."
        )


def verify_only_root_writes(path: Path) -> None:
    """Raise ConfigError when anybody but root could change this file, or put another in its place."""
    for place in (path.resolve(), path.resolve().parent):
        try:
            found = place.stat()
        except OSError as error:
            raise ConfigError(f"{place} cannot be looked at: {error.strerror}.") from error
        if found.st_uid != 0 or found.st_mode & WRITABLE_BY_OTHERS:
            raise ConfigError(
                f"{place} says who may speak with the collector, and others than root may change it.",
                do_next=f"chown root {place} && chmod go-w {place}",
            )
