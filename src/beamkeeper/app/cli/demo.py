"""`beamkeeper demo`: two nights of a simulated department and the day it happens, on this machine only."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from beamkeeper.app.cli.console import emit_json, err, out
from beamkeeper.app.cli.night import progress_display
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock
from beamkeeper.domain.change import DOCUMENT

if TYPE_CHECKING:
    from datetime import date

    from beamkeeper.app.demo import Demo, Restored, Told
    from beamkeeper.app.demo_day import Counted
    from beamkeeper.domain.night import NightReport

FRACTIONS = "fraction delivered"


def command(
    directory: Annotated[Path, typer.Option("--dir", help="Where everything is put.")] = Path("demo"),
    patients: Annotated[int, typer.Option(min=7, max=200, help="How many invented patients.")] = 8,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew instead of going on.")] = False,
    json_: JsonOption = False,
) -> int:
    """Play two nights of a simulated department, then the day it happens, and show what comes of it.

    Starts an archive, an OIS database and a document share on loopback. Between the nights things
    happen: fractions, a replan, and one MLC leaf altered under an unchanged UID. Nothing leaves this
    machine. Ctrl-C is fine: the same command goes on where it was.

    Example: beamkeeper demo --dir /tmp/demo
    """
    from beamkeeper.app.demo import Demo, clear

    begun = time.monotonic()
    if fresh:
        clear(directory)
    story = _Story(quiet=json_)
    story.title("Beamkeeper · a simulated department on this machine; nothing leaves it")
    with Demo(directory, now=SystemClock().now(), patients=patients) as demo:
        played = _play(demo, story)
    if json_:
        emit_json(
            {
                "as_it_should": played.is_good,
                "told": played.told,
                "restored": played.restored,
                "counted": played.counted,
                "report": played.report,
            }
        )
    else:
        _next(demo, time.monotonic() - begun)
    return 0 if played.is_good else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    told: tuple[Told, ...]
    restored: tuple[Restored, ...]
    counted: Counted
    report: NightReport

    @property
    def is_good(self) -> bool:
        return (
            all(item.as_it_should for item in self.told)
            and all(item.skipped or item.equal_count == item.object_count for item in self.restored)
            and not self.counted.wrong
        )


def _play(demo: Demo, story: _Story) -> _Played:
    people = demo.department.patients
    story.chapter(1, "The department")
    story.line(
        f"{len(people)} patients ({sum(p.is_real for p in people)} published phantom cases), archive"
        f" {demo.department.archive_ae} on {demo.department.host}:{demo.department.port},"
        " a database with ARIA's tables, a share with documents"
    )
    demo.make_site()
    story.line("keys made; the recovery key exists as five cards of words, any three open the vault")
    story.chapter(2, "Night 1: everybody is found, collected, sealed")
    first = _night(demo, demo.first_night, story)
    story.chapter(3, "The day between")
    events = demo.day_between()
    fractions = [event for event in events if event.kind.value == FRACTIONS]
    story.line(f"{len(fractions)} fractions are delivered, each with its treatment records")
    for event in events:
        if event not in fractions:
            story.line(event.text)
    story.chapter(4, "Night 2: what the report says of it")
    report = _night(demo, demo.second_night, story)
    told = demo.told(events, report)
    story.told(told)
    story.chapter(5, "One patient comes back from the vault")
    patient_id = next(event.patient_id for event in events if event.leaf is not None)
    restored = demo.restore(patient_id)
    for item in restored:
        story.restored(item)
    story.chapter(6, "What people read when everything else is gone")
    listed = demo.lists()
    story.line(f"triage list, contact list and day schedule of {listed} patients; one dossier each")
    demo.dossier(patient_id)
    story.line("the dossier of that patient, with pictures, from the sealed copy alone")
    assert first.patients  # noqa: S101 - a night without patients raises long before
    return _Played(told=told, restored=restored, counted=_day(demo, story), report=report)


def _day(demo: Demo, story: _Story) -> Counted:
    story.chapter(7, "The day it happens: the department is gone, a disk and three cards are left")
    day, opened = demo.day()
    numbers = day.declare(opened).numbers
    story.line(
        f"declare: {numbers.on_treatment} on treatment, {numbers.ready} ready to start;"
        f" {numbers.possibly_delivered} possibly treated since the copy was made: ask each"
    )
    counted = day.counted(demo.department.state)
    story.line(
        f"{counted.as_given} positions as they were truly given, {counted.asked} that only people can settle,"
        f" {len(counted.wrong)} wrong",
        _sign(not counted.wrong),
    )
    ranked = day.order()
    levels = Counter(one.level.word for one in ranked)
    words = ", ".join(f"{count} of level {word}" for word, count in sorted(levels.items()))
    story.line(f"triage: {len(ranked)} in order, each with its reason: {words}")
    version = day.places()
    sites = Counter(one.site or "no place" for one in version.placed)
    words = ", ".join(f"{count} {name}" for name, count in sites.most_common())
    story.line(f"placement: {words}; {len(version.left_out)} left out, each with the reason")
    return counted


def _night(demo: Demo, run_on: date, story: _Story) -> NightReport:
    begun = time.monotonic()
    with progress_display(quiet=story.quiet) as listener:
        report = demo.night(run_on, listener)
    whole = sum(patient.is_whole for patient in report.patients)
    compared = [item for patient in report.patients for item in patient.comparisons if item.kind != DOCUMENT]
    counts = Counter(item.grade.value for item in compared)
    identical = sum(patient.identical_count for patient in report.patients)
    documents = sum(patient.document_count for patient in report.patients)
    parts = [f"{identical} identical"] * bool(identical)
    parts += [f"{count} {grade.replace('_', '-')}" for grade, count in sorted(counts.items())]
    story.line(
        f"{whole} of {len(report.patients)} patients kept whole, with {documents} documents;"
        f" objects: {', '.join(parts)} ({time.monotonic() - begun:.1f} s)"
    )
    return report


class _Story:
    """Prints the demonstration as a story; silent when JSON is wanted."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet

    def title(self, text: str) -> None:
        if not self.quiet:
            out.print(f"\n[bold]{text}[/]")

    def chapter(self, number: int, text: str) -> None:
        if not self.quiet:
            out.print(f"\n[bold cyan]{number}[/] [bold]{text}[/]")

    def line(self, text: str, sign: str = "·") -> None:
        if not self.quiet:
            out.print(_hanging(sign, text))

    def told(self, told: tuple[Told, ...]) -> None:
        """Show one line for each kind of event: what was done, what the report says, is it right."""
        fractions = [item for item in told if item.event.kind.value == FRACTIONS]
        right = sum(item.as_it_should for item in fractions)
        self.line(f"{right} of {len(fractions)} fractions: new, expected", _sign(right == len(fractions)))
        for item in told:
            if item not in fractions:
                self.line(f"{item.event.kind.value} → {item.said or 'NOTHING'}", _sign(item.as_it_should))
        for item in fractions:
            if not item.as_it_should:
                self.line(f"{item.event.text} → {item.said or 'NOTHING'}", _sign(good=False))

    def restored(self, item: Restored) -> None:
        if item.skipped:
            self.line(f"{item.how}: {item.skipped}", "?")
            return
        good = item.equal_count == item.object_count
        counts = f"{item.equal_count} of {item.object_count}"
        text = f"{item.how}: {counts} objects equal the archive's, byte for byte"
        self.line(text, _sign(good))


