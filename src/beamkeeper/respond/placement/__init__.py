"""Who goes where: what a machine can do, and in which class it can give a plan, with the reason.

`read_machines` reads a site's machine file, each machine beginning with a public profile; `classify` holds
what a plan asks (`domain.demand`) against one machine, element by element; `retarget` makes the copy of a
class A plan for a matched machine. `read_instance` and `solve` place everybody. Why: `docs/decisions`,
0077-deliverable.md, 0078-placement.md, 0079-retargeted-copy.md.
"""

from beamkeeper.respond.placement.deliver import DECIDES, Deliverability, DeliveryClass, Finding, classify
from beamkeeper.respond.placement.instance import Instance, read_instance
from beamkeeper.respond.placement.machine import MachineProfile, PhotonMode, public_profiles, read_machines
from beamkeeper.respond.placement.solving import Placed, Placement, solve

__all__ = [
    "DECIDES",
    "Deliverability",
    "DeliveryClass",
    "Finding",
    "Instance",
    "MachineProfile",
    "PhotonMode",
    "Placed",
    "Placement",
    "classify",
    "public_profiles",
    "read_instance",
    "read_machines",
    "solve",
]
