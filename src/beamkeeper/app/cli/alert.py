"""`beamkeeper alert`: see whether calling people works."""

from __future__ import annotations

from typing import Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="Call people, to see that it works.")

EXIT_FAILED = 10


@app.command("test")
def try_channels_now(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="Only this channel; may be repeated.")
    ] = None,
    site: SiteOption = None,
    json_: JsonOption = False,
) -> int:
    """Send a test through every alert channel of the site file, and look into the mailbox for answers.

    People really get it: tell them first. Exit status: 0 everything took it, 10 something did not.

    Example: beamkeeper alert test
    """
    from beamkeeper.app.jobs.alert_test import MAILBOX, try_channels

    chosen = open_site(site)
    names = [alert.name for alert in chosen.alerts]
    if unknown := sorted(set(only or ()) - set(names)):
        raise ConfigError(
            f"There is no alert channel {', '.join(unknown)}.",
            do_next=f"There are: {', '.join(names) or 'none'}.",
        )
    if not names:
        raise ConfigError(
            "The site file names no alert channel.",
            do_next="Write [[alerts]] into it: see docs/guide/two-people-confirm.md.",
        )
    tried = try_channels(chosen, SystemClock(), only=frozenset(only) if only else None)
    if json_:
        emit_json({"channels": [{"name": name, "works": not why, "why": why} for name, why in tried.items()]})
    else:
        for name, why in tried.items():
            what = "the mailbox for answers" if name == MAILBOX else name
            print_wrapped(f"✗ {what}: {why}" if why else f"✓ {what}")
        out.print("Did people get it? Only they can tell.")
    return EXIT_FAILED if any(tried.values()) else 0