def _sign(good: bool) -> str:
    return "✓" if good else "✗"


def _hanging(sign: str, text: str, width: int = 78) -> Text:
    import textwrap

    lines = textwrap.wrap(text, width - 4, break_long_words=False) or [""]
    return Text("\n".join([f"  {sign} {lines[0]}", *(f"    {line}" for line in lines[1:])]))


def _next(demo: Demo, seconds: float) -> None:
    from beamkeeper.app.demo import ZONE_NAME

    folder = demo.site.night_dir(demo.second_night)
    out.print(f"\n[bold]Done in {seconds:.0f} s.[/] Look at:")
    out.print(f"  report, with names    {folder / 'report.html'}", soft_wrap=True)
    out.print(f"  report, as text       {folder / 'report.txt'}", soft_wrap=True)
    out.print(f"  triage list           {demo.lists_dir / 'triage-list.pdf'}", soft_wrap=True)
    out.print(f"  dossier of a patient  {demo.dossier_file}", soft_wrap=True)
    out.print(f"  vault                 {demo.site.vault.directory}", soft_wrap=True)
    out.print(f"  first hour, to print  {demo.incident_dir / 'incident.pdf'}", soft_wrap=True)
    out.print(f"  who first, and why    {demo.incident_dir / 'triage' / 'order.pdf'}", soft_wrap=True)
    out.print(f"  five cards of words   {demo.cards_file}", soft_wrap=True)
    out.print("Try next:")
    for verb in ("status", "patients", "changes", "source check aria", "vault verify --open"):
        out.print(f"  beamkeeper {verb} --site {demo.site_file}", soft_wrap=True)
    for verb in ("incident room", "triage show --all", "placement show --all"):
        out.print(f"  beamkeeper {verb} --incident {demo.incident_dir}", soft_wrap=True)
    out.print("Play the day, from the disk and three of the cards (docs/runbooks/the-day-it-happens.md):")
    out.print(
        f"  beamkeeper declare --vault {demo.usb_dir} --words --zone {ZONE_NAME} --out incident",
        soft_wrap=True,
    )
    err.print("  (in a checkout: ./dev run instead of beamkeeper)")
