"""`beamkeeper triage`: who first, why, and what a capacity means; a physician's word stands above it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.declare import ByOption, who
from beamkeeper.app.cli.incident import FolderOption, pseudonym_of
from beamkeeper.app.cli.night import parse_day
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock
from beamkeeper.domain.words import plural
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beamkeeper.respond.triage import CutState, Ranked

SHOWN = 15
app = typer.Typer(no_args_is_help=True, help="Who first, and why; what a capacity means.")

PlacesOption = Annotated[
    int | None, typer.Option("--places", min=0, max=100_000, help="Patients a day that can be treated.")
]
PercentOption = Annotated[
    float | None,
    typer.Option("--percent", min=0, max=1000, help="Share of normal capacity: codes that need more wait."),
]


@app.command("show")
def show(
    folder: FolderOption,
    places: PlacesOption = None,
    percent: PercentOption = None,
    was: Annotated[
        int | None,
        typer.Option("--was", min=0, max=100_000, help="Places before: who gains, who loses, by name."),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", metavar="FILE", help="The department's own rules, from now on."),
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Print every row, not the first only.")] = False,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Put everybody in order by the rules, and write it for printing: triage/order.pdf, .html, .txt.

    Each patient has a level with its rule, and a sentence that says why before the next. What nobody knows is
    asked, and never counts as no. With --places the line is drawn; --percent lets codes wait whose share of
    normal capacity is not there; --was names who falls below the line, or rises above it, by another number.

    Exit status: 0 everybody has a level, 3 somebody needs a physician to say it.

    Example: beamkeeper triage show --places 40 --percent 20 --incident incident
    """
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.plans_that_hold import with_plans_that_hold
    from beamkeeper.app.jobs.triage import counted, order_of, take_rules, write_order
    from beamkeeper.respond.triage import Capacity, changed, cut, shares_said

    opened, now = IncidentFolder.open(folder), SystemClock().now()
    if rules is not None:
        take_rules(opened, rules, by=who(by), now=now)
    if places is None and (percent is not None or was is not None):
        raise ConfigError(
            "--percent and --was need --places.",
            do_next="Say how many patients a day there are places for.",
        )
    inventory = with_plans_that_hold(opened.inventory(), opened.journal.rows())
    chosen, ranked = order_of(opened, inventory, now)
    capacity = None if places is None else Capacity(places=places, percent=percent)
    states = cut(ranked, chosen, capacity) if capacity else ()
    before = () if was is None else cut(ranked, chosen, Capacity(places=was, percent=percent))
    files = write_order(opened, inventory, chosen, ranked, states, capacity=capacity, now=now)
    if json_:
        emit_json(
            {
                "rules": chosen,
                "capacity": capacity,
                "ranked": ranked,
                "cut": states,
                "changed": changed(ranked, before, states) if before else (),
                "files": files,
            }
        )
    else:
        print_wrapped(counted(ranked))
        _show(ranked, states, everybody=everybody)
        if was is not None:
            _show_changes(ranked, before, states)
        out.print(f"Print: {opened.path}/{files[0]}", soft_wrap=True, markup=False)
        print_wrapped(shares_said(chosen))
        print_wrapped("Decision support: a physician decides who is treated first.")
    return 3 if any(one.level.number is None for one in ranked) else 0


