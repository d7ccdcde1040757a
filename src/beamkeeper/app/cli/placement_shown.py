"""What the commands of `beamkeeper placement` print: drafts, versions, moves and their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from beamkeeper.app.jobs.placing import At
    from beamkeeper.app.jobs.placing_folder import PlacementFolder
    from beamkeeper.respond.placement import Move, Version
    from beamkeeper.respond.placement.drafting import Draft, LeftOut

EXIT_REFUSED = 3
SHOWN = 30
LEFT_OUT_SHOWN = 10


def names_of(made: Draft) -> dict[str, str]:
    """Return the names of a draft's patients, by pseudonym."""
    return {one.id: one.name for one in made.patients} | {one.id: one.name for one in made.left_out}


def show_draft(made: Draft) -> None:
    """Print which machines could give whose plans."""
    from beamkeeper.app.jobs.placing_gaps import is_not_used

    not_used = (f"{one.name}: {said}" for one in made.patients for said in one.notes if is_not_used(said))
    for text in (*made.notes, *not_used):
        print_wrapped(f"▲ {text}")
    table = Table(box=None, pad_edge=False)
    for title in ("patient", "A", "B", "C", "not there"):
        table.add_column(title, overflow="fold")
    for one in made.patients[:SHOWN]:
        by_class = (
            "".join(f"{fit.machine} " for fit in one.fits if fit.delivery_class == kind) for kind in "ABCD"
        )
        table.add_row(*map(escape, (one.name, *by_class)))
    out.print(table)
    _more(len(made.patients), SHOWN)
    for one in made.patients:
        if all(fit.delivery_class == "D" for fit in one.fits):
            why = (
                "; ".join(f"{fit.machine}: {fit.reason.rstrip('.')}" for fit in one.fits)
                or "no machine is listed"
            )
            print_wrapped(f"✗ {one.name} has no machine: {why}")
    _show_left_out(made.left_out, everybody=False)


def show_outdated(made: Draft, number: int, patients: Collection[str]) -> None:
    """Name the patients of a draft whose plan is another one since it was made."""
    if patients:
        names = names_of(made)
        print_wrapped(
            f"▲ Which plan holds was said after draft {number} was made, of "
            f"{'; '.join(sorted(names.get(one, one) for one in patients))}. Draft and solve again."
        )


def _show_left_out(left_out: tuple[LeftOut, ...], *, everybody: bool) -> None:
    if left_out:
        print_wrapped(f"For {len(left_out)} of them no place is looked for:")
    for gone in left_out if everybody else left_out[:LEFT_OUT_SHOWN]:
        print_wrapped(f"– {gone.name}: {gone.reason}. Would help: {gone.would_help}.")
    if not everybody:
        _more(len(left_out), LEFT_OUT_SHOWN)


def _more(count: int, shown: int) -> None:
    if count > shown:
        out.print(f"      and {count - shown} more; the pages and --json have all")


