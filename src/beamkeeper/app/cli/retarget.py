"""`beamkeeper retarget`: the copy of a class A plan for a matched machine, unapproved, for two to sign."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, plain, print_wrapped
from beamkeeper.app.cli.deliverable import PLAN_BYTES_MAX, bytes_of, machines_of
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.clock import SystemClock
from beamkeeper.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beamkeeper.respond.placement import MachineProfile
    from beamkeeper.respond.placement.retarget import Retargeted

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")
NAME_CHARACTERS_MAX = 64


def command(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="An RT Plan file; it is only read.")],
    machines: Annotated[
        Path, typer.Option("--machines", metavar="FILE", help="The machine file: docs/formats/machines.md.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="MACHINE", help="The id of the machine there.")],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where copy and sheet are written.")],
    by: Annotated[
        list[str], typer.Option("--by", metavar="NAME", help="Who signs; twice, two different people.")
    ],
    json_: JsonOption = False,
) -> int:
    """Make the copy of a plan for a matched machine: the machine's name changes, and nothing else.

    Only of a plan in class A (beamkeeper deliverable), for a machine whose match is declared. The copy is a
    new, unapproved RT Plan with UIDs of its own that names the original as its predecessor. Beside it: the
    sheet that two people sign, with everything that differs, as PDF, text and JSON. No file is overwritten.

    Exit status: 0 made, 2 a name or a file is wrong, 44 the machine does not give this plan directly.

    Example: beamkeeper retarget plan.dcm --machines machines.toml --to partner-tb1
    --out copy --by "A. Jansen" --by "B. Peeters"
    """
    from beamkeeper.respond.placement.retarget import NOT_APPROVED, retarget

    made = retarget(
        bytes_of(plan, PLAN_BYTES_MAX),
        _machine(machines_of(machines), to),
        signers=by,
        made_at=SystemClock().now().astimezone(),
    )
    files = _files(made)
    _put(folder, files)
    if json_:
        emit_json(
            {**json.loads(files[_names(made) + ".json"]), "files": [str(folder / name) for name in files]}
        )
        return 0
    out.print(f"Plan {made.original_label} for {made.machine_before}:", markup=False)
    out.print(f"copy {made.rt_plan_label} for {made.machine.treatment_machine_name}", markup=False)
    for change in made.changes:
        print_wrapped(f"  • {change.text}")
    print_wrapped("Every other stored value is the same, byte by byte. To be looked at:")
    for text in made.looks:
        print_wrapped(f"  △ {text}")
    for name in files:
        out.print(str(folder / name), soft_wrap=True, markup=False)
    print_wrapped(f"{' and '.join(made.signers)} sign the sheet. {NOT_APPROVED}")
    return 0


def _machine(machines: tuple[MachineProfile, ...], machine_id: str) -> MachineProfile:
    found = next((one for one in machines if one.machine_id == machine_id), None)
    if found is None:
        raise ConfigError(
            f"The machine file has no machine {machine_id!r}.",
            do_next=f"It has {', '.join(one.machine_id for one in machines)}.",
        )
    return found


def _names(made: Retargeted) -> str:
    """Return what the files are called: by the original and the machine, so that nobody makes two unseen."""
    name = f"{made.original_uid}-{made.machine.machine_id[:NAME_CHARACTERS_MAX]}"
    return "RP." + _NOT_IN_NAMES.sub("_", name)


def _files(made: Retargeted) -> dict[str, bytes]:
    """Return the files by name, the copy last: it never lies there without its list."""
    from beamkeeper.protect.lists.pdf import page_pdf
    from beamkeeper.protect.lists.text import page_text
    from beamkeeper.respond.placement.retarget_sheet import retarget_facts, retarget_page

    page, name = retarget_page(made), _names(made)
    return {
        f"{name}.pdf": page_pdf(page, made_at=int(made.made_at.timestamp())),
        f"{name}.txt": page_text(page).encode("utf-8", "replace"),
        f"{name}.json": json.dumps(plain(retarget_facts(made)), ensure_ascii=False, indent=1).encode(),
        f"{name}.dcm": made.data,
    }


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files that are not there yet, all or none, and read the copy again.

    Raises
    ------
    ConfigError
        One is there, or the folder cannot be made.
    """
    from beamkeeper.app.jobs.notes import write_whole

    reserved: list[Path] = []
    whole = False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in files:
            os.close(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            reserved.append(folder / name)
        for name, data in files.items():
            write_whole(folder / name, data)
            if (folder / name).read_bytes() != data:
                raise IntegrityError(f"{name} does not read back as it was written: nothing was left there.")
        whole = True
    except FileExistsError as error:
        raise ConfigError(
            f"{error.filename} is there already: a copy of this plan for this machine was made.",
            do_next="Look at that one. If it is not to be used, name another folder with --out.",
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror}.", do_next="Name another folder with --out."
        ) from error
    finally:
        if not whole:
            for path in reserved:
                path.unlink(missing_ok=True)
