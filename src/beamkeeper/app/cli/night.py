"""`beamkeeper night`: run tonight's night now; `beamkeeper serve`: run it every night."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from beamkeeper.app.cli.console import emit_json, err, out, print_error
from beamkeeper.app.cli.options import JsonOption, SiteOption, open_site
from beamkeeper.clock import SystemClock, local_date
from beamkeeper.domain.night import NightOutcome
from beamkeeper.errors import BeamkeeperError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beamkeeper.app.jobs.progress import Event, Listener
    from beamkeeper.app.site import Site
    from beamkeeper.clock import Clock
    from beamkeeper.domain.night import NightReport
    from beamkeeper.protect.copies import CopyOutcome
    from beamkeeper.protect.mirror import Outcome

EXIT_OF: dict[NightOutcome, int] = {
    NightOutcome.COMPLETE: 0,
    NightOutcome.INCOMPLETE: 3,
    NightOutcome.STOPPED: 42,
    NightOutcome.RUNNING: 40,
}


def command(
    site: SiteOption = None,
    folder: Annotated[
        Path | None, typer.Option(help="Take a folder of DICOM files as the source; no site file needed.")
    ] = None,
    data: Annotated[Path, typer.Option(help="With --folder: where keys, vault and ledger are kept.")] = Path(
        "beamkeeper-data"
    ),
    on: Annotated[str | None, typer.Option(metavar="DATE", help="The local date; today by default.")] = None,
    despite_alarm: Annotated[
        str, typer.Option(metavar="REASON", help="Seal although a mass change was found, and say why.")
    ] = "",
    no_mirrors: Annotated[
        bool, typer.Option("--no-mirrors", help="Leave mirrors and plain copies as they are.")
    ] = False,
    json_: JsonOption = False,
) -> int:
    """Run one night now: list, collect, compare, seal, publish, report; then mirrors and plain copies.

    A mirror or store that fails does not fail the night. Where people confirm nights, what this one gives
    them to confirm, or that it gives nothing, is signed into the vault. Safe to interrupt and to repeat: the
    same date takes up where it was. Exit status: 0 everything is kept, 3 something named in the report is
    not, 42 stopped by a mass change, others: see the runbook "a night failed".

    Example: beamkeeper night --folder ~/exports
    """
    from beamkeeper.app.jobs.running import run_night

    day = parse_day(on) if on else None
    chosen = _folder_site(folder, data) if folder else open_site(site, with_key=True)
    clock = SystemClock()
    run_on = day or local_date(clock.now(), chosen.zone)
    with progress_display(quiet=json_) as listener:
        report = run_night(chosen, clock, run_on, listener=listener, despite_alarm=despite_alarm)
    if not json_:
        show(chosen, report)
    _sign_votes(chosen, clock)
    outcomes = _mirror(chosen, clock, quiet=json_) if chosen.mirrors and not no_mirrors else []
    plain = _copy(chosen, clock, quiet=json_) if chosen.copies and not no_mirrors else []
    if json_:
        emit_json({"outcome": report.outcome, "report": report, "mirrors": outcomes, "copies": plain})
    return EXIT_OF[report.outcome]


def _sign_votes(site: Site, clock: Clock) -> None:
    """Sign into the vault what this night gives to confirm, before any copy of it is made.

    A site without `serve` has nobody else who does. A night that asks nobody is then known to be quiet; one
    that waits for people is known to wait.
    """
    from beamkeeper.app.jobs.runtime import open_ledger
    from beamkeeper.app.jobs.signed_votes import sign_reports

    if site.quorum is None:
        return
    try:
        sign_reports(site, open_ledger(site), clock)
    except BeamkeeperError as error:
        print_error(error)


def _mirror(site: Site, clock: Clock, *, quiet: bool) -> list[Outcome]:
    """Bring the mirrors up to date; the night is over, and nothing that goes wrong here changes that."""
    from beamkeeper.app.cli.mirrors import tell
    from beamkeeper.app.jobs.mirroring import run_mirrors

    outcomes = []
    try:
        for outcome in run_mirrors(site, clock, site.mirrors):
            outcomes.append(outcome)
            if not quiet:
                tell(outcome)
    except BeamkeeperError as error:
        print_error(error)
    return outcomes


def _copy(site: Site, clock: Clock, *, quiet: bool) -> list[CopyOutcome]:
    """Bring the stores of plain DICOM up to date, in the same spirit."""
    from beamkeeper.app.cli.copies import tell
    from beamkeeper.app.jobs.copying import run_copies

    outcomes = []
    try:
        for outcome in run_copies(site, clock, site.copies):
            outcomes.append(outcome)
            if not quiet:
                tell(outcome)
    except BeamkeeperError as error:
        print_error(error)
    return outcomes


def serve(site: SiteOption = None) -> None:
    """Do every duty of the site file at its hour, until stopped: first of all the night.

    Example: beamkeeper serve --site /etc/beamkeeper/site.toml
    """
    import threading

    from beamkeeper.app.jobs.duties import duties_of
    from beamkeeper.app.jobs.serving import Tellers
    from beamkeeper.app.jobs.serving import serve as attend

    chosen = open_site(site, with_key=True)
    duties = duties_of(chosen)
    names = ", ".join(duty.name for duty in duties)
    err.print(f"Serving {names}; the night at {chosen.night.starts_at:%H:%M} ({chosen.site.time_zone}).")
    tell = Tellers(done=lambda name, line: err.print(f"{name} {line}"), failed=_failed)
    attend(duties, SystemClock(), tell, threading.Event())


def _failed(name: str, error: BeamkeeperError) -> None:
    err.print(f"{name} failed:")
    print_error(error)


def parse_day(text: str) -> date:
    """Return the day a person typed; ConfigError when it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no date.", do_next="Write it like 2026-03-02.") from error


