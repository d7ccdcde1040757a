"""`beamkeeper`: the command line's door. Subcommands live in their own modules and load when called."""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.markup import escape

from beamkeeper import __version__
from beamkeeper.app.cli import (
    alert,
    binder,
    changes,
    compare,
    copies,
    data,
    declare,
    deliverable,
    demo,
    desk,
    doctor,
    dossier,
    file_mode,
    follow,
    gap,
    handover,
    hour,
    incident,
    init,
    key,
    lists,
    mirrors,
    night,
    paper,
    people,
    place,
    placement,
    quorum,
    read,
    receive,
    replace,
    restore,
    retain,
    retarget,
    room,  # noqa: F401 - its commands stand under `incident`
    settle,
    source,
    status,
    triage,
    vault,
    vote,
    watch,
    web,
    window,
)
from beamkeeper.app.cli.console import err, print_error
from beamkeeper.app.cli.panels import sort_into_panels
from beamkeeper.app.sealed_data import TEMPORARY_VARIABLE
from beamkeeper.errors import BeamkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable

EXIT_INTERRUPTED = 130
"""Ctrl-C, as shells count it."""
EXIT_MISTAKE = 70
"""EX_SOFTWARE of sysexits.h."""

app = typer.Typer(
    name="beamkeeper",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    help="Keeps radiotherapy going when a hospital's systems are gone.\n\n"
    "Every night: a verified, sealed copy of everything needed to treat.\n\n"
    "Try it now, nothing needed: [bold]beamkeeper demo[/bold]. A command's own words, with an example: "
    "[bold]beamkeeper COMMAND --help[/bold]",
)

app.command("demo")(demo.command)
app.command("init")(init.command)
app.command("night")(night.command)
app.command("hour")(hour.command)
app.command("serve")(night.serve)
app.command("status")(status.command)
app.command("census")(people.census)
app.command("patients")(people.patients)
app.command("patient")(people.patient)
app.command("changes")(changes.changes)
app.command("announce")(changes.announce)
app.add_typer(vote.app, name="vote")
app.add_typer(alert.app, name="alert")
app.command("quorum")(quorum.command)
app.command("restore")(restore.command)
app.command("lists")(lists.command)
app.command("binder")(binder.command)
app.command("declare")(declare.command)
incident.app.command("key")(key.command)
incident.app.command("settle")(settle.command)
incident.app.command("replace")(replace.replace)
incident.app.command("take-back")(replace.take_back)
app.add_typer(incident.app, name="incident")
app.add_typer(triage.app, name="triage")
desk.app.command("follow")(follow.command)
app.add_typer(desk.app, name="desk")
app.add_typer(handover.app, name="handover")
app.command("receive")(receive.command)
app.add_typer(file_mode.app, name="filemode")
app.add_typer(paper.app, name="paper")
app.command("deliverable")(deliverable.command)
app.command("place")(place.command)
app.add_typer(placement.app, name="placement")
app.command("retarget")(retarget.command)
app.add_typer(vault.app, name="vault")
app.add_typer(data.app, name="data")
app.add_typer(window.app, name="window")
app.command("watch")(watch.command)
app.add_typer(web.app, name="console")
app.add_typer(mirrors.app, name="mirrors")
app.add_typer(copies.app, name="copies")
app.add_typer(retain.app, name="retain")
app.command("doctor")(doctor.command)
app.add_typer(source.app, name="source")
app.command("read")(read.command)
app.command("dossier")(dossier.command)
app.command("compare")(compare.command)
app.command("gap")(gap.command)


def _flow(commands: typer.Typer) -> None:
    """Let the help's paragraphs run on to the terminal's width: Typer keeps the line breaks of docstrings."""
    for command in commands.registered_commands:
        paragraphs = inspect.cleandoc((command.callback and command.callback.__doc__) or "").split("\n\n")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for group in commands.registered_groups:
        if group.typer_instance is not None:
            _flow(group.typer_instance)


_flow(app)
sort_into_panels(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"beamkeeper {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def keep_trace(trace: str) -> Path:
    """Write a trace for this user alone, here or in the temporary folder, to a file that is new.

    It may quote what was being read, and a link that somebody laid here must not be followed. A process that
    works on sealed data writes it among them or not at all.
    """
    sealed = os.environ.get(TEMPORARY_VARIABLE)
    for folder in (Path(sealed),) if sealed else (Path(), Path(tempfile.gettempdir())):
        try:
            handle, name = tempfile.mkstemp(prefix="beamkeeper-crash-", suffix=".txt", dir=folder)
        except OSError:
            continue
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(trace)
        return Path(name).absolute()
    if sealed:
        return Path("no file: the sealed data directory could not be written")
    sys.stderr.write(trace)
    return Path("what stands above")


@cache
def _command() -> Callable[..., int | None]:
    """Return the whole tree of commands; building it takes longer than most of them."""
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line; every error of ours ends as one plain sentence and its own exit status."""
    try:
        status = _command()(standalone_mode=False)
    except BeamkeeperError as error:
        print_error(error)
        sys.exit(error.exit_status)
    except typer.Abort:
        _leave_interrupted()
    except typer.TyperException as error:
        _print_usage_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _leave_interrupted()
    except Exception:  # noqa: BLE001 - the one place per process: say it plainly, keep the trace
        where = keep_trace(traceback.format_exc())
        err.print(
            f"[bold red]✗[/] A mistake of ours. The trace is in {where}. Nothing stored is lost: try again,"
            " and send us the trace after you have read it: it may quote a patient's data."
        )
        _leave_at_once(EXIT_MISTAKE)
    if status == EXIT_INTERRUPTED:  # how Typer hands on a Ctrl-C
        _leave_interrupted()
    sys.exit(status if isinstance(status, int) else 0)


def _print_usage_error(error: typer.TyperException) -> None:
    if not error.format_message():  # no command at all: the help was shown
        return
    err.print(f"[bold red]✗[/] {escape(error.format_message())}")
    err.print("  Add [bold]--help[/] to the command to see what it takes, with an example.")


def _leave_interrupted() -> NoReturn:
    err.print("\nStopped. Nothing stored is lost; the same command takes up where it was.")
    _leave_at_once(EXIT_INTERRUPTED)


def _leave_at_once(status: int) -> NoReturn:
    """End without waiting for other threads: every step they are in may be cut."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
