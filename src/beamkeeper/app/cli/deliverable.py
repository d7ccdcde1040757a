"""`beamkeeper deliverable`: on which machines a plan can be given, in which class, and why not better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beamkeeper.app.cli.console import emit_json, out, print_wrapped
from beamkeeper.app.cli.options import JsonOption
from beamkeeper.errors import ConfigError

if TYPE_CHECKING:
    from beamkeeper.domain.demand import PlanDemand
    from beamkeeper.respond.placement import Deliverability, MachineProfile

PLAN_BYTES_MAX = 1 << 30
MACHINES_BYTES_MAX = 16 << 20
EXIT_NOWHERE = 3
FINDINGS_SHOWN = 4


def command(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="An RT Plan or RT Ion Plan file.")],
    machines: Annotated[
        Path, typer.Option("--machines", metavar="FILE", help="The machine file: docs/formats/machines.md.")
    ],
    json_: JsonOption = False,
) -> int:
    """Say for each machine whether it can give a plan: direct, recalculate, plan again, not there; and why.

    Element by element, from the control points of the file: energies and fluence modes, leaves and where they
    stand open, jaws, wedges, applicators, couch, motion, declared beam match, end-to-end test. Needs neither
    site file nor vault. The physicist of the machine decides.

    Exit status: 0 some machine can give it or a plan like it, 3 none can; 2 the machine file is wrong, 11 to
    13 the plan's file is cut short, no plan, or no DICOM.

    Example: beamkeeper deliverable plan.dcm --machines machines.toml --json
    """
    from beamkeeper.clock import zone
    from beamkeeper.respond.placement import DECIDES, DeliveryClass, classify
    from beamkeeper.wire.dicom.reader_demand import read_demand

    found = machines_of(machines)
    demand = read_demand(bytes_of(plan, PLAN_BYTES_MAX), zone=zone("UTC"))
    judged = [classify(demand, machine) for machine in found]
    if json_:
        emit_json(_plain(demand, found, judged))
    else:
        for machine, one in sorted(zip(found, judged, strict=True), key=lambda pair: pair[1].delivery_class):
            _show(machine, one)
        for text in judged[0].remarks:
            print_wrapped(f"  {text}")
        print_wrapped(DECIDES)
    return 0 if any(one.delivery_class < DeliveryClass.D for one in judged) else EXIT_NOWHERE


def _show(machine: MachineProfile, one: Deliverability) -> None:
    kind = one.delivery_class
    out.print(f"[bold]{kind.name}[/] {kind.said:12} ", end="")
    out.print(f"{machine.treatment_machine_name} at {machine.site} ({machine.profile})", markup=False)
    for finding in one.findings[:FINDINGS_SHOWN]:
        print_wrapped(f"    {finding.at_least.name} {finding.text}")
    if (more := len(one.findings) - FINDINGS_SHOWN) > 0:
        out.print(f"    and {more} more; --json has all")
    for text in one.to_do:
        print_wrapped(f"    before: {text}")


def _plain(
    demand: PlanDemand, machines: tuple[MachineProfile, ...], judged: list[Deliverability]
) -> dict[str, object]:
    from beamkeeper.respond.placement import DECIDES

    return {
        "format": "beamkeeper-deliverable",
        "version": 1,
        "plan": {
            "sop_instance_uid": demand.sop_instance_uid,
            "rt_plan_label": demand.rt_plan_label,
            "treatment_machine_names": demand.treatment_machine_names,
            "beams": len(demand.beams),
        },
        "machines": [
            {
                "id": machine.machine_id,
                "name": machine.treatment_machine_name,
                "site": machine.site,
                "profile": machine.profile,
                "class": one.delivery_class.name,
                "said": one.delivery_class.said,
                "reason": one.reason,
                "findings": [
                    {
                        "class": finding.at_least.name,
                        "element": finding.element,
                        "beam_numbers": finding.beam_numbers,
                        "needed": finding.needed,
                        "there": finding.there,
                    }
                    for finding in one.findings
                ],
                "to_do": one.to_do,
            }
            for machine, one in zip(machines, judged, strict=True)
        ],
        "remarks": judged[0].remarks if judged else (),
        "decides": DECIDES,
    }


def machines_of(path: Path) -> tuple[MachineProfile, ...]:
    """Return the machines of a machine file.

    Raises
    ------
    ConfigError
        It cannot be read, or is no machine file.
    """
    from beamkeeper.respond.placement import read_machines

    try:
        return read_machines(bytes_of(path, MACHINES_BYTES_MAX).decode())
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name} is no text in UTF-8.") from error


def bytes_of(path: Path, most: int) -> bytes:
    """Return what a file holds, of at most `most` bytes.

    Raises
    ------
    ConfigError
        It cannot be read, or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ConfigError(
            f"{path.name} cannot be read: {error.strerror}.", do_next="Check the path."
        ) from error
    if len(data) > most:
        raise ConfigError(f"{path.name} is larger than {most} bytes: no such file is.")
    return data