def _folder_site(folder: Path, data: Path) -> Site:
    from beamkeeper.app.folder_site import folder_site

    made = folder_site(folder, data, SystemClock())
    if made.new is not None:
        from beamkeeper.app.cli.init import show_recovery

        # On standard error whatever it is connected to: it exists nowhere else.
        show_recovery(made.new, err)
    return made.site


@contextmanager
def progress_display(*, quiet: bool = False) -> Iterator[Listener]:
    """Yield a listener that shows a job's progress: bars on a terminal, plain lines elsewhere."""
    if quiet:
        yield lambda _event: None
    elif not err.is_terminal:
        yield _plain_lines
    else:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=err, transient=True) as bars:
            yield _Bars(bars)


_SAY = {
    "census": "who is on the list",
    "documents": "fetch the documents",
    "judge": "is it plausible",
    "publish": "sign the night",
    "report": "write the report",
}


def _plain_lines(event: Event) -> None:
    if event.phase == "begin" and event.step in _SAY:
        err.print(f"· {_SAY[event.step]}")
    elif event.step in {"look", "seal"} and event.phase == "done":
        err.print(
            f"  {'collected and compared' if event.step == 'look' else 'sealed'} {event.pseudonym[:10]}"
        )


class _Bars:
    """One bar for looking, one for sealing; the step's name while neither runs."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._patients = 0
        self._tasks = {
            step: bars.add_task(text, total=None, visible=False)
            for step, text in (("look", "collect and compare"), ("seal", "seal and read back"))
        }

    def __call__(self, event: Event) -> None:
        if event.step == "census" and event.phase == "done":
            for task in self._tasks.values():
                self._bars.update(task, total=event.total)
        elif event.step in self._tasks and event.phase == "done":
            self._bars.update(self._tasks[event.step], visible=True, advance=1)
        elif event.step in _SAY and event.phase == "begin":
            self._bars.console.print(f"· {_SAY[event.step]}")


def show(site: Site, report: NightReport) -> None:
    """Print the verdict and where to read more."""
    from beamkeeper.protect.report import render_text

    out.print(render_text(report), markup=False, soft_wrap=True)
    folder = site.night_dir(report.run_on)
    out.print(f"Page with names, opens offline:  {folder / 'report.html'}", soft_wrap=True)
    out.print(f"The same as text for mail:       {folder / 'report.txt'}", soft_wrap=True)