@app.command("say")
def say(
    folder: FolderOption,
    patient: Annotated[str, typer.Argument(metavar="PATIENT", help="Patient ID or pseudonym.")],
    about: Annotated[str, typer.Argument(metavar="FACT", help="level, or a fact: within_hours.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="yes, no, unknown, a number, a word.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in your words; it is printed.")],
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Say what is true of a patient, or the level itself: it stands in the journal with your name and reason.

    Example: beamkeeper triage say 0012345 level 1 --reason "cisplatin" --by "Dr. Peeters" --incident incident
    """
    from beamkeeper.app.jobs.incident_acts import state
    from beamkeeper.app.jobs.incident_folder import IncidentFolder

    opened, actor, now = IncidentFolder.open(folder), who(by), SystemClock().now()
    name = pseudonym_of(opened, patient)
    state(opened, name, about, value, reason=reason, by=actor, at=now)
    if json_:
        emit_json({"pseudonym": name, "about": about, "value": value, "by": actor, "at": now})
    else:
        out.print(f"✓ {about} = {value}, by {actor}: in the journal", soft_wrap=True, markup=False)
    return 0


@app.command("days")
def days(
    folder: FolderOption,
    site: Annotated[
        Path | None, typer.Option("--site", metavar="FILE", help="Take them from [gap] of this site file.")
    ] = None,
    holiday: Annotated[
        list[str] | None, typer.Option("--holiday", metavar="DATE", help="Nobody is treated; again for more.")
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", metavar="DATE", help="The machines were not there; again for more."),
    ] = None,
    by: ByOption = None,
    json_: JsonOption = False,
) -> int:
    """Say on which days the department treats: gaps in the order are counted by them from now on.

    A course is planned around public holidays, which are no gap, and not around days without machine. The
    last word counts, whole: name all days again. Without any the order counts Monday to Friday, and says so.

    Example: beamkeeper triage days --holiday 2026-12-25 --holiday 2027-01-01 --incident incident
    """
    from dataclasses import replace

    from beamkeeper.app.gap_days import calendar_of
    from beamkeeper.app.jobs.incident_folder import IncidentFolder
    from beamkeeper.app.jobs.treatment_days import say_days
    from beamkeeper.app.site import load_site
    from beamkeeper.respond.gap.calendar_days import Calendar

    opened, actor = IncidentFolder.open(folder), who(by)
    known = Calendar() if site is None else calendar_of(load_site(site).gap)
    told = replace(
        known,
        holidays=known.holidays | frozenset(map(parse_day, holiday or ())),
        service=known.service | frozenset(map(parse_day, service or ())),
    )
    row = say_days(opened, told, by=actor, at=SystemClock().now())
    if json_:
        emit_json(row)
    else:
        out.print(f"✓ {row.details['said']}, by {actor}: in the journal", soft_wrap=True, markup=False)
    return 0


def _gap_words(one: Ranked) -> tuple[str, ...]:
    gap, good = one.facts.gap_days, one.compensable_days
    if not gap:
        return ()
    made_good = "" if good is None else f", {good} can be made good"
    return (f"{plural(gap, 'day')} of gap ({one.facts.holidays}){made_good}",)


def _show_changes(ranked: Sequence[Ranked], before: Sequence[CutState], after: Sequence[CutState]) -> None:
    """Name whose place changes with the number of places."""
    from beamkeeper.respond.triage import CutState, changed

    found = changed(ranked, before, after)
    print_wrapped(f"{plural(len(found), 'patient')} would stand otherwise with the places of before:")
    for one, old, new in found:
        mark = "+" if new is CutState.TREATED else "−"
        print_wrapped(f"  {mark} {one.rank}. {one.facts.name}: {new.value}; before: {old.value}")


def _show(ranked: Sequence[Ranked], states: Sequence[CutState], *, everybody: bool) -> None:
    shown = ranked if everybody else ranked[:SHOWN]
    last: CutState | None = None
    for number, one in enumerate(shown):
        state = states[number] if states else None
        if state is not last and state is not None:
            out.print(f"── {state.value}", markup=False)
        last = state
        mark = " ▲" if one.level.questions or one.facts.in_doubt or one.level.overridden else ""
        print_wrapped(f"{one.rank:4}. level {one.level.word}{mark}  {one.facts.name}: {one.level.reason}")
        print_wrapped(f"      {'; '.join((*one.said_facts, *_gap_words(one)))}")
    if len(ranked) > len(shown):
        out.print(f"      and {len(ranked) - len(shown)} more; --all shows them")
