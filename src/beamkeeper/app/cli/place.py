"""`beamkeeper place`: who goes where and from when, computed from one file, without site or vault."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption, SolverOption
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.respond.placement import Instance, Placement

EXIT_REFUSED = 3


def command(
    instance: Annotated[Path, typer.Argument(metavar="INSTANCE", help="The instance: TOML, or JSON.")],
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, max=86_400, help="Longest time to look for better.")
    ] = 60.0,
    solver: SolverOption = "highs",
    json_: JsonOption = False,
) -> int:
    """Place every patient of an instance on a machine from a day on, or say why not and what would change it.

    The objective is published: least lost tumour control by category, then waiting by priority, travel,
    changes of what was announced. With the placement comes a bound that none can beat. Needs neither site nor
    vault.

    Exit status: 0 everybody has a place, 3 somebody has none; 2 the instance is wrong, and where.

    Example: beamkeeper place instance.toml --json
    """
    from beamkeeper.respond.placement import read_instance, solve
    from beamkeeper.respond.placement.instance import BYTES_MAX
    from beamkeeper.respond.placement.program import solver_named

    chosen = solver_named(solver)
    try:
        with instance.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(
            f"{instance.name or instance} cannot be read: {error.strerror}.", do_next="Check the path."
        ) from error
    read = read_instance(data, is_json=instance.suffix.lower() == ".json")
    found = solve(read, seconds=seconds, solver=chosen)
    if json_:
        emit_json(_plain(read, found))
    else:
        _show(read, found)
    return 0 if all(one.machine for one in found.placed) else EXIT_REFUSED


def _plain(instance: Instance, found: Placement) -> dict[str, object]:
    from beamkeeper.respond.placement.solving import DECIDES, WORDS

    return {
        "format": "beamkeeper-placement",
        "version": 1,
        "objective": WORDS,
        "weights": instance.weights.model_dump(),
        "cost": found.cost,
        "bound": found.bound,
        "gap": found.gap,
        "seconds": found.seconds,
        "is_complete": found.is_complete,
        "announced": found.announced,
        "placed": found.placed,
        "decides": DECIDES,
    }


def _show(instance: Instance, found: Placement) -> None:
    from beamkeeper.respond.placement.solving import DECIDES, WORDS

    placed = [one for one in found.placed if one.machine]
    lost = sum(one.loss for one in found.placed)
    best = "How far it is from the best is not proved."
    if found.gap is not None:
        best = f"At most {100 * found.gap:.1f} % above the best there can be."
    print_wrapped(
        f"{len(placed)} of {len(found.placed)} patients placed; {lost:.1f} percent points of tumour control "
        f"lost together. {best}"
    )
    if not found.is_complete:
        print_wrapped("▲ The time was over: with more --seconds it may become better.")
    table = Table(box=None, pad_edge=False)
    for title in ("patient", "machine", "from", "class", "waits", "loss %"):
        table.add_column(title, overflow="fold")
    by_id = {one.id: one.priority for one in instance.patient}
    for one in sorted(placed, key=lambda item: by_id[item.patient]):
        table.add_row(
            escape(one.patient),
            escape(f"{one.machine} ({one.site})"),
            str(one.first_on),
            one.delivery_class,
            f"{one.waited_days} d",
            f"{one.loss:.1f}",
        )
    out.print(table)
    for one in found.placed:
        if not one.machine:
            print_wrapped(f"✗ {one.patient} has no place: {one.reason}. Would help: {one.would_help}.")
    print_wrapped(WORDS)
    print_wrapped(DECIDES)