def show_version(
    opened: PlacementFolder, version: Version, before: Version | None, *, everybody: bool, json_: bool
) -> int:
    """Print a version and what differs from the one before; return the exit status."""
    from beamkeeper.app.jobs.placing import print_pages, words
    from beamkeeper.respond.placement import DECIDES_WHERE, differences

    changed = differences(before, version) if before else ()
    made, _ = opened.draft(opened.standing(), version.draft)
    status = 0 if all(one.machine for one in version.placed) and not version.left_out else EXIT_REFUSED
    place = f"{opened.incident.path}/placement/version-{version.number}"
    print_pages(opened, version.number)
    outdated = opened.outdated(version.draft)
    if json_:
        facts: dict[str, object] = {"version": version, "outdated": sorted(outdated), "gap": version.gap}
        emit_json(facts | {"changed": changed, "folder": place, "decides": DECIDES_WHERE})
        return status
    names = names_of(made)
    show_outdated(made, version.draft, outdated)
    for text in version.notes:
        print_wrapped(f"▲ {text}")
    print_wrapped(f"Version {version.number} of draft {version.draft}, {version.made}. {words(version)}")
    table = Table(box=None, pad_edge=False)
    for title in ("patient", "machine", "from", "class", "waits", "loss %"):
        table.add_column(title, overflow="fold")
    placed = [one for one in version.placed if one.machine]
    for one in placed if everybody else placed[:SHOWN]:
        table.add_row(
            escape(names[one.patient]),
            escape(one.machine),
            _day(one.first_on),
            one.delivery_class,
            f"{one.waited_days} d",
            f"{one.loss:.1f}",
        )
    out.print(table)
    if not everybody:
        _more(len(placed), SHOWN)
    for one in version.placed:
        if not one.machine:
            print_wrapped(f"✗ {names[one.patient]} has no place: {one.reason}. Would help: {one.would_help}.")
    _show_left_out(version.left_out, everybody=everybody)
    if before is not None:
        print_wrapped(f"{len(changed)} places differ from version {before.number}.")
        for diff in changed[:SHOWN]:
            was, now = (
                _place(diff.machine_before, diff.first_before),
                _place(diff.machine_after, diff.first_after),
            )
            print_wrapped(f"  {names.get(diff.patient, diff.patient)}: {was} → {now}")
    out.print(f"Print: {place}/patients.pdf, sites.pdf, days.pdf", soft_wrap=True, markup=False)
    print_wrapped(DECIDES_WHERE)
    return status


def _place(machine: str, first_on: date | None) -> str:
    return f"{machine} from {_day(first_on)}" if machine else "no place"


def _day(on: date | None) -> str:
    return "–" if on is None else f"{on:%a %Y-%m-%d}"


def is_taken(at: At, move: Move, *, yes: bool, json_: bool) -> bool:
    """Ask whether a move is taken, its price shown."""
    if json_ and yes:
        return True
    if json_:
        raise ConfigError(
            "With --json nobody can be asked.", do_next="Give --price to see it, --yes to take it."
        )
    _say_move(at, move)
    return yes or typer.confirm("Take it?", err=True)


def show_move(at: At, move: Move, *, json_: bool) -> int:
    """Print what a move would cost, or why it cannot be made; return the exit status."""
    if json_:
        emit_json(_plain(move))
    elif move.refusal:
        print_wrapped(f"✗ That cannot be done: {move.refusal}.")
    else:
        _say_move(at, move)
        out.print("Nothing was changed.")
    return EXIT_REFUSED if move.refusal else 0


def _say_move(at: At, move: Move) -> None:
    names = names_of(at.draft)
    better = "better" if move.price < 0 else "worse"
    print_wrapped(
        f"{names[move.patient]} to {_place(*move.wanted)}: the whole placement becomes {abs(move.price):.2f} "
        f"percent points {better}, {move.lost:+.2f} of it lost tumour control."
    )
    for one in move.moved:
        told = "; was told of a place: call" if one.was_told and one.patient != move.patient else ""
        print_wrapped(
            f"  {names[one.patient]}: {_place(*one.before)} → {_place(*one.after)} ({one.lost:+.2f}){told}"
        )
    for text in move.remarks:
        print_wrapped(f"  ▲ {text}.")


def show_done(opened: PlacementFolder, move: Move, version: Version, *, json_: bool) -> int:
    """Print that a move stands; return the exit status."""
    from beamkeeper.app.jobs.placing import print_pages

    print_pages(opened, version.number)
    if json_:
        emit_json({"version": version.number, **_plain(move)})
    else:
        print_wrapped(f"✓ version {version.number}: in the journal. `placement solve` looks for better.")
    return 0


def _plain(move: Move) -> dict[str, object]:
    from beamkeeper.respond.placement import DECIDES_WHERE

    return {
        "patient": move.patient,
        "machine": move.wanted[0],
        "first_on": move.wanted[1],
        "refusal": move.refusal,
        "price": move.price,
        "lost": move.lost,
        "moved": move.moved,
        "remarks": move.remarks,
        "decides": DECIDES_WHERE,
    }
